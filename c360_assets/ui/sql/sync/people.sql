-- One row per contact id asked for that is, or once was, that of somebody who may be shown.
select distinct
    asked.id,
    c.contact_id,
    c.user_name,
    c.email
from (select unnest($ids) as id) as asked
left join identity.contact_id_history as h on h.contact_id = asked.id
inner join marts.contacts as c on c.contact_id = coalesce(h.current_contact_id, asked.id)
where c.email is not null
