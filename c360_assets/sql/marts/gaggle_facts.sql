-- One row per gaggle, with users or without; also for a gaggle that only accounts name.
with people as (
    select
        gaggle_id,
        count(*) as number_of_users,
        sum(number_of_events) as number_of_events,
        min(first_event) as first_event,
        max(most_recent_event) as most_recent_event,
        sum(number_of_orders) as number_of_orders,
        min(first_order) as first_order,
        max(most_recent_order) as most_recent_order
    from marts.contacts
    where gaggle_id is not null
    group by gaggle_id
),

companies as (
    select gaggle_id, count(*) as number_of_corporate_domains
    from marts.gaggle_domain_facts
    group by gaggle_id
),

primary_company as (
    select *
    from marts.gaggle_domain_facts
    where is_primary
),

gaggles as (
    select gaggle_id, gaggle_name, created_at
    from staging.stg_gaggles
    union all
    select distinct u.gaggle_id, cast(null as varchar), cast(null as timestamp)
    from staging.stg_users as u
    where u.gaggle_id is not null
        and not exists (select 1 from staging.stg_gaggles as g where g.gaggle_id = u.gaggle_id)
)

select
    g.gaggle_id,
    g.gaggle_name,
    g.created_at,
    p.first_event,
    p.most_recent_event,
    cast(coalesce(p.number_of_events, 0) as bigint) as number_of_events,
    coalesce(p.number_of_users, 0) as number_of_users,
    p.first_order,
    p.most_recent_order,
    cast(coalesce(p.number_of_orders, 0) as bigint) as number_of_orders,
    c.corporate_email,
    c.first_event_corporate,
    c.most_recent_event_corporate,
    coalesce(c.number_of_events_corporate, 0) as number_of_events_corporate,
    coalesce(c.number_of_users_corporate, 0) as number_of_users_corporate,
    c.first_order_corporate,
    c.most_recent_order_corporate,
    coalesce(c.number_of_orders_corporate, 0) as number_of_orders_corporate,
    coalesce(n.number_of_corporate_domains, 0) as number_of_corporate_domains
from gaggles as g
left join people as p on p.gaggle_id = g.gaggle_id
left join primary_company as c on c.gaggle_id = g.gaggle_id
left join companies as n on n.gaggle_id = g.gaggle_id
