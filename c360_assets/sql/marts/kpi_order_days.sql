-- One row per day, dimension and value with orders: what the orders add up to, for days to make.
with orders as (
    select o.*
    from marts.fct_orders as o
    inner join ops.days_to_make as d on d.made_date = cast(o.created_at as date)
),

valued as (
    select 'all' as dimension, 'all' as dimension_value, o.*
    from orders as o
    union all
    select 'country' as dimension, coalesce(o.country, '(none)') as dimension_value, o.*
    from orders as o
    union all
    select 'promo' as dimension, coalesce(o.promo_id, '(none)') as dimension_value, o.*
    from orders as o
)

select
    cast(created_at as date) as kpi_date,
    dimension,
    dimension_value,
    count(*) as orders,
    count(sales_total) as priced_orders,
    cast(sum(sales_total) as decimal(38, 2)) as revenue,
    cast(sum(order_total) as decimal(38, 2)) as gross_revenue,
    count(case when refund_amount > 0 then 1 end) as refunds,
    -- an order with an amount and no refund was refunded nothing
    cast(sum(
        case
            when coalesce(sales_total, order_total, refund_amount) is not null
                then coalesce(refund_amount, 0)
        end
    ) as decimal(38, 2)) as refund_amount,
    cast(sum(total_products_ordered) as bigint) as units,
    count(distinct user_id) as customers,
    count(case when is_first_order then 1 end) as new_customers,
    count(case when order_number = 2 then 1 end) as second_orders,
    count(delivery_hours) as delivered_orders,
    -- decimals, since the sum of doubles depends on the order of the rows
    cast(sum(cast(delivery_hours as decimal(18, 6))) as double) as delivery_hours_sum,
    count(is_on_time) as expected_deliveries,
    count(case when is_on_time then 1 end) as on_time_orders
from valued
group by cast(created_at as date), dimension, dimension_value
