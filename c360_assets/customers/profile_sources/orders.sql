-- One row per order, under its account.
select
    o.user_id,
    o.ordered_at as fact_at,
    o.order_id,
    o.ordered_at,
    o.order_cost,
    o.promo_discount,
    o.shipping_cost,
    o.refund_amount,
    o.sales_total,
    o.order_total,
    o.status,
    o.promo_id,
    o.address_id,
    o.delivered_at,
    o.estimated_delivery_at,
    o.shipping_service
from staging.stg_orders as o
