-- One row per month of first order, of those chosen, and month since.
select
    cohort_month,
    months_since_first_order,
    cohort_customers,
    active_customers,
    orders,
    monetary,
    retention_rate
from marts.rfm_cohorts
where cohort_month <= cast($last_month as date)
    and cohort_month > cast($last_month as date) - to_months(cast($months as integer))
    and months_since_first_order < cast($months as integer)
order by cohort_month, months_since_first_order
