-- One row: the company with its power users; none where there is no such company.
select
    a.*,
    f.contact_id as first_contact_id,
    f.user_name as first_name,
    f.created_at as first_since,
    m.contact_id as active_contact_id,
    m.user_name as active_name,
    m.number_of_events as active_events,
    o.contact_id as orders_contact_id,
    o.user_name as orders_name,
    o.number_of_orders as orders_orders
from marts.corporate_accounts as a
left join marts.contacts as f on f.user_id = a.first_user_id
left join marts.contacts as m on m.user_id = a.most_active_user_id
left join marts.contacts as o on o.user_id = a.most_orders_user_id
where a.corporate_email = $domain
