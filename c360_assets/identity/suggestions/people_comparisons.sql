-- One row per pair of people: how each trait of the two compares, in the words of `traits`.
with first_names as (
    select first_name, count(*) as bearers from people where scope = 'contact' group by 1
),

last_names as (
    select last_name, count(*) as bearers from people where scope = 'contact' group by 1
),

namesakes as (
    select root.name as root, p.last_name, count(*) as bearers
    from people as p, unnest(p.roots) as root(name)
    where p.scope = 'contact'
    group by 1, 2
),

phones as (
    select phone, count(*) as bearers from people where scope = 'contact' group by 1
),

households as (
    select household, count(*) as bearers from people where scope = 'contact' group by 1
),

known as (
    select
        p.*,
        -- how many others have the name, or would by chance: beside two who may be one person
        greatest(
            greatest(f.bearers - 2, 0) * greatest(l.bearers - 2, 0)
                / (select count(*) from people where scope = 'contact'),
            n.bearers - 2
        ) as namesakes,
        t.bearers as phone_bearers,
        h.bearers as household_bearers
    from people as p
    left join first_names as f on f.first_name = p.first_name
    left join last_names as l on l.last_name = p.last_name
    left join namesakes as n on n.root = p.first_name and n.last_name = p.last_name
    left join phones as t on t.phone = p.phone
    left join households as h on h.household = p.household
),

facing as (
    select
        c.left_item,
        c.right_item,
        c.is_same,
        l as a,
        r as b,
        greatest(l.first_active, r.first_active) as later_start,
        least(l.last_active, r.last_active) as earlier_end
    from people_pairs as c
    inner join known as l on l.person = c.left_item
    inner join known as r on r.person = c.right_item
)

select
    left_item,
    right_item,
    is_same,
    case
        when a.last_name is null or b.last_name is null then null
        when a.is_junior <> b.is_junior and a.last_name = b.last_name then 'generation'
        when a.first_name = b.first_name and a.last_name = b.last_name then
            case
                when greatest(a.namesakes, b.namesakes, 0) < 0.02 then 'same_rare'
                when greatest(a.namesakes, b.namesakes) < 0.5 then 'same_known'
                else 'same_common'
            end
        when list_has_any(a.roots, b.roots) and a.last_name = b.last_name then 'nickname'
        when damerau_levenshtein(
            a.first_name || ' ' || a.last_name, b.first_name || ' ' || b.last_name
        ) <= case when length(a.first_name || a.last_name) >= 10 then 2 else 1 end then 'typo'
        when a.first_name = b.last_name and a.last_name = b.first_name then 'swapped'
        when a.last_name = b.last_name and left(a.first_name, 1) = left(b.first_name, 1)
            and least(length(a.first_name), length(b.first_name)) = 1 then 'initial'
        when a.last_name = b.last_name then 'surname'
        else 'other'
    end as name,
    case
        when a.is_office or b.is_office then 'office'
        -- the name says it already
        when a.is_junior <> b.is_junior then null
        when a.mailbox = b.mailbox then 'tag'
        when a.email_domain = b.email_domain and length(a.base) >= 5
            and damerau_levenshtein(a.base, b.base)
            <= case when length(a.base) >= 10 then 2 else 1 end
            and a.letters <> b.letters then 'typo'
        -- ann.smith@ and asmith@ of two Ann Smiths say no more than their names did
        when contains(a.letters, left(a.last_name, 4)) and contains(b.letters, left(b.last_name, 4))
            and a.last_name = b.last_name and list_has_any(a.roots, b.roots)
            and not (a.letters = b.letters and a.digits <> b.digits) then 'named'
        when a.base = b.base then 'same'
        when a.letters = b.letters and length(a.letters) >= 4
            then case when a.digits = b.digits then 'same' else 'number' end
        else 'other'
    end as mailbox,
    case
        when a.gaggle_id = b.gaggle_id then
            case
                when a.company = b.company then 'team_company'
                when a.company is not null and b.company is not null then 'team_companies'
                when a.company is not null or b.company is not null then 'team_private_company'
                else 'team_private'
            end
        when a.company = b.company then 'company'
        when a.company is not null and b.company is not null then 'companies'
        when a.company is not null or b.company is not null then 'private_company'
        else 'private'
    end as workplace,
    case
        when a.phone is null or b.phone is null then null
        when a.phone <> b.phone then 'other'
        when greatest(a.phone_bearers, b.phone_bearers) <= 4 then 'same'
        else 'switchboard'
    end as phone,
    case
        when a.household is null or b.household is null then null
        when a.household <> b.household then 'other'
        -- father and son, man and wife
        when a.last_name = b.last_name
            and (a.is_junior <> b.is_junior or not list_has_any(a.roots, b.roots)
                and left(a.first_name, 1) <> left(b.first_name, 1)) then 'family'
        when greatest(a.household_bearers, b.household_bearers) <= 6 then 'same'
        else 'building'
    end as address,
    case
        when later_start is null or earlier_end is null or a.first_active is null
            or b.first_active is null then null
        when earlier_end between later_start - interval 30 day and later_start + interval 2 day
            then 'handover'
        when earlier_end < later_start then 'apart'
        when earlier_end < later_start + interval 14 day then 'briefly'
        else 'together'
    end as activity,
    case
        when abs(epoch(a.created_at) - epoch(b.created_at)) <= 86400 then 'day'
        when abs(epoch(a.created_at) - epoch(b.created_at)) <= 30 * 86400 then 'month'
        else 'apart'
    end as created
from facing
