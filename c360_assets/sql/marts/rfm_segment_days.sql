-- One row per day and segment: who was in it when the day ended.
with hours as (
    select
        date_hour,
        -- midnight ends the day before it
        cast(date_hour - interval '1 hour' as date) as day
    from marts.rfm_hours
),

days as (
    select distinct day from hours
),

bounds as (
    select min(day) as first_day, max(date_hour) as last_hour
    from hours
),

customer_changes as (
    select
        day,
        to_segment as rfm_segment,
        customers,
        customers_with_amount as with_amount,
        monetary
    from marts.rfm_daily_changes
    union all
    select
        day,
        from_segment as rfm_segment,
        - customers as customers,
        - customers_with_amount_before as with_amount,
        - monetary_before as monetary
    from marts.rfm_daily_changes
    where from_segment <> 'prospects'
),

-- the full hours from which on a contact is known, and a customer
first_hours as (
    select
        c.user_id,
        date_trunc('hour', c.created_at - interval '1 microsecond') + interval '1 hour' as known,
        date_trunc('hour', c.first_order - interval '1 microsecond') + interval '1 hour' as ordered
    from marts.contacts as c
),

-- who ordered before the account was created was never a prospect
prospect_changes as (
    select cast(f.known - interval '1 hour' as date) as day, 1 as customers
    from first_hours as f
    cross join bounds as b
    where f.known <= b.last_hour and coalesce(f.ordered > f.known, true)
    union all
    select cast(f.ordered - interval '1 hour' as date) as day, -1 as customers
    from first_hours as f
    cross join bounds as b
    where f.ordered <= b.last_hour and f.ordered > f.known
),

changes as (
    select day, rfm_segment, customers, with_amount, monetary
    from customer_changes
    union all
    select
        greatest(p.day, b.first_day) as day,
        'prospects' as rfm_segment,
        p.customers,
        0 as with_amount,
        cast(0 as decimal(38, 2)) as monetary
    from prospect_changes as p
    cross join bounds as b
),

-- a row for every day and segment, so that the sums have no gap
segments as (
    select rfm_segment from marts.rfm_rules
    union
    select 'prospects' as rfm_segment
),

by_day as (
    select
        d.day,
        s.rfm_segment,
        coalesce(sum(c.customers), 0) as customers,
        coalesce(sum(c.with_amount), 0) as with_amount,
        coalesce(sum(c.monetary), 0) as monetary
    from days as d
    cross join segments as s
    left join changes as c on c.day = d.day and c.rfm_segment = s.rfm_segment
    group by d.day, s.rfm_segment
),

totals as (
    select
        day,
        rfm_segment,
        sum(customers) over (partition by rfm_segment order by day) as customers,
        sum(with_amount) over (partition by rfm_segment order by day) as with_amount,
        sum(monetary) over (partition by rfm_segment order by day) as monetary
    from by_day
)

select
    day,
    rfm_segment,
    cast(customers as bigint) as customers,
    case when with_amount > 0 then cast(monetary as decimal(38, 2)) end as monetary
from totals
