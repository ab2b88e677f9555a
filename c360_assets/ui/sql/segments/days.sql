-- One row per segment and day: every n-th day back from the last one.
with days as (
    select max(day) as last_day
    from marts.rfm_segment_days
)

select s.day, s.rfm_segment, s.customers, s.monetary
from marts.rfm_segment_days as s
cross join days as d
where s.day >= cast($since as date)
    and date_diff('day', s.day, d.last_day) % cast($every as bigint) = 0
order by s.day, s.rfm_segment
