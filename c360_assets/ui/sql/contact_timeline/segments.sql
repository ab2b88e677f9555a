-- One row per change of the RFM segment, newest first; at least one, for `total`.
with stretches as (
    select
        valid_from,
        rfm_segment,
        lag(rfm_segment) over (order by valid_from) as segment_before,
        recency_score,
        frequency_score,
        monetary_score
    from marts.rfm_segment_history
    where user_id = $user_id
),

-- scores change more often than the segment that they lead to
mine as (
    select valid_from as happened_at, cast(valid_from as varchar) as entry_id, *
    from stretches
    where rfm_segment is distinct from segment_before
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*
from (select count(*) as total from mine) as t
left join shown as s on true
order by s.happened_at desc, s.entry_id
