-- One row: revenue of the last 30 days of figures, and of the 30 days before.
with last_day as (
    select max(kpi_date) as day from marts.kpi_daily where dimension = 'all'
)

select
    l.day as last_day,
    sum(k.revenue) filter (where k.kpi_date > l.day - 30) as revenue,
    sum(k.revenue) filter (where k.kpi_date <= l.day - 30) as revenue_before,
    min(k.kpi_date) < l.day - 58 as is_before_whole
from marts.kpi_daily as k
cross join last_day as l
where k.dimension = 'all' and k.kpi_date > l.day - 60
group by l.day
