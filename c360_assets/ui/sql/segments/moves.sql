-- One row per pair of segments at two times (until null: at the clock): who moved so, or stayed.
with people_before as (
    select user_id, rfm_segment
    from marts.rfm_segment_history
    where valid_from <= cast($since as timestamp)
        and coalesce(valid_to, timestamp '9999-12-31 00:00:00') > cast($since as timestamp)
),

people_after as (
    select user_id, rfm_segment
    from marts.rfm_segments
    where cast($until as timestamp) is null
    union all
    select user_id, rfm_segment
    from marts.rfm_segment_history
    where valid_from <= cast($until as timestamp)
        and coalesce(valid_to, timestamp '9999-12-31 00:00:00') > cast($until as timestamp)
)

-- nobody who ordered ever leaves: who is not there before has no order then
select
    coalesce(b.rfm_segment, 'prospects') as from_segment,
    a.rfm_segment as to_segment,
    count(*) as customers
from people_after as a
left join people_before as b on b.user_id = a.user_id
group by coalesce(b.rfm_segment, 'prospects'), a.rfm_segment
order by customers desc, from_segment, to_segment
