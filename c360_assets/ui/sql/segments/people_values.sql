-- One row per customer with a lifetime value: the last one that was known at an hour (null: now).
select user_id, clv_365d
from marts.customer_lifetime_value
where cast($at as timestamp) is null
union all
select user_id, clv_365d
from marts.lifetime_value_history
where scored_on = cast($scored_on as date)
