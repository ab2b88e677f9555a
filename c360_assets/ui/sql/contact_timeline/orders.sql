-- One row per order, newest first; at least one, for `total`.
with mine as (
    select
        created_at as happened_at,
        order_id as entry_id,
        account_user_id as account_id,
        order_number,
        sales_total,
        total_products_ordered,
        status,
        promo_id,
        promo_discount,
        refund_amount,
        delivered_at,
        estimated_delivery_at,
        is_on_time
    from marts.fct_orders
    where user_id = $user_id
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*
from (select count(*) as total from mine) as t
left join shown as s on true
order by s.happened_at desc, s.entry_id
