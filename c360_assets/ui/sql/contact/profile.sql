-- One row: the profile of a person at the end of a day, an attribute a column.
select *
from marts.customer_profiles
where client_customer_id = $user_id and profile_date = cast($day as date)
