-- One row per contact.
-- Phone and address are those of the newest account that has one; a tie goes to the account that
-- stands for the person, then to the smallest id.
with accounts as (
    select
        i.contact_user_id,
        u.user_id,
        u.phone,
        u.address_id,
        u.created_at,
        case when u.user_id = i.contact_user_id then 1 else 0 end as stands_for_person
    from staging.stg_users as u
    inner join identity.user_identity as i on i.user_id = u.user_id
),

phones as (
    select contact_user_id, phone
    from (
        select
            contact_user_id,
            phone,
            row_number() over (
                partition by contact_user_id
                order by created_at desc, stands_for_person desc, user_id
            ) as nth
        from accounts
        where phone is not null
    ) as ranked
    where nth = 1
),

addresses as (
    select contact_user_id, address_id
    from (
        select
            contact_user_id,
            address_id,
            row_number() over (
                partition by contact_user_id
                order by created_at desc, stands_for_person desc, user_id
            ) as nth
        from accounts
        where address_id is not null
    ) as ranked
    where nth = 1
),

orders as (
    select
        user_id,
        count(*) as total_orders,
        count(sales_total) as priced_orders,
        cast(sum(sales_total) as decimal(38, 2)) as total_sales,
        min(created_at) as first_order_at,
        max(created_at) as last_order_at
    from marts.fct_orders
    group by user_id
),

product_orders as (
    select
        user_id,
        product_id,
        sum(quantity) as pieces,
        count(*) as orders
    from staging.order_lines
    where quantity > 0
    group by user_id, product_id
),

-- most pieces, then most orders, then the smallest id
favourites as (
    select
        user_id,
        min_by(
            product_id, {fewer_pieces: -pieces, fewer_orders: -orders, product_id: product_id}
        ) as product_id
    from product_orders
    group by user_id
)

select
    c.user_id,
    c.user_name,
    c.email,
    p.phone as phone_number,
    c.created_at,
    h.address_id,
    a.address,
    a.country,
    a.state,
    a.zipcode,
    coalesce(r.total_orders, 0) as total_orders,
    r.total_sales,
    cast(r.total_sales / nullif(r.priced_orders, 0) as double) as average_order_size,
    r.first_order_at,
    r.last_order_at,
    coalesce(d.product_name, f.product_id) as most_ordered_product,
    f.product_id as most_ordered_product_id
from marts.contacts as c
left join phones as p on p.contact_user_id = c.user_id
left join addresses as h on h.contact_user_id = c.user_id
left join staging.stg_addresses as a on a.address_id = h.address_id
left join orders as r on r.user_id = c.user_id
left join favourites as f on f.user_id = c.user_id
left join staging.stg_products as d on d.product_id = f.product_id
