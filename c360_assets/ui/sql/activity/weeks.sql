-- One row per week with an event or an order of a company's people, or of accounts in a gaggle.
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
)

select
    cast(coalesce(e.week, o.week) as date) as week,
    coalesce(e.number_of_events, 0) as number_of_events,
    coalesce(e.people, 0) as people,
    coalesce(o.number_of_orders, 0) as number_of_orders,
    o.sales_total
from events as e
full join orders as o on o.week = e.week
order by week
