-- One row: the first and newest profiled day, the one asked for or before it, and its neighbours.
with days as (
    select profile_date from marts.profile_days
),

shown as (
    select coalesce(
        max(profile_date) filter (profile_date <= coalesce(cast($day as date), date '9999-12-31')),
        min(profile_date)
    ) as day
    from days
)

select
    min(d.profile_date) as first_day,
    max(d.profile_date) as newest_day,
    any_value(s.day) as day,
    max(d.profile_date) filter (d.profile_date < s.day) as day_before,
    min(d.profile_date) filter (d.profile_date > s.day) as day_after
from days as d
cross join shown as s
