-- One row per support ticket, under the contact of the account that has its address today.
select
    i.contact_user_id as user_id,
    t.created_at as fact_at,
    t.ticket_id,
    t.created_at,
    t.subject,
    t.status
from staging.stg_tickets as t
inner join (
    select distinct u.email, u.contact_user_id
    from identity.user_identity as u
) as i on i.email = t.email
