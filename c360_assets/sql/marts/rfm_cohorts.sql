-- One row per month of first order and month since, up to the clock.
with clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        -- greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

customer_months as (
    select
        i.contact_user_id as user_id,
        cast(date_trunc('month', o.ordered_at) as date) as month,
        count(*) as orders,
        sum(o.sales_total) as monetary
    from staging.stg_orders as o
    inner join identity.user_identity as i on i.user_id = o.user_id
    cross join clock as k
    where o.ordered_at <= k.as_of
    group by i.contact_user_id, cast(date_trunc('month', o.ordered_at) as date)
),

with_cohort as (
    select
        month,
        orders,
        monetary,
        min(month) over (partition by user_id) as cohort_month
    from customer_months
),

active as (
    select
        cohort_month,
        month,
        count(*) as active_customers,
        sum(orders) as orders,
        sum(monetary) as monetary
    from with_cohort
    group by cohort_month, month
),

-- every month up to the clock, be it without orders
months as (
    select cast(date_trunc('month', date_hour - interval '1 hour') as date) as month
    from marts.rfm_hours
    union
    select month from active
    union
    select cast(date_trunc('month', k.as_of) as date) as month
    from clock as k
    where k.as_of is not null
),

cohorts as (
    select cohort_month, active_customers as cohort_customers
    from active
    where month = cohort_month
)

select
    c.cohort_month,
    cast(
        (extract(year from m.month) - extract(year from c.cohort_month)) * 12
        + extract(month from m.month) - extract(month from c.cohort_month)
        as bigint
    ) as months_since_first_order,
    c.cohort_customers,
    coalesce(a.active_customers, 0) as active_customers,
    cast(coalesce(a.orders, 0) as bigint) as orders,
    cast(a.monetary as decimal(38, 2)) as monetary,
    cast(coalesce(a.active_customers, 0) as double) / c.cohort_customers as retention_rate
from cohorts as c
inner join months as m on m.month >= c.cohort_month
left join active as a on a.cohort_month = c.cohort_month and a.month = m.month
