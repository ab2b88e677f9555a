-- One row per day and product that was ordered or looked at, for the days to make.
with ordered as (
    select
        t.order_date as kpi_date,
        t.product_id,
        count(*) as orders,
        cast(sum(t.quantity) as bigint) as units,
        cast(sum(t.quantity * p.price) as decimal(38, 2)) as revenue,
        count(distinct t.user_id) as customers,
        count(case when t.is_first_order then 1 end) as new_customers
    from staging.order_lines as t
    inner join ops.days_to_make as d on d.made_date = t.order_date
    left join staging.stg_products as p on p.product_id = t.product_id
    where t.quantity > 0
    group by t.order_date, t.product_id
),

-- on the day of the session, like the sessions that they are a share of
converted as (
    select
        s.session_date as kpi_date,
        t.product_id,
        count(distinct s.session_id) as converted_sessions
    from staging.session_orders as s
    inner join ops.days_to_make as d on d.made_date = s.session_date
    inner join staging.order_lines as t on t.order_id = s.order_id
    where t.quantity > 0
    group by s.session_date, t.product_id
),

named as (
    select n.event_date as kpi_date, n.product_id, sum(n.number_of_events) as events
    from staging.event_name_days as n
    inner join ops.days_to_make as d on d.made_date = n.event_date
    where n.product_id is not null
    group by n.event_date, n.product_id
),

parts as (
    select
        kpi_date, product_id, orders, units, revenue, customers, new_customers,
        0 as sessions, 0 as converted_sessions, 0 as events
    from ordered
    union all
    select
        kpi_date, product_id, 0 as orders, 0 as units, null as revenue, 0 as customers,
        0 as new_customers, 0 as sessions, converted_sessions, 0 as events
    from converted
    union all
    select
        l.session_date as kpi_date, l.product_id, 0 as orders, 0 as units, null as revenue,
        0 as customers, 0 as new_customers, l.sessions, 0 as converted_sessions, 0 as events
    from staging.session_product_days as l
    inner join ops.days_to_make as d on d.made_date = l.session_date
    union all
    select
        kpi_date, product_id, 0 as orders, 0 as units, null as revenue, 0 as customers,
        0 as new_customers, 0 as sessions, 0 as converted_sessions, events
    from named
)

select
    a.kpi_date,
    a.product_id,
    max(p.product_name) as product_name,
    cast(sum(a.orders) as bigint) as orders,
    cast(sum(a.units) as bigint) as units,
    cast(sum(a.revenue) as decimal(38, 2)) as revenue,
    cast(sum(a.customers) as bigint) as customers,
    cast(sum(a.new_customers) as bigint) as new_customers,
    cast(sum(a.sessions) as bigint) as sessions,
    cast(sum(a.converted_sessions) as bigint) as converted_sessions,
    cast(sum(a.events) as bigint) as events
from parts as a
left join staging.stg_products as p on p.product_id = a.product_id
group by a.kpi_date, a.product_id
