-- One row per pair of companies worth a look and never decided about, and per decided pair.
with keys as (
    select company, hash(1, core) as key, 20 as most from companies where scope = 'company'
    union all
    -- a misspelt domain
    select company, hash(2, left(core, 6)) as key, 20 as most from companies
    where scope = 'company' and length(core) >= 6
    union all
    select company, hash(3, unnest(gaggles)) as key, 20 as most from companies
    where scope = 'company'
    union all
    -- a name that more companies have is a common one
    select company, hash(4, unnest(full_names)) as key, 4 as most from companies
    where scope = 'company'
),

-- a key that many share says nothing by itself
telling as (
    select key from keys group by key having count(*) between 2 and max(most)
),

kept as (
    select k.company, k.key
    from keys as k
    inner join telling as t on t.key = k.key
),

candidates as (
    select distinct a.company as left_item, b.company as right_item
    from kept as a
    inner join kept as b on b.key = a.key and b.company > a.company
),

decisions as (
    select
        j.old_key,
        j.new_key,
        coalesce(old_domain.corporate_email, j.old_key) as old_company,
        coalesce(new_domain.corporate_email, j.new_key) as new_company,
        -- what was merely superseded or refused says nothing about sameness
        case
            when j.decision = 'merge' and j.outcome = 'applied' then true
            when j.decision in ('never', 'undo') and j.outcome <> 'refused' then false
        end as is_same
    from identity.merge_journal as j
    left join identity.domain_identity as old_domain on old_domain.email_domain = j.old_key
    left join identity.domain_identity as new_domain on new_domain.email_domain = j.new_key
    where j.kind = 'domain'
),

decided_companies as (
    select distinct
        least(a.company, b.company) as left_item,
        greatest(a.company, b.company) as right_item
    from decisions as d
    inner join companies as a on a.domain = d.old_company and a.scope = 'company'
    inner join companies as b on b.domain = d.new_company and b.scope = 'company'
),

labelled as (
    select
        least(a.company, b.company) as left_item,
        greatest(a.company, b.company) as right_item,
        bool_and(d.is_same) as is_same
    from decisions as d
    inner join companies as a on a.domain = d.old_key and a.scope = 'domain'
    inner join companies as b on b.domain = d.new_key and b.scope = 'domain'
    where d.is_same is not null and a.company <> b.company
    group by 1, 2
)

select c.left_item, c.right_item, cast(null as boolean) as is_same
from candidates as c
where not exists (
    select 1 from decided_companies as d
    where d.left_item = c.left_item and d.right_item = c.right_item
)
union all
select l.left_item, l.right_item, l.is_same
from labelled as l
