-- One row per other ticket from any address of the same person, or from the same unknown address.
with addresses as (
    select email
    from identity.user_identity
    where contact_user_id = $user_id and email is not null
    union
    select cast($email as varchar) as email
    where $email is not null
)

select t.ticket_id, t.created_at, t.subject, t.status, t.email, q.queue_rank
from staging.stg_tickets as t
left join marts.support_queue as q on q.ticket_id = t.ticket_id
where t.ticket_id <> $ticket_id
    and (t.email in (select a.email from addresses as a) or q.user_id = $user_id)
order by t.created_at desc, t.ticket_id
