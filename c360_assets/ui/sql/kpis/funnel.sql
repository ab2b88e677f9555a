-- One row per period (`is_now`, or the one before): sessions that got at least as far as each step.
-- Who skipped a step and went further is counted in it, so that no step is larger than the last.
with placed as (
    select distinct session_id
    from marts.fct_orders
    where session_id is not null
),

sessions as (
    select
        s.session_date >= $first as is_now,
        s.number_of_products > 0 as has_product,
        s.number_of_checkouts > 0 as has_checkout,
        o.session_id is not null as has_order
    from staging.sessions as s
    left join placed as o on o.session_id = s.session_id
    where s.session_date between $earliest and $last
)

select
    is_now,
    count(*) as sessions,
    count(case when has_product or has_checkout or has_order then 1 end) as with_product,
    count(case when has_checkout or has_order then 1 end) as with_checkout,
    count(case when has_order then 1 end) as with_order
from sessions
group by is_now
