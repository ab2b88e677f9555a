-- One row: the person with this contact_id, with all accounts and all addresses they ever had.
with person as (
    select user_id, contact_id, user_name, email, corporate_email, gaggle_id
    from marts.contacts
    where contact_id = $contact_id
),

accounts as (
    select i.user_id, i.email
    from identity.user_identity as i
    inner join person as p on p.user_id = i.contact_user_id
),

-- a merge may name an address that no account has
addresses as (
    select email
    from accounts
    where email is not null
    union
    select j.old_key
    from identity.merge_journal as j
    inner join person as p on p.email = j.resolved_to
    where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
        and j.old_key is not null
)

select
    p.*,
    p.email is null as is_hidden,
    (select coalesce(list(user_id order by user_id), []) from accounts) as accounts,
    (select coalesce(list(email order by email), []) from addresses) as emails
from person as p
