-- One row per period (`is_now`, or the one before) and stretch of it: the sums of its days.
-- Days of the period before are moved by its length, so that both fall into the same stretches.
with days as (
    select
        kpi_date,
        kpi_date >= $first as is_now,
        case when kpi_date >= $first then kpi_date else kpi_date + $length end as place
    from marts.kpi_daily
    where dimension = 'all' and kpi_date between $earliest and $last
),

-- a value without a row on a day had nothing on it
filled as (
    select
        d.is_now,
        d.kpi_date,
        cast(date_trunc($grain, d.place) as date) as stretch,
        k.kpi_date is null as is_nothing,
        k.* exclude (kpi_date)
    from days as d
    left join marts.kpi_daily as k
        on k.kpi_date = d.kpi_date and k.dimension = $dimension and k.dimension_value = $value
)

select
    is_now,
    stretch,
    count(*) as days,
    min(kpi_date) as first_day,
    max(kpi_date) as last_day,
    sum(case when is_nothing or orders = 0 then 0 else revenue end) as revenue,
    sum(case when is_nothing or orders = 0 then 0 else net_revenue end) as net_revenue,
    sum(case when is_nothing or orders = 0 then 0 else gross_revenue end) as gross_revenue,
    sum(case when is_nothing then 0 else orders end) as orders,
    sum(priced_orders) as priced_orders,
    sum(case when is_nothing or orders = 0 then 0 else units end) as units,
    sum(case when is_nothing or orders = 0 then 0 else refund_amount end) as refund_amount,
    sum(case when is_nothing then 0 else refunds end) as refunds,
    sum(case when is_nothing then 0 else new_customers end) as new_customers,
    sum(case when is_nothing then 0 else sessions end) as sessions,
    sum(converted_sessions) as converted_sessions,
    sum(bounced_sessions) as bounced_sessions,
    sum(case when is_nothing then 0 else events end) as events,
    sum(delivery_hours_sum) as delivery_hours_sum,
    sum(delivered_orders) as delivered_orders,
    sum(on_time_orders) as on_time_orders,
    sum(expected_deliveries) as expected_deliveries,
    -- of a single day; of several they do not add up
    case when count(*) = 1
        then sum(case when is_nothing then 0 else customers end) end as customers,
    case when count(*) = 1 then sum(active_users) end as active_users,
    case when count(*) = 1 then sum(active_gaggles) end as active_gaggles,
    arg_max(customers_to_date, kpi_date) as customers_to_date,
    arg_max(repeat_customers_to_date, kpi_date) as repeat_customers_to_date
from filled
group by is_now, stretch
order by is_now desc, stretch
