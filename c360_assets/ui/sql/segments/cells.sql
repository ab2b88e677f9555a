-- One row per pair of scores that somebody had at an hour (null: has at the clock).
with people as (
    select recency_score, frequency_score, monetary
    from marts.rfm_segments
    where cast($at as timestamp) is null
    union all
    select h.recency_score, h.frequency_score, s.monetary
    from marts.rfm_segment_history as h
    inner join marts.rfm_customer_states as s
        on s.user_id = h.user_id
        and s.valid_from <= cast($at as timestamp)
        and coalesce(s.valid_to, timestamp '9999-12-31 00:00:00') > cast($at as timestamp)
    where h.valid_from <= cast($at as timestamp)
        and coalesce(h.valid_to, timestamp '9999-12-31 00:00:00') > cast($at as timestamp)
)

select recency_score, frequency_score, count(*) as customers, sum(monetary) as monetary
from people
group by recency_score, frequency_score
