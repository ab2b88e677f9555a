-- One row per gaggle with people of the company in it.
select
    d.gaggle_id,
    coalesce(g.gaggle_name, d.gaggle_id) as gaggle_name,
    d.is_primary,
    d.number_of_users_corporate,
    g.number_of_users,
    d.number_of_events_corporate,
    d.number_of_orders_corporate,
    d.most_recent_event_corporate,
    d.first_seen_at
from marts.gaggle_domain_facts as d
left join marts.gaggle_facts as g on g.gaggle_id = d.gaggle_id
where d.corporate_email = $domain
