-- One row per contact and day with an order after a pause long enough to count as churn.
with order_days as (
    select distinct i.contact_user_id as user_id, d.event_date
    from staging.user_event_days as d
    inner join identity.user_identity as i on i.user_id = d.user_id
    where d.number_of_orders > 0
),

pauses as (
    select
        user_id,
        event_date,
        date_diff(
            'day', lag(event_date) over (partition by user_id order by event_date), event_date
        ) as days_away
    from order_days
)

select
    p.user_id,
    p.event_date as fact_at,
    p.event_date as returned_on,
    p.days_away
from pauses as p
inner join ops.lifecycle_rules as r on p.days_away > r.churn_after_days
