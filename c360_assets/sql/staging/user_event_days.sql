-- One row per account and day with an event or an order, for the days of the partition.
with activity as (
    select
        e.user_id,
        cast(e.timestamp as date) as event_date,
        e.timestamp as event_at,
        case when n.event_name is not null then e.timestamp end as order_at,
        cast(null as decimal(18, 2)) as sales_total
    from staging.stg_events as e
    left join ops.order_event_names as n on n.event_name = e.event_name
    where e.timestamp >= $partition_start and e.timestamp < $partition_end
    union all
    -- orders that are events were counted above
    select
        o.user_id,
        cast(o.ordered_at as date) as event_date,
        cast(null as timestamp) as event_at,
        o.ordered_at as order_at,
        o.sales_total
    from staging.stg_orders as o
    where o.origin = 'raw_order'
        and o.ordered_at >= $partition_start and o.ordered_at < $partition_end
)

-- aggregates skip nulls: a row counts as an event, as an order, or as both
select
    event_date,
    user_id,
    cast(count(event_at) as integer) as number_of_events,
    min(event_at) as first_event,
    max(event_at) as most_recent_event,
    cast(count(order_at) as integer) as number_of_orders,
    min(order_at) as first_order,
    max(order_at) as most_recent_order,
    cast(sum(sales_total) as decimal(38, 2)) as sales_total
from activity
group by event_date, user_id
