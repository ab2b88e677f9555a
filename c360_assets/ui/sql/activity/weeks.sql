-- One row per week, from the first event or order of the people to the clock; quiet weeks show it.
-- The people are those of a company, or the accounts in a gaggle.
with accounts as (
    select i.user_id, i.contact_user_id
    from identity.user_identity as i
    inner join marts.contacts as c on c.user_id = i.contact_user_id
    inner join staging.stg_users as u on u.user_id = i.user_id
    where c.corporate_email = $domain or u.gaggle_id = $gaggle_id
),

events as (
    select
        date_trunc('week', e.event_date) as week,
        sum(e.number_of_events) as number_of_events,
        count(distinct a.contact_user_id) as people
    from staging.user_event_name_days as e
    inner join accounts as a on a.user_id = e.user_id
    group by week
),

orders as (
    select
        date_trunc('week', o.created_at) as week,
        count(*) as number_of_orders,
        sum(o.sales_total) as sales_total
    from marts.fct_orders as o
    inner join accounts as a on a.user_id = o.account_user_id
    group by week
),

span as (
    select
        min(week) as first_week,
        -- greatest skips nulls: where nobody ever ordered there is no clock
        greatest(
            max(week),
            (select date_trunc('week', max(as_of)) from marts.rfm_segments)
        ) as last_week
    from (select week from events union all select week from orders) as active
),

weeks as (
    select cast(unnest(generate_series(first_week, last_week, interval 7 day)) as date) as week
    from span
    where first_week is not null
)

select
    w.week,
    coalesce(e.number_of_events, 0) as number_of_events,
    coalesce(e.people, 0) as people,
    coalesce(o.number_of_orders, 0) as number_of_orders,
    o.sales_total
from weeks as w
left join events as e on e.week = w.week
left join orders as o on o.week = w.week
order by w.week
