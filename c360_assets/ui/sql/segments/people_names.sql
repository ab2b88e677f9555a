-- One row per contact: who they are today.
select user_id, contact_id, user_name, email, corporate_email
from marts.contacts
