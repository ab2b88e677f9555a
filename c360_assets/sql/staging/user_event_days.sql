-- One row per account and day with an event or an order, for the days of the partition.
with activity as (
    select
        e.user_id,
        e.timestamp as happened_at,
        true as is_event,
        n.event_name is not null as is_order,
        cast(null as decimal(18, 2)) as sales_total
    from staging.stg_events as e
    left join ops.order_event_names as n on n.event_name = e.event_name
    where e.timestamp >= $partition_start and e.timestamp < $partition_end
    union all
    -- orders that are events were counted above
    select
        o.user_id,
        o.ordered_at as happened_at,
        false as is_event,
        true as is_order,
        o.sales_total
    from staging.stg_orders as o
    where o.origin = 'raw_order'
        and o.ordered_at >= $partition_start and o.ordered_at < $partition_end
)

select
    cast(happened_at as date) as event_date,
    user_id,
    count(*) filter (where is_event) as number_of_events,
    min(happened_at) filter (where is_event) as first_event,
    max(happened_at) filter (where is_event) as most_recent_event,
    count(*) filter (where is_order) as number_of_orders,
    min(happened_at) filter (where is_order) as first_order,
    max(happened_at) filter (where is_order) as most_recent_order,
    cast(sum(sales_total) as decimal(38, 2)) as sales_total
from activity
group by event_date, user_id
