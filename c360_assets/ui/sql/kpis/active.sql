-- One row per period (`is_now`, or the one before) and stretch of it: who did anything, each once.
-- Stretches are those of `kpis/trend`; with $grain `period` each period is one.
with places as (
    select
        kpi_date >= $first as is_now,
        case when kpi_date >= $first then kpi_date else kpi_date + $length end as place,
        kind,
        previous_date,
        number_active
    from marts.kpi_active_days
    where kpi_date between $earliest and $last
),

stretches as (
    select
        is_now,
        case
            when $grain = 'period' then $first
            else cast(date_trunc(replace($grain, 'period', 'day'), place) as date)
        end as stretch,
        kind,
        previous_date,
        number_active
    from places
),

-- a week or month at the edge of a period begins with it
begun as (
    select
        is_now,
        stretch,
        greatest(stretch, $first) - case when is_now then 0 else $length end as first_day,
        kind,
        previous_date,
        number_active
    from stretches
)

-- whoever was last active before a stretch is active in it for the first time
select
    is_now,
    stretch,
    cast(coalesce(sum(case when kind = 'users' then number_active end), 0) as bigint)
        as active_users,
    cast(coalesce(sum(case when kind = 'gaggles' then number_active end), 0) as bigint)
        as active_gaggles
from begun
where previous_date is null or previous_date < first_day
group by is_now, stretch
order by is_now desc, stretch
