-- One row per day, event name and product, or none: how many events, for the days of the swap.
select
    cast(e.timestamp as date) as event_date,
    e.event_name,
    e.product_id,
    count(*) as number_of_events,
    count(e.session_id) as session_events
from staging.stg_events as e
inner join ops.rolled_days as d on d.event_date = cast(e.timestamp as date)
where e.timestamp >= $swap_start and e.timestamp < $swap_end
group by cast(e.timestamp as date), e.event_name, e.product_id
