-- One row per support ticket from an address of theirs, newest first; one for `total`.
with mine as (
    select created_at as happened_at, ticket_id as entry_id, email, subject, status
    from staging.stg_tickets
    where email in (select unnest($emails))
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*, q.queue_rank
from (select count(*) as total from mine) as t
left join shown as s on true
-- those that wait for an answer
left join marts.support_queue as q on q.ticket_id = s.entry_id
order by s.happened_at desc, s.entry_id
