-- One row per session and order that was placed in it, for sessions of the days of the swap.
with checkouts as (
    select distinct e.session_id, e.order_id
    from staging.stg_events as e
    inner join ops.rolled_days as d on d.event_date = cast(e.timestamp as date)
    inner join ops.conversion_event_names as c on c.event_name = e.event_name
    where e.session_id is not null and e.order_id is not null
        and e.timestamp >= $swap_start and e.timestamp < $reading_end
)

select
    c.session_id,
    c.order_id,
    s.session_date
from checkouts as c
inner join staging.sessions as s on s.session_id = c.session_id
where s.session_started_at >= $swap_start and s.session_started_at < $swap_end
