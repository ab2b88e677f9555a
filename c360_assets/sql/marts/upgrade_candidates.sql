-- One row per gaggle of personal addresses alone, ranked by activity.
select
    row_number() over (
        order by number_of_orders desc, number_of_events desc, number_of_users desc, gaggle_id
    ) as upgrade_rank,
    gaggle_id,
    gaggle_name,
    created_at,
    number_of_users,
    number_of_events,
    number_of_orders,
    most_recent_event
from marts.gaggle_facts
where number_of_users > 0 and number_of_corporate_domains = 0
