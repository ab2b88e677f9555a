-- One row for the whole copy: the days that it covers, and its clock.
select
    min(k.kpi_date) as first_day,
    max(k.kpi_date) as last_day,
    coalesce(
        (select max(r.as_of) from marts.rfm_segments as r),
        -- where nobody ever ordered; greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as clock
from marts.kpi_daily as k
where k.dimension = 'all'
