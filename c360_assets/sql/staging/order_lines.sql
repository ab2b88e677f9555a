-- One row per order and product, for the days to make.
select
    o.order_id,
    cast(o.created_at as date) as order_date,
    o.user_id,
    o.is_first_order,
    t.product_id,
    t.quantity
from marts.fct_orders as o
inner join ops.days_to_make as d on d.made_date = cast(o.created_at as date)
inner join staging.stg_order_items as t on t.order_id = o.order_id
