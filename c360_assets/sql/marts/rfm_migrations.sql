-- One row per day or month and pair of segments at its start and at its end.
with hours as (
    select
        date_hour,
        -- midnight ends the day and the month before it
        cast(date_hour - interval '1 hour' as date) as day,
        cast(date_trunc('month', date_hour - interval '1 hour') as date) as month
    from marts.rfm_hours
),

days as (
    select distinct day from hours
),

months as (
    select month, max(date_hour) as ends_at
    from hours
    group by month
),

movers as (
    select day, from_segment, to_segment, customers, customers_with_amount, monetary
    from marts.rfm_daily_changes
    where from_segment <> to_segment
),

-- who is in a segment at the end of a day came on that day or was there before
changes as (
    select day, to_segment as rfm_segment, customers, customers_with_amount, monetary
    from marts.rfm_daily_changes
    union all
    select
        day,
        from_segment as rfm_segment,
        - customers as customers,
        - customers_with_amount_before as customers_with_amount,
        - monetary_before as monetary
    from marts.rfm_daily_changes
    where from_segment <> 'prospects'
),

segments as (
    select distinct rfm_segment from marts.rfm_rules
),

by_day as (
    select
        d.day,
        s.rfm_segment,
        coalesce(sum(c.customers), 0) as customers,
        coalesce(sum(c.customers_with_amount), 0) as customers_with_amount,
        coalesce(sum(c.monetary), 0) as monetary
    from days as d
    cross join segments as s
    left join changes as c on c.day = d.day and c.rfm_segment = s.rfm_segment
    group by d.day, s.rfm_segment
),

there_or_come as (
    select
        day,
        rfm_segment,
        sum(customers) over (partition by rfm_segment order by day) as customers,
        sum(customers_with_amount) over (partition by rfm_segment order by day)
            as customers_with_amount,
        sum(monetary) over (partition by rfm_segment order by day) as monetary
    from by_day
    union all
    select
        day,
        to_segment as rfm_segment,
        - customers as customers,
        - customers_with_amount as customers_with_amount,
        - monetary as monetary
    from movers
),

daily as (
    select day, from_segment, to_segment, customers, customers_with_amount, monetary
    from movers
    union all
    select
        day,
        rfm_segment as from_segment,
        rfm_segment as to_segment,
        sum(customers) as customers,
        sum(customers_with_amount) as customers_with_amount,
        sum(monetary) as monetary
    from there_or_come
    group by day, rfm_segment
    having sum(customers) > 0
),

segments_at_ends as (
    select
        m.month,
        m.ends_at,
        h.user_id,
        h.rfm_segment,
        -- nobody leaves, and months have no gap: the row before is that of the month before
        coalesce(
            lag(h.rfm_segment) over (partition by h.user_id order by m.month), 'prospects'
        ) as from_segment
    from marts.rfm_segment_history as h
    inner join months as m
        on h.valid_from <= m.ends_at
        and coalesce(h.valid_to, timestamp '9999-12-31 00:00:00') > m.ends_at
),

monthly as (
    select
        e.month,
        e.from_segment,
        e.rfm_segment as to_segment,
        count(*) as customers,
        sum(s.monetary) as monetary
    from segments_at_ends as e
    inner join marts.rfm_customer_states as s
        on s.user_id = e.user_id
        and s.valid_from <= e.ends_at
        and coalesce(s.valid_to, timestamp '9999-12-31 00:00:00') > e.ends_at
    group by e.month, e.from_segment, e.rfm_segment
)

select
    'day' as period,
    day as period_start,
    from_segment,
    to_segment,
    cast(customers as bigint) as customers,
    case when customers_with_amount > 0 then cast(monetary as decimal(38, 2)) end as monetary
from daily
union all
select
    'month' as period,
    month as period_start,
    from_segment,
    to_segment,
    customers,
    cast(monetary as decimal(38, 2)) as monetary
from monthly
