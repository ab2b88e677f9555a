-- One row per day, from the first with an event or an order to the clock's.
with clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        -- greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

-- sessions start on a day with an event
first_day as (
    select min(kpi_date) as kpi_date
    from (
        select min(event_date) as kpi_date from staging.user_event_days
        union all
        select min(kpi_date) as kpi_date from marts.kpi_order_days
    ) as firsts
),

days as (
    select cast(unnest(generate_series(f.kpi_date, cast(k.as_of as date), interval 1 day)) as date)
        as kpi_date
    from first_day as f
    cross join clock as k
),

session_days as (
    select
        session_date,
        count(*) as sessions,
        count(case when event_count = 1 then 1 end) as bounced_sessions,
        count(case when number_of_checkouts > 0 then 1 end) as converted_sessions,
        -- who skipped a step and went further got that far, so no step is larger than the last
        count(
            case when number_of_products > 0 or number_of_carts > 0 or number_of_checkouts > 0
                then 1 end
        ) as product_step_sessions,
        count(case when number_of_carts > 0 or number_of_checkouts > 0 then 1 end)
            as cart_step_sessions,
        -- decimals, since the sum of doubles depends on the order of the rows
        cast(sum(cast(
            (epoch(session_ended_at) - epoch(session_started_at)) / 60 as decimal(18, 6)
        )) as double) as session_minutes
    from staging.sessions
    group by session_date
),

-- it is a checkout that names a session's order
ordered_days as (
    select session_date, count(*) as order_step_sessions
    from staging.sessions
    where number_of_checkouts > 0
        and session_id in (
            select o.session_id from marts.fct_orders as o where o.session_id is not null
        )
    group by session_date
),

-- where no event is of that kind, nobody knows of carts
carts as (
    select count(*) > 0 as are_known
    from staging.event_name_days as n
    inner join ops.cart_event_names as c on c.event_name = n.event_name
),

event_days as (
    select event_date, cast(sum(number_of_events) as bigint) as events
    from staging.event_name_days
    group by event_date
),

active as (
    select
        kpi_date,
        cast(sum(case when kind = 'users' then number_active end) as bigint) as active_users,
        cast(sum(case when kind = 'gaggles' then number_active end) as bigint) as active_gaggles
    from marts.kpi_active_days
    group by kpi_date
)

-- sums of a day without orders are 0; those of orders without amounts are not known
select
    d.kpi_date,
    coalesce(o.orders, 0) as orders,
    coalesce(o.priced_orders, 0) as priced_orders,
    case when o.orders is null then 0 else o.revenue end as revenue,
    case when o.orders is null then 0 else o.gross_revenue end as gross_revenue,
    coalesce(o.refunds, 0) as refunds,
    case when o.orders is null then 0 else o.refund_amount end as refund_amount,
    case when o.orders is null then 0 else o.units end as units,
    coalesce(o.customers, 0) as customers,
    coalesce(o.new_customers, 0) as new_customers,
    coalesce(o.second_orders, 0) as second_orders,
    coalesce(o.delivered_orders, 0) as delivered_orders,
    coalesce(o.delivery_hours_sum, 0) as delivery_hours_sum,
    coalesce(o.expected_deliveries, 0) as expected_deliveries,
    coalesce(o.on_time_orders, 0) as on_time_orders,
    coalesce(s.sessions, 0) as sessions,
    coalesce(s.bounced_sessions, 0) as bounced_sessions,
    coalesce(s.converted_sessions, 0) as converted_sessions,
    coalesce(s.session_minutes, 0) as session_minutes,
    coalesce(s.product_step_sessions, 0) as product_step_sessions,
    case when c.are_known then coalesce(s.cart_step_sessions, 0) end as cart_step_sessions,
    coalesce(p.order_step_sessions, 0) as order_step_sessions,
    coalesce(e.events, 0) as events,
    coalesce(a.active_users, 0) as active_users,
    coalesce(a.active_gaggles, 0) as active_gaggles,
    cast(sum(coalesce(o.new_customers, 0)) over (order by d.kpi_date) as bigint)
        as customers_to_date,
    cast(sum(coalesce(o.second_orders, 0)) over (order by d.kpi_date) as bigint)
        as repeat_customers_to_date
from days as d
cross join carts as c
left join marts.kpi_order_days as o on o.kpi_date = d.kpi_date and o.dimension = 'all'
left join session_days as s on s.session_date = d.kpi_date
left join ordered_days as p on p.session_date = d.kpi_date
left join event_days as e on e.event_date = d.kpi_date
left join active as a on a.kpi_date = d.kpi_date
