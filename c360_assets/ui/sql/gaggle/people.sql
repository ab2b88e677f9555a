-- One row per person with an account in the gaggle.
select
    c.user_id,
    c.contact_id,
    coalesce(c.user_name, c.email, c.contact_id) as who,
    c.email,
    c.corporate_email,
    f.is_current,
    s.rfm_segment,
    f.number_of_events,
    f.number_of_orders,
    f.most_recent_event,
    f.first_seen_at
from marts.user_gaggle_facts as f
inner join marts.contacts as c on c.user_id = f.user_id
left join marts.rfm_segments as s on s.user_id = c.user_id
where f.gaggle_id = $gaggle_id
