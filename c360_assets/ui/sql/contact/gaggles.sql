-- One row per gaggle that an account of a person is in.
select
    f.gaggle_id,
    g.gaggle_name,
    f.corporate_email,
    f.is_current,
    f.number_of_users,
    f.number_of_events,
    f.number_of_orders,
    f.first_seen_at,
    f.most_recent_event
from marts.user_gaggle_facts as f
left join marts.gaggle_facts as g on g.gaggle_id = f.gaggle_id
where f.user_id = $user_id
