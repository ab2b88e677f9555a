-- One row per pair of companies: how each trait of the two compares, in the words of `traits`.
with company_gaggles as (
    select
        c.company,
        own.gaggle.id as gaggle_id,
        own.gaggle.people as people,
        regexp_replace(lower(strip_accents(g.gaggle_name)), '[^\p{L}0-9]', '', 'g') as name
    from companies as c, unnest(c.gaggle_people) as own(gaggle)
    left join staging.stg_gaggles as g on g.gaggle_id = own.gaggle.id
),

-- a gaggle of the one alone that bears the other's name
called as (
    select p.left_item, p.right_item
    from companies_pairs as p
    inner join companies as l on l.company = p.left_item
    inner join companies as r on r.company = p.right_item
    inner join company_gaggles as g on g.company = p.left_item and g.name = r.core
    where l.core <> r.core and not list_contains(r.gaggles, g.gaggle_id)
    union
    select p.left_item, p.right_item
    from companies_pairs as p
    inner join companies as l on l.company = p.left_item
    inner join companies as r on r.company = p.right_item
    inner join company_gaggles as g on g.company = p.right_item and g.name = l.core
    where l.core <> r.core and not list_contains(l.gaggles, g.gaggle_id)
),

-- per pair that meets in gaggles: whether the smaller party there has no people elsewhere
met as (
    select
        m.left_item,
        m.right_item,
        m.gaggles,
        case when m.left_guests <= m.right_guests then m.left_guests = m.left_people
            else m.right_guests = m.right_people end as are_all_guests
    from (
        select
            p.left_item,
            p.right_item,
            count(*) as gaggles,
            sum(f.people) as left_guests,
            sum(g.people) as right_guests,
            any_value(l.number_of_people) as left_people,
            any_value(r.number_of_people) as right_people
        from companies_pairs as p
        inner join companies as l on l.company = p.left_item
        inner join companies as r on r.company = p.right_item
        inner join company_gaggles as f on f.company = p.left_item
        inner join company_gaggles as g
            on g.company = p.right_item and g.gaggle_id = f.gaggle_id
        group by p.left_item, p.right_item
    ) as m
),

facing as (
    select
        p.left_item,
        p.right_item,
        p.is_same,
        l as a,
        r as b,
        len(list_intersect(l.full_names, r.full_names)) as shared_people,
        coalesce(m.gaggles, 0) as shared_gaggles,
        m.are_all_guests,
        n.left_item is not null as is_called,
        greatest(l.first_active, r.first_active) as later_start,
        least(l.last_active, r.last_active) as earlier_end
    from companies_pairs as p
    inner join companies as l on l.company = p.left_item
    inner join companies as r on r.company = p.right_item
    left join called as n on n.left_item = p.left_item and n.right_item = p.right_item
    left join met as m on m.left_item = p.left_item and m.right_item = p.right_item
)

select
    left_item,
    right_item,
    is_same,
    case
        when a.stem = b.stem then 'ending'
        when a.core = b.core then 'words'
        when length(a.core) >= 6 and damerau_levenshtein(a.core, b.core) <= 1 then 'typo'
        when least(length(a.core), length(b.core)) >= 5
            and (starts_with(a.core, b.core) or starts_with(b.core, a.core)) then 'longer'
        else 'other'
    end as domain_name,
    case
        when is_called then 'called'
        else 'other'
    end as gaggle_name,
    case
        when shared_people >= 2 then 'several'
        when shared_people = 1 then 'one'
        else 'none'
    end as shared_people,
    case
        when are_all_guests then 'all'
        when shared_gaggles >= 2 then 'several'
        when shared_gaggles = 1 then 'one'
        else 'none'
    end as shared_gaggles,
    case
        when earlier_end between later_start - interval 60 day and later_start + interval 7 day
            then 'handover'
        when earlier_end < later_start then 'apart'
        when earlier_end < later_start + interval 30 day then 'briefly'
        else 'together'
    end as activity
from facing
