-- One row per contact and day with an order at or before the clock.
-- a day's row holds unless the clock stands between its orders
with whole_days as (
    select d.user_id, d.event_date, d.first_order, d.most_recent_order, d.sales_total
    from staging.user_event_days as d
    where d.number_of_orders > 0 and d.most_recent_order <= $as_of
),

split_days as (
    select d.user_id, d.event_date
    from staging.user_event_days as d
    where d.first_order <= $as_of and d.most_recent_order > $as_of
),

recounted as (
    select
        s.user_id,
        s.event_date,
        min(o.ordered_at) as first_order,
        max(o.ordered_at) as most_recent_order,
        sum(o.sales_total) as sales_total
    from staging.stg_orders as o
    -- distinct makes the engine look first whether there is such a day
    inner join (select distinct user_id, event_date from split_days) as s
        on s.user_id = o.user_id
    where o.ordered_at <= $as_of and cast(o.ordered_at as date) = s.event_date
    group by s.user_id, s.event_date
),

of_accounts as (
    select user_id, event_date, first_order, most_recent_order, sales_total from whole_days
    union all
    select user_id, event_date, first_order, most_recent_order, sales_total from recounted
)

select
    i.contact_user_id as user_id,
    a.event_date as order_day,
    min(a.first_order) as first_order,
    max(a.most_recent_order) as most_recent_order,
    cast(sum(a.sales_total) as decimal(38, 2)) as sales_total
from of_accounts as a
inner join identity.user_identity as i on i.user_id = a.user_id
group by i.contact_user_id, a.event_date
