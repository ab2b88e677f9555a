-- One row per contact and day from which the scores at the end of the day are these.
-- The end of a day is the midnight after it, so a change at midnight is the day before's.
with changes as (
    select
        h.user_id,
        cast(date_trunc('day', h.valid_from - interval 1 microsecond) as date) as valid_from,
        cast(date_trunc('day', h.valid_to - interval 1 microsecond) as date) as valid_to,
        h.rfm_segment,
        h.recency_score,
        h.frequency_score,
        h.monetary_score
    from marts.rfm_segment_history as h
)

select
    c.user_id,
    c.valid_from,
    c.rfm_segment,
    c.recency_score,
    c.frequency_score,
    c.monetary_score
from changes as c
where c.valid_to is null or c.valid_to > c.valid_from
