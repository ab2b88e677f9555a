-- One row per valid support ticket.
select
    r.ticket_id,
    coalesce(a.email, regexp_replace(lower(trim(r.email)), '[.]$', '')) as email,
    r.created_at,
    r.subject,
    lower(trim(r.status)) as status
from raw.raw_ticket as r
left join ops.address_forms as a on a.raw_email = r.email
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_ticket'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
