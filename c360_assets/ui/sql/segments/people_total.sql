-- One row: how many rows segments/people has, without what they do not hang on.
with customers as (
    select user_id, frequency, monetary, recency_score, frequency_score, rfm_segment
    from marts.rfm_segments
    where cast($at as timestamp) is null
    union all
    select
        h.user_id,
        s.frequency,
        s.monetary,
        h.recency_score,
        h.frequency_score,
        h.rfm_segment
    from marts.rfm_segment_history as h
    inner join marts.rfm_customer_states as s
        on s.user_id = h.user_id
        and s.valid_from <= cast($at as timestamp)
        and coalesce(s.valid_to, timestamp '9999-12-31 00:00:00') > cast($at as timestamp)
    where h.valid_from <= cast($at as timestamp)
        and coalesce(h.valid_to, timestamp '9999-12-31 00:00:00') > cast($at as timestamp)
),

-- where they were when the movement began; nobody where no movement is chosen
people_before as (
    select user_id, rfm_segment
    from marts.rfm_segment_history
    where cast($moved_from as varchar) is not null
        and valid_from <= cast($since as timestamp)
        and coalesce(valid_to, timestamp '9999-12-31 00:00:00') > cast($since as timestamp)
)

select count(*) as total
from customers as p
inner join marts.contacts as c on c.user_id = p.user_id
left join people_before as b on b.user_id = p.user_id
where (cast($segment as varchar) is null or p.rfm_segment = $segment)
    and (cast($recency_score as integer) is null or p.recency_score = $recency_score)
    and (cast($frequency_score as integer) is null or p.frequency_score = $frequency_score)
    and (
        cast($moved_from as varchar) is null
        or coalesce(b.rfm_segment, 'prospects') = $moved_from
    )
    and (cast($min_orders as bigint) is null or p.frequency >= $min_orders)
    and (cast($min_money as double) is null or p.monetary >= $min_money)
    and (
        cast($text as varchar) is null
        or contains(
            lower(strip_accents(concat_ws(' ', c.user_name, c.email, c.corporate_email))),
            lower(strip_accents($text))
        )
    )
