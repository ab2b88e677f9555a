-- One row per country or promotion: who ordered in the period and in the one before, each once.
-- `before_value` is null where the period before is not to be compared.
with people as (
    select
        case $dimension
            when 'country' then coalesce(country, '(none)')
            else coalesce(promo_id, '(none)')
        end as dimension_value,
        created_at >= $first as is_now,
        user_id,
        max(is_first_order) as is_new
    from marts.fct_orders
    where created_at >= $earliest and created_at < $last + 1
    group by all
),

counts as (
    select
        dimension_value,
        count(case when is_now then 1 end) as now_people,
        count(case when is_now and not is_new then 1 end) as now_returning,
        count(case when not is_now then 1 end) as before_people,
        count(case when not is_now and not is_new then 1 end) as before_returning
    from people
    group by dimension_value
),

compared as (
    select
        dimension_value,
        case $kpi
            when 'customers' then cast(now_people as double)
            else now_returning / nullif(now_people, 0)
        end as value,
        case
            when not $is_compared then null
            when $kpi = 'customers' then cast(before_people as double)
            else before_returning / nullif(before_people, 0)
        end as before_value
    from counts
)

select
    dimension_value,
    dimension_value as dimension_label,
    value,
    before_value,
    value - before_value as difference,
    value / nullif(before_value, 0) - 1 as change,
    -- who ordered in two countries is a customer of both
    cast(null as double) as share
from compared
