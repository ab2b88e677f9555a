-- One row: the months of the first and of the last cohort.
select min(cohort_month) as first_month, max(cohort_month) as last_month
from marts.rfm_cohorts
