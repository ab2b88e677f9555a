-- One row per address of the list that an account of somebody who is shown has.
select distinct email, contact_id
from identity.user_identity
where email in (select unnest($addresses))
