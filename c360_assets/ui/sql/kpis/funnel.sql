-- One row per period (`is_now`, or the one before): sessions that got at least as far as each step.
select
    kpi_date >= $first as is_now,
    cast(sum(sessions) as bigint) as sessions,
    cast(sum(product_step_sessions) as bigint) as with_product,
    cast(sum(cart_step_sessions) as bigint) as with_cart,
    cast(sum(converted_sessions) as bigint) as with_checkout,
    cast(sum(order_step_sessions) as bigint) as with_order
from marts.kpi_total_days
where kpi_date between $earliest and $last
group by kpi_date >= $first
