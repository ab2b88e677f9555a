-- One row: how a former contact_id came to be this person, by the decision that ended it.
select
    h.contact_id as former_contact_id,
    j.decided_by,
    j.decided_at,
    j.reason,
    h.source_file,
    h.source_row
from identity.contact_id_history as h
left join identity.merge_journal as j
    on j.kind = 'user' and j.source_file = h.source_file and j.source_row = h.source_row
where h.contact_id = $was and h.current_contact_id = $contact_id and h.contact_id <> $contact_id
    and h.change = 'merged'
order by h.step desc
limit 1
