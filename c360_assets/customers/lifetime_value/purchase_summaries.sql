-- One row per contact with an order before a day: what the models know of it.
with first_days as (
    select customer, min(order_day) as first_day
    from purchases
    where order_day < $before
    group by customer
)

select
    p.customer,
    min(p.first_order) as first_order,
    max(p.most_recent_order) as most_recent_order,
    -- orders of one day count as one: the models see customers at most once a day
    count(*) - 1 as repeat_orders,
    date_diff('day', f.first_day, max(p.order_day)) as recency_days,
    date_diff('day', f.first_day, cast($scored_on as date)) as age_days,
    count(p.sales_total) filter (where p.order_day > f.first_day) as valued_repeat_orders,
    -- exact decimals, so that no order of the rows changes the last digit
    cast(sum(p.sales_total) filter (where p.order_day > f.first_day) as double)
    / nullif(count(p.sales_total) filter (where p.order_day > f.first_day), 0)
        as average_order_value
from purchases as p
inner join first_days as f on f.customer = p.customer
where p.order_day < $before
group by p.customer, f.first_day
