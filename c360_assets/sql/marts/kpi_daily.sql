-- One row per day, dimension and value of it.
-- What does not apply to a dimension is null there.
with parts as (
    select
        kpi_date, 'all' as dimension, 'all' as dimension_value, 'all' as dimension_label,
        orders, priced_orders, revenue, gross_revenue, refunds, refund_amount, units,
        customers, new_customers, second_orders, delivered_orders, delivery_hours_sum,
        expected_deliveries, on_time_orders, sessions, bounced_sessions, converted_sessions,
        session_minutes, events, active_users, active_gaggles, customers_to_date,
        repeat_customers_to_date
    from marts.kpi_total_days
    union all
    select
        kpi_date, dimension, dimension_value, dimension_value as dimension_label,
        orders, priced_orders, revenue, gross_revenue, refunds, refund_amount, units,
        customers, new_customers, second_orders, delivered_orders, delivery_hours_sum,
        expected_deliveries, on_time_orders, null as sessions, null as bounced_sessions,
        null as converted_sessions, null as session_minutes, null as events,
        null as active_users, null as active_gaggles, null as customers_to_date,
        null as repeat_customers_to_date
    from marts.kpi_order_days
    where dimension <> 'all'
    union all
    select
        kpi_date, 'product' as dimension, product_id as dimension_value,
        coalesce(product_name, product_id) as dimension_label,
        orders, null as priced_orders, revenue, null as gross_revenue, null as refunds,
        null as refund_amount, units, customers, new_customers, null as second_orders,
        null as delivered_orders, null as delivery_hours_sum, null as expected_deliveries,
        null as on_time_orders, sessions, null as bounced_sessions, converted_sessions,
        null as session_minutes, events, null as active_users, null as active_gaggles,
        null as customers_to_date, null as repeat_customers_to_date
    from marts.kpi_product_days
    union all
    select
        event_date as kpi_date, 'event_name' as dimension, event_name as dimension_value,
        event_name as dimension_label,
        null as orders, null as priced_orders, null as revenue, null as gross_revenue,
        null as refunds, null as refund_amount, null as units, null as customers,
        null as new_customers, null as second_orders, null as delivered_orders,
        null as delivery_hours_sum, null as expected_deliveries, null as on_time_orders,
        null as sessions, null as bounced_sessions, null as converted_sessions,
        null as session_minutes, cast(sum(number_of_events) as bigint) as events,
        null as active_users, null as active_gaggles, null as customers_to_date,
        null as repeat_customers_to_date
    from staging.event_name_days
    group by event_date, event_name
)

select
    p.kpi_date,
    p.dimension,
    p.dimension_value,
    p.dimension_label,
    p.orders,
    p.priced_orders,
    p.revenue,
    p.gross_revenue,
    p.refunds,
    p.refund_amount,
    p.units,
    p.customers,
    p.new_customers,
    p.second_orders,
    p.delivered_orders,
    p.delivery_hours_sum,
    p.expected_deliveries,
    p.on_time_orders,
    p.sessions,
    p.bounced_sessions,
    p.converted_sessions,
    p.session_minutes,
    p.events,
    p.active_users,
    p.active_gaggles,
    p.customers_to_date,
    p.repeat_customers_to_date,
    cast(p.revenue - coalesce(p.refund_amount, 0) as decimal(38, 2)) as net_revenue,
    cast(p.revenue / nullif(p.priced_orders, 0) as double) as average_order_value,
    (p.customers - p.new_customers) / nullif(p.customers, 0) as returning_rate,
    p.repeat_customers_to_date / nullif(p.customers_to_date, 0) as repeat_rate,
    p.bounced_sessions / nullif(p.sessions, 0) as bounce_rate,
    p.converted_sessions / nullif(p.sessions, 0) as conversion_rate,
    p.delivery_hours_sum / nullif(p.delivered_orders, 0) as delivery_hours,
    p.on_time_orders / nullif(p.expected_deliveries, 0) as on_time_rate
from parts as p
-- facts later than the clock's day are of days that have not come
inner join (select max(t.kpi_date) as last_date from marts.kpi_total_days as t) as c
    on p.kpi_date <= c.last_date
