-- One row per day on which the person ordered: what the orders of that day add up to.
select
    cast(created_at as date) as day,
    count(*) as orders,
    sum(total_products_ordered) as items,
    -- as the attributes of profiles have it: ECOM_TOTAL_GROSS_SALES_AMOUNT and so on
    sum(order_cost) as gross_sales,
    sum(order_cost - coalesce(promo_discount, 0) - coalesce(refund_amount, 0)) as net_sales,
    sum(refund_amount) as refunds,
    sum(promo_discount) as discounts
from marts.fct_orders
where user_id = $user_id
group by cast(created_at as date)
order by day
