-- One row per account, day and event name, for the days of the swap.
select
    cast(e.timestamp as date) as event_date,
    e.user_id,
    e.event_name,
    cast(count(*) as integer) as number_of_events,
    min(e.timestamp) as first_event,
    max(e.timestamp) as most_recent_event
from staging.stg_events as e
inner join ops.rolled_days as d on d.event_date = cast(e.timestamp as date)
where e.timestamp >= $swap_start and e.timestamp < $swap_end
group by cast(e.timestamp as date), e.user_id, e.event_name
