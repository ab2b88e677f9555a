-- One row per contact with a profile of a day: its stage then.
-- The day is bound: a subquery would make the view look at every day.
select client_customer_id as user_id, lifecycle_stage as lifecycle_stage
from marts.customer_profiles
where profile_date = cast($profile_date as date)
