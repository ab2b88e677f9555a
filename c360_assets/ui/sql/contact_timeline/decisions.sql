-- One row per merge decision on an address or domain of theirs, newest first; one for `total`.
with emails as (
    select unnest($emails) as address
),

domains as (
    select unnest($domains) as domain
),

mine as (
    select
        -- decisions without a time come last
        coalesce(decided_at, timestamp '0001-01-01 00:00:00') as happened_at,
        concat(kind, ' ', source_file, ' ', source_row) as entry_id,
        *
    from identity.merge_journal
    where (
            kind = 'user'
            and (old_key in (select address from emails) or new_key in (select address from emails))
        )
        or (
            -- refused ones on, say, gmail.com would be told to everybody there
            kind = 'domain' and outcome <> 'refused'
            and (old_key in (select domain from domains) or new_key in (select domain from domains))
        )
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
),

-- who has the addresses today, if not this person
others as (
    select k.entry_id, min(i.contact_id) as other_contact_id
    from (
        select entry_id, unnest([old_key, new_key]) as address
        from shown
        where kind = 'user'
    ) as k
    inner join identity.user_identity as i on i.email = k.address
    where i.contact_user_id <> $user_id
        and k.address not in (select address from emails)
    group by k.entry_id
),

ids as (
    select
        s.entry_id,
        string_agg(
            concat(
                h.contact_id,
                case h.change when 'merged' then ' became ' else ' came back from ' end,
                h.other_contact_id
            ), ', ' order by h.contact_id, h.step
        ) as id_changes
    from shown as s
    inner join identity.contact_id_history as h
        on h.source_file = s.source_file and h.source_row = s.source_row
    where s.kind = 'user'
    group by s.entry_id
)

select t.total, s.*, o.other_contact_id, i.id_changes
from (select count(*) as total from mine) as t
left join shown as s on true
left join others as o on o.entry_id = s.entry_id
left join ids as i on i.entry_id = s.entry_id
order by s.happened_at desc, s.entry_id
