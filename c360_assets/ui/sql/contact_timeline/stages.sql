-- One row per change of the lifecycle stage, as known today, newest first; one for `total`.
with days as (
    select
        profile_date,
        LIFECYCLE_STAGE as stage,
        lag(LIFECYCLE_STAGE) over (order by profile_date) as stage_before
    from marts.customer_profiles
    where client_customer_id = $user_id
),

mine as (
    select
        cast(profile_date as timestamp) as happened_at,
        cast(profile_date as varchar) as entry_id,
        stage,
        stage_before
    from days
    where stage is distinct from stage_before
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
