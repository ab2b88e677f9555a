-- one row per gaggle of marts.gaggle_facts, with users or without
select
    gaggle_facts.gaggle_id,
    gaggle_facts.gaggle_name,
    gaggle_facts.created_at,
    gaggle_facts.first_event,
    gaggle_facts.most_recent_event,
    gaggle_facts.number_of_events,
    gaggle_facts.number_of_users,
    gaggle_facts.first_order,
    gaggle_facts.most_recent_order,
    gaggle_facts.number_of_orders,
    gaggle_facts.corporate_email,
    gaggle_facts.first_event_corporate,
    gaggle_facts.most_recent_event_corporate,
    gaggle_facts.number_of_events_corporate,
    gaggle_facts.number_of_users_corporate,
    gaggle_facts.first_order_corporate,
    gaggle_facts.most_recent_order_corporate,
    gaggle_facts.number_of_orders_corporate,
    gaggle_facts.number_of_corporate_domains
from marts.gaggle_facts as gaggle_facts
