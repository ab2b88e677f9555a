-- One row per company domain to compare: every company, and every domain that a decision names.
with named_domains as (
    select j.old_key as email_domain from identity.merge_journal as j where j.kind = 'domain'
    union
    select j.new_key as email_domain from identity.merge_journal as j where j.kind = 'domain'
),

members as (
    select
        'company' as scope,
        p.company as domain,
        p.first_name || ' ' || p.last_name as full_name,
        p.user_name,
        p.gaggle_id,
        coalesce(p.first_active, p.created_at) as first_active,
        coalesce(p.last_active, p.created_at) as last_active
    from people as p
    where p.scope = 'contact' and p.company is not null
    union all
    -- a domain keeps what it was before its merge, so that decisions show what sameness looks like
    select
        'domain' as scope,
        u.email_domain as domain,
        lower(strip_accents(u.user_name)) as full_name,
        u.user_name,
        u.gaggle_id,
        coalesce(t.first_event, u.created_at) as first_active,
        coalesce(t.most_recent_event, u.created_at) as last_active
    from staging.stg_users as u
    inner join named_domains as n on n.email_domain = u.email_domain
    left join staging.user_event_totals as t on t.user_id = u.user_id
),

in_gaggles as (
    select scope, domain, gaggle_id, count(*) as people
    from members
    where gaggle_id is not null
    group by scope, domain, gaggle_id
),

gaggle_lists as (
    select
        scope,
        domain,
        list({id: gaggle_id, people: people} order by gaggle_id) as gaggle_people
    from in_gaggles
    group by scope, domain
),

-- names as one of their bearers writes them, for whoever reads of them
written as (
    select
        scope,
        domain,
        map_from_entries(list((full_name, user_name) order by full_name)) as names
    from (
        select scope, domain, full_name, min(user_name) as user_name
        from members
        where full_name is not null
        group by scope, domain, full_name
    ) as bearers
    group by scope, domain
),

grouped as (
    select
        m.scope,
        m.domain,
        count(*) as number_of_people,
        min(m.first_active) as first_active,
        max(m.last_active) as last_active,
        coalesce(
            list_sort(list(distinct m.full_name) filter (where m.full_name is not null)), []
        ) as full_names,
        any_value(w.names) as names,
        coalesce(any_value(g.gaggle_people), []) as gaggle_people
    from members as m
    left join gaggle_lists as g on g.scope = m.scope and g.domain = m.domain
    left join written as w on w.scope = m.scope and w.domain = m.domain
    group by m.scope, m.domain
),

-- acme.co.uk and acme.com are both called acme
stemmed as (
    select
        g.*,
        regexp_extract(
            g.domain,
            '([^.]+)\.(?:(?:co|com|org|net|ac|edu|gov|or|ne|go|gob|gouv)\.[a-z]{2}|[^.]+)$', 1
        ) as stem
    from grouped as g
)

select
    cast(row_number() over (order by s.domain, s.scope) as integer) as company,
    s.scope,
    s.domain,
    s.stem,
    -- acme-group and getacme are acme
    coalesce(nullif(regexp_replace(
        replace(s.stem, '-', ''),
        '^(get|the|my|go|try)(.{4,})$|(.{4,}?)(hq|inc|llc|ltd|gmbh|corp|group|global|intl|online|app)$',
        '\2\3'
    ), ''), s.stem) as core,
    s.number_of_people,
    s.first_active,
    s.last_active,
    s.full_names,
    s.names,
    s.gaggle_people,
    list_transform(s.gaggle_people, lambda x: x.id) as gaggles
from stemmed as s
