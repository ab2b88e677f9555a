-- One row per period (`is_now`, or the one before) and stretch of it: who ordered, each once.
-- Stretches are those of `kpis/trend`; with $grain `period` each period is one.
with orders as (
    select
        user_id,
        is_first_order,
        created_at >= $first as is_now,
        cast(created_at as date) + case when created_at >= $first then 0 else $length end as place
    from marts.fct_orders
    where created_at >= $earliest and created_at < $last + 1
        and case $dimension
            when 'country' then coalesce(country, '(none)')
            when 'promo' then coalesce(promo_id, '(none)')
            else 'all'
        end = $value
),

-- apart, since count(distinct) beside the rest costs several times as much
people as (
    select
        is_now,
        case
            when $grain = 'period' then $first
            else cast(date_trunc(replace($grain, 'period', 'day'), place) as date)
        end as stretch,
        user_id,
        max(is_first_order) as is_new
    from orders
    group by all
)

select
    is_now,
    stretch,
    count(*) as customers,
    count(case when is_new then 1 end) as new_customers
from people
group by is_now, stretch
order by is_now desc, stretch
