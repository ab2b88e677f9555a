-- One row per day of the range with figures, of one value of a dimension.
select
    kpi_date,
    revenue,
    net_revenue,
    gross_revenue,
    orders,
    average_order_value,
    units,
    refunds,
    refund_amount,
    customers,
    new_customers,
    returning_rate,
    repeat_rate,
    active_users,
    active_gaggles,
    sessions,
    bounce_rate,
    conversion_rate,
    events,
    delivery_hours,
    on_time_rate
from marts.kpi_daily
where dimension = $dimension and dimension_value = $value
    and kpi_date between $first and $last
