-- One row per contact_id that ended in a merge into this person.
select distinct contact_id
from identity.contact_id_history
where current_contact_id = $contact_id and contact_id <> $contact_id
order by contact_id
