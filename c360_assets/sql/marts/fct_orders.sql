-- One row per valid order.
with pieces as (
    select
        order_id,
        cast(sum(quantity) as bigint) as total_products_ordered,
        count(*) as number_of_products
    from staging.stg_order_items
    group by order_id
),

-- where several sessions name an order, the smallest id is taken
placed_in as (
    select order_id, min(session_id) as session_id
    from staging.session_orders
    group by order_id
),

orders as (
    select
        o.*,
        i.contact_user_id,
        -- orders of the same moment are counted in the order of their ids
        row_number() over (
            partition by i.contact_user_id order by o.ordered_at, o.order_id
        ) as order_number
    from staging.stg_orders as o
    inner join identity.user_identity as i on i.user_id = o.user_id
)

select
    o.order_id,
    o.contact_user_id as user_id,
    o.address_id,
    a.country,
    a.state,
    a.zipcode,
    o.ordered_at as created_at,
    o.promo_id,
    o.order_cost,
    o.promo_discount,
    o.shipping_cost,
    o.sales_total,
    o.order_total,
    o.tracking_id,
    o.shipping_service,
    o.estimated_delivery_at,
    o.delivered_at,
    o.status,
    p.total_products_ordered,
    p.number_of_products,
    o.refund_amount,
    o.order_number,
    o.order_number = 1 as is_first_order,
    cast((epoch(o.delivered_at) - epoch(o.ordered_at)) / 3600 as double) as delivery_hours,
    o.delivered_at <= o.estimated_delivery_at as is_on_time,
    s.session_id,
    o.user_id as account_user_id
from orders as o
left join staging.stg_addresses as a on a.address_id = o.address_id
left join pieces as p on p.order_id = o.order_id
left join placed_in as s on s.order_id = o.order_id
