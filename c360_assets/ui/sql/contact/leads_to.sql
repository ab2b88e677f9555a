-- One row: the person to whom a former contact_id, an account or an address leads.
select 1 as nth, 'former' as by, h.current_contact_id as contact_id
from identity.contact_id_history as h
inner join marts.contacts as c on c.contact_id = h.current_contact_id
where h.contact_id = $text and h.current_contact_id <> h.contact_id
union
select 2, 'account', contact_id
from identity.user_identity
where user_id = $text
union
select 3, 'address', contact_id
from identity.user_identity
where email = $email
union
select 4, 'address', c.contact_id
from identity.merge_journal as j
inner join marts.contacts as c on c.email = j.resolved_to
where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied' and j.old_key = $email
order by 1, 3
limit 1
