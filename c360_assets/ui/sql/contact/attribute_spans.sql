-- One row per span of profiled days on which an attribute had one value, as it is known today.
with days as (
    select profile_date, columns([$attribute]) as value
    from marts.customer_profiles
    where client_customer_id = $user_id
),

marked as (
    select
        profile_date,
        value,
        coalesce(
            lag(profile_date) over (order by profile_date) = profile_date - 1
            and lag(value) over (order by profile_date) is not distinct from value,
            false
        ) as goes_on
    from days
),

numbered as (
    select *, count(*) filter (not goes_on) over (order by profile_date) as span
    from marked
)

select
    min(profile_date) as first_day,
    max(profile_date) as last_day,
    any_value(value) as value
from numbered
group by span
order by 1 desc
