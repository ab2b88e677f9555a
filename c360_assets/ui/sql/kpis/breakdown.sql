-- One row per value of a dimension: one KPI in the period and in the one before.
-- `before_value` is null where the period before is not to be compared.
with days as (
    select
        dimension_value,
        dimension_label,
        kpi_date >= $first as is_now,
        cast(case $kpi
            when 'revenue' then revenue
            when 'net_revenue' then net_revenue
            when 'gross_revenue' then gross_revenue
            when 'orders' then orders
            when 'average_order_value' then revenue
            when 'units' then units
            when 'refund_amount' then refund_amount
            when 'refunds' then refunds
            when 'new_customers' then new_customers
            when 'sessions' then sessions
            when 'conversion_rate' then converted_sessions
            when 'events' then events
            when 'delivery_hours' then delivery_hours_sum
            when 'on_time_rate' then on_time_orders
        end as decimal(38, 6)) as numerator,
        case $kpi
            when 'average_order_value' then priced_orders
            when 'conversion_rate' then sessions
            when 'delivery_hours' then delivered_orders
            when 'on_time_rate' then expected_deliveries
        end as denominator
    from marts.kpi_daily
    where dimension = $dimension and kpi_date between $earliest and $last
),

sums as (
    select
        dimension_value,
        max(dimension_label) as dimension_label,
        sum(case when is_now then numerator end) as now_numerator,
        sum(case when is_now then denominator end) as now_denominator,
        sum(case when not is_now then numerator end) as before_numerator,
        sum(case when not is_now then denominator end) as before_denominator
    from days
    group by dimension_value
),

compared as (
    select
        dimension_value,
        dimension_label,
        case when $is_ratio then now_numerator / nullif(now_denominator, 0)
            else cast(coalesce(now_numerator, 0) as double) end as value,
        case
            when not $is_compared then null
            when $is_ratio then before_numerator / nullif(before_denominator, 0)
            else cast(coalesce(before_numerator, 0) as double)
        end as before_value
    from sums
    where now_numerator is not null or ($is_compared and before_numerator is not null)
)

select
    dimension_value,
    dimension_label,
    value,
    before_value,
    value - before_value as difference,
    value / nullif(before_value, 0) - 1 as change,
    case when $adds_up then value / nullif(sum(value) over (), 0) end as share
from compared
