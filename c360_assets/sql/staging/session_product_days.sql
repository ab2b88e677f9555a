-- One row per day and product: how many sessions looked at it, for the days of the swap.
with looked_at as (
    select distinct e.session_id, e.product_id
    from staging.stg_events as e
    inner join ops.rolled_days as d on d.event_date = cast(e.timestamp as date)
    where e.session_id is not null and e.product_id is not null
        and e.timestamp >= $swap_start and e.timestamp < $reading_end
)

select
    s.session_date,
    a.product_id,
    count(*) as sessions
from looked_at as a
inner join staging.sessions as s on s.session_id = a.session_id
where s.session_started_at >= $swap_start and s.session_started_at < $swap_end
group by s.session_date, a.product_id
