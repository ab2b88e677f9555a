-- One row per span of days of which an attribute was first stated otherwise than it is known today.
with known as (
    select profile_date, columns([$attribute]) as value
    from marts.customer_profiles
    where client_customer_id = $user_id
),

stated as (
    select profile_date, as_known_at, known_until, columns([$attribute]) as value
    from marts.customer_profiles_as_known
    where client_customer_id = $user_id and known_until is not null
),

corrected as (
    select
        s.profile_date,
        s.as_known_at,
        s.known_until,
        s.value as value_stated,
        k.value as value_known
    from stated as s
    -- a day may be known no more: before a merge it was that of somebody else
    left join known as k on k.profile_date = s.profile_date
    where s.value is distinct from k.value
),

numbered as (
    select
        *,
        profile_date - cast(row_number() over (
            partition by as_known_at, known_until, value_stated, value_known
            order by profile_date
        ) as integer) as span
    from corrected
)

select
    min(profile_date) as first_day,
    max(profile_date) as last_day,
    value_stated,
    value_known,
    as_known_at,
    known_until,
    count(*) over () as total
from numbered
group by span, as_known_at, known_until, value_stated, value_known
order by 1 desc, as_known_at desc
limit 200
