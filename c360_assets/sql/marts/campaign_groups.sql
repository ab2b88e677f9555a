-- One row per campaign and action in it that was the first to reach anybody.
with clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        -- greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

-- whether an action that raw_campaign does not name was sent to anybody cannot be told
targeted as (
    select user_id, plan_id, execution_date, plan_detail_id, is_control
    from marts.campaign_targets
    where is_control is not null
),

first_reached as (
    select user_id, plan_id, min(execution_date) as execution_date
    from targeted
    group by user_id, plan_id
),

-- what a contact was first given counts for good, whatever the campaign gave them later
assigned as (
    select
        t.user_id,
        t.plan_id,
        t.plan_detail_id,
        t.is_control,
        t.execution_date,
        r.window_days,
        t.execution_date + r.window_days as end_date,
        coalesce(cast(t.execution_date + r.window_days as timestamp) <= k.as_of, false) as is_over
    from targeted as t
    inner join first_reached as f
        on f.user_id = t.user_id
        and f.plan_id = t.plan_id
        and f.execution_date = t.execution_date
    cross join ops.campaign_rules as r
    cross join clock as k
),

order_days as (
    select i.contact_user_id as user_id, d.event_date, d.number_of_orders, d.sales_total
    from staging.user_event_days as d
    inner join identity.user_identity as i on i.user_id = d.user_id
    where d.number_of_orders > 0
),

buyers as (
    select
        a.plan_id,
        a.plan_detail_id,
        a.user_id,
        sum(o.number_of_orders) as orders,
        cast(coalesce(sum(o.sales_total), 0) as decimal(18, 2)) as revenue,
        count(*) - count(o.sales_total) as days_without_amount
    from assigned as a
    inner join order_days as o
        on o.user_id = a.user_id
        and o.event_date >= a.execution_date
        and o.event_date < a.end_date
    where a.is_over
    group by a.plan_id, a.plan_detail_id, a.user_id
),

-- sums of squares of whole numbers and of cents are exact: no order of adding changes them
bought as (
    select
        plan_id,
        plan_detail_id,
        count(*) as buyers,
        sum(orders) as orders,
        sum(orders * orders) as orders_squared,
        sum(revenue) as revenue,
        sum(revenue * revenue) as revenue_squared,
        sum(days_without_amount) as days_without_amount
    from buyers
    group by plan_id, plan_detail_id
),

reached as (
    select
        plan_id,
        plan_detail_id,
        is_control,
        window_days,
        min(execution_date) as first_execution_date,
        max(execution_date) as last_execution_date,
        sum(case when is_over then 1 else 0 end) as customers,
        sum(case when is_over then 0 else 1 end) as customers_pending
    from assigned
    group by plan_id, plan_detail_id, is_control, window_days
),

counted as (
    select
        r.*,
        coalesce(b.buyers, 0) as buyers,
        coalesce(b.orders, 0) as orders,
        coalesce(b.orders_squared, 0) as orders_squared,
        case when coalesce(b.days_without_amount, 0) = 0 then coalesce(b.revenue, 0) end as revenue,
        case
            when coalesce(b.days_without_amount, 0) = 0 then coalesce(b.revenue_squared, 0)
        end as revenue_squared
    from reached as r
    left join bought as b on b.plan_id = r.plan_id and b.plan_detail_id = r.plan_detail_id
)

select
    n.plan_id,
    n.plan_detail_id,
    c.campaign_action_id,
    c.campaign_action_name,
    n.is_control,
    n.first_execution_date,
    n.last_execution_date,
    n.window_days,
    cast(n.customers as bigint) as customers,
    cast(n.customers_pending as bigint) as customers_pending,
    n.buyers,
    cast(n.orders as bigint) as orders,
    cast(n.orders_squared as bigint) as orders_squared,
    cast(n.revenue as decimal(38, 2)) as revenue,
    cast(n.revenue_squared as decimal(38, 4)) as revenue_squared,
    cast(n.buyers as double) / nullif(n.customers, 0) as order_rate,
    cast(n.orders as double) / nullif(n.customers, 0) as orders_per_customer,
    cast(n.revenue as double) / nullif(n.customers, 0) as revenue_per_customer
from counted as n
inner join staging.stg_campaigns as c
    on c.plan_id = n.plan_id and c.plan_detail_id = n.plan_detail_id
