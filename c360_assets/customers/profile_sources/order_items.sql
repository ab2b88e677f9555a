-- One row per order and product, under the order's account.
select
    o.user_id,
    o.ordered_at as fact_at,
    o.order_id,
    o.ordered_at,
    i.product_id,
    p.product_name,
    i.quantity,
    p.price,
    o.status
from staging.stg_orders as o
inner join staging.stg_order_items as i on i.order_id = o.order_id
left join staging.stg_products as p on p.product_id = i.product_id
