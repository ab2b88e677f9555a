-- One row per company with people in the gaggle.
select
    d.corporate_email,
    d.is_primary,
    d.number_of_users_corporate,
    d.number_of_events_corporate,
    d.number_of_orders_corporate,
    d.most_recent_event_corporate,
    a.is_paying,
    a.current_plan
from marts.gaggle_domain_facts as d
left join marts.corporate_accounts as a on a.corporate_email = d.corporate_email
where d.gaggle_id = $gaggle_id
