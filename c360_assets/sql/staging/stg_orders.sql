-- One row per valid order; without a raw_order table, one per event that is an order.
with valid_orders as (
    select r.*
    from raw.raw_order as r
    where not exists (
        select 1
        from ops.skipped_rows as s
        where s.source_table = 'raw_order'
            and s.source_file = r.source_file
            and s.source_row = r.source_row
    )
),

priced as (
    select
        o.*,
        coalesce(p.discount, 0) as promo_discount
    from valid_orders as o
    left join staging.stg_promos as p on p.promo_id = o.promo_id
)

select
    order_id,
    user_id,
    created_at as ordered_at,
    order_cost,
    cast(promo_discount as decimal(18, 2)) as promo_discount,
    shipping_cost,
    refund_amount,
    cast(order_cost - promo_discount - coalesce(shipping_cost, 0) as decimal(18, 2)) as sales_total,
    order_total,
    status,
    promo_id,
    address_id,
    delivered_at,
    estimated_delivery_at,
    tracking_id,
    shipping_service,
    'raw_order' as origin
from priced
union all
-- ops.order_event_names is empty where there is a raw_order table;
-- an event's id is unique within its day, so the day is part of the order's
select
    cast(cast(e.timestamp as date) as varchar) || '/' || e.event_id as order_id,
    e.user_id,
    e.timestamp as ordered_at,
    cast(null as decimal(18, 2)) as order_cost,
    cast(null as decimal(18, 2)) as promo_discount,
    cast(null as decimal(18, 2)) as shipping_cost,
    cast(null as decimal(18, 2)) as refund_amount,
    cast(null as decimal(18, 2)) as sales_total,
    cast(null as decimal(18, 2)) as order_total,
    cast(null as varchar) as status,
    cast(null as varchar) as promo_id,
    cast(null as varchar) as address_id,
    cast(null as timestamp) as delivered_at,
    cast(null as timestamp) as estimated_delivery_at,
    cast(null as varchar) as tracking_id,
    cast(null as varchar) as shipping_service,
    'raw_event' as origin
from staging.stg_events as e
inner join ops.order_event_names as n on n.event_name = e.event_name
