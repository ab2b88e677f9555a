-- One row per open ticket that the filters let through, with its person's page.
select
    q.queue_rank,
    q.ticket_id,
    q.created_at,
    q.waiting_hours,
    q.waiting_hours / 24 as waiting_days,
    q.user_id,
    c.contact_id,
    q.user_name,
    q.email,
    coalesce(q.user_name, q.email, c.contact_id) as who,
    q.company,
    a.corporate_email as account,
    q.is_paying,
    coalesce(q.rfm_segment, '(unknown sender)') as rfm_segment,
    q.monetary,
    q.subject,
    coalesce(q.subject, q.ticket_id) as subject_or_id,
    q.reason,
    q.status,
    q.priority
from marts.support_queue as q
left join marts.contacts as c on c.user_id = q.user_id
left join marts.corporate_accounts as a on a.corporate_email = q.company
where (not $paying or q.is_paying)
    and ($segment is null or coalesce(q.rfm_segment, '(unknown sender)') = $segment)
    and ($company is null or q.company = $company)
    and q.waiting_hours >= $hours
    and (
        $text is null
        or contains(
            lower(strip_accents(concat_ws(chr(10), q.subject, q.user_name, q.email, q.ticket_id))),
            lower(strip_accents($text))
        )
    )
