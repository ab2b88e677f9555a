-- One row per period (`is_now`, or the one before): the sums of its days, of one value.
select
    kpi_date >= $first as is_now,
    sum(revenue) as revenue,
    sum(net_revenue) as net_revenue,
    sum(gross_revenue) as gross_revenue,
    sum(orders) as orders,
    sum(priced_orders) as priced_orders,
    sum(units) as units,
    sum(refund_amount) as refund_amount,
    sum(refunds) as refunds,
    sum(new_customers) as new_customers,
    sum(sessions) as sessions,
    sum(converted_sessions) as converted_sessions,
    sum(bounced_sessions) as bounced_sessions,
    sum(events) as events,
    sum(delivery_hours_sum) as delivery_hours_sum,
    sum(delivered_orders) as delivered_orders,
    sum(on_time_orders) as on_time_orders,
    sum(expected_deliveries) as expected_deliveries,
    -- stocks, not flows: the last day's count
    arg_max(customers_to_date, kpi_date) as customers_to_date,
    arg_max(repeat_customers_to_date, kpi_date) as repeat_customers_to_date
from marts.kpi_daily
where dimension = $dimension and dimension_value = $value
    and kpi_date between $earliest and $last
group by kpi_date >= $first
