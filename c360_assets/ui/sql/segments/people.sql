-- One row per customer at an hour (null: at the clock) who fits cell, segment, move, filters.
-- Names and the like are for `people_names` and its neighbours, which are asked of few.
with customers as (
    select
        user_id,
        recency,
        frequency,
        monetary,
        recency_score,
        frequency_score,
        monetary_score,
        rfm_segment
    from marts.rfm_segments
    where cast($at as timestamp) is null
    union all
    select
        h.user_id,
        -- as rfm_segments_hourly has it: whole minutes since the last order
        cast((epoch(cast($at as timestamp)) - epoch(s.last_order_minute)) / 60 as bigint)
            as recency,
        s.frequency,
        s.monetary,
        h.recency_score,
        h.frequency_score,
        h.monetary_score,
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
),

-- nobody where no text is asked for
people_named as (
    select user_id
    from marts.search_index
    where cast($text as varchar) is not null
        and kind = 'person'
        -- folded, as the index has its texts
        and contains(search_text, $text)
)

select
    p.user_id,
    p.rfm_segment,
    p.recency_score,
    p.frequency_score,
    p.monetary_score,
    p.recency / 1440 as recency_days,
    p.frequency,
    p.monetary
from customers as p
left join people_before as b on b.user_id = p.user_id
left join people_named as n on n.user_id = p.user_id
where (cast($segment as varchar) is null or p.rfm_segment = $segment)
    and (cast($recency_score as integer) is null or p.recency_score = $recency_score)
    and (cast($frequency_score as integer) is null or p.frequency_score = $frequency_score)
    and (
        cast($moved_from as varchar) is null
        or coalesce(b.rfm_segment, 'prospects') = $moved_from
    )
    and (cast($min_orders as bigint) is null or p.frequency >= $min_orders)
    and (cast($min_money as double) is null or p.monetary >= $min_money)
    and (cast($text as varchar) is null or n.user_id is not null)
