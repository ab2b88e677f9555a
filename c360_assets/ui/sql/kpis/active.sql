-- One row per period (`is_now`, or the one before) and stretch of it: who did anything, each once.
-- Stretches are those of `kpis/trend`; with $grain `period` each period is one.
with days as (
    select event_date as active_date, user_id
    from staging.user_event_name_days
    where event_date between $earliest and $last
    union all
    select cast(created_at as date) as active_date, account_user_id as user_id
    from marts.fct_orders
    where created_at >= $earliest and created_at < $last + 1
),

accounts as (
    select distinct
        active_date >= $first as is_now,
        case
            when $grain = 'period' then $first
            else cast(
                date_trunc(
                    replace($grain, 'period', 'day'),
                    active_date + case when active_date >= $first then 0 else $length end
                ) as date
            )
        end as stretch,
        user_id
    from days
),

-- few accounts are somebody else's: joining these alone costs a tenth of joining all
merged as (
    select user_id, contact_user_id
    from identity.user_identity
    where contact_user_id <> user_id
),

people as (
    select
        a.is_now,
        a.stretch,
        coalesce(m.contact_user_id, a.user_id) as contact_user_id,
        u.gaggle_id
    from accounts as a
    inner join staging.stg_users as u on u.user_id = a.user_id
    left join merged as m on m.user_id = a.user_id
),

-- each apart, since two count(distinct) beside each other cost several times as much
users as (
    select is_now, stretch, count(*) as active_users
    from (select distinct is_now, stretch, contact_user_id from people) as once
    group by is_now, stretch
),

gaggles as (
    select is_now, stretch, count(gaggle_id) as active_gaggles
    from (select distinct is_now, stretch, gaggle_id from people) as once
    group by is_now, stretch
)

select u.is_now, u.stretch, u.active_users, g.active_gaggles
from users as u
inner join gaggles as g on g.is_now = u.is_now and g.stretch = u.stretch
order by u.is_now desc, u.stretch
