-- One row per pair of people worth a look who were never decided about, and per decided pair.
-- Whoever shares none of these keys is never compared: that is what keeps the work linear.
with keys as (
    select p.person, 1 as rule, root.name || ' ' || p.last_name as key
    from people as p, unnest(p.roots) as root(name)
    where p.last_name is not null
    union all
    select p.person, 2 as rule, root.name || ' ' || p.last_name || ' ' || p.company as key
    from people as p, unnest(p.roots) as root(name)
    where p.last_name is not null and p.company is not null
    union all
    select p.person, 3 as rule, p.mailbox as key from people as p
    union all
    select p.person, 4 as rule, p.letters as key from people as p
    where length(p.letters) >= 6 and not p.is_office
    union all
    select p.person, 5 as rule, p.phone as key from people as p where p.phone is not null
    union all
    select p.person, 6 as rule, p.household || ' ' || p.last_name as key from people as p
    where p.household is not null and p.last_name is not null
    union all
    select p.person, 7 as rule, p.gaggle_id || ' ' || p.last_name as key from people as p
    where p.gaggle_id is not null and p.last_name is not null
    union all
    -- a misspelt surname
    select p.person, 8 as rule, p.gaggle_id || ' ' || p.first_name as key from people as p
    where p.gaggle_id is not null and length(p.first_name) >= 3
),

hashed as (
    select k.person, hash(k.rule, k.key) as key
    from keys as k
    inner join people as p on p.person = k.person
    where p.scope = 'contact'
),

-- a key that many share says nothing by itself; the narrower ones still join these people
telling as (
    select key
    from hashed
    group by key
    having count(*) between 2 and 30
),

kept as (
    select h.person, h.key
    from hashed as h
    inner join telling as t on t.key = h.key
),

candidates as (
    select distinct a.person as left_item, b.person as right_item
    from kept as a
    inner join kept as b on b.key = a.key and b.person > a.person
),

-- an address that no account has may still have been merged into one
merged_away as (
    select distinct old_key as email, resolved_to as contact_email
    from identity.merge_journal
    where kind = 'user' and decision = 'merge' and outcome = 'applied'
),

decisions as (
    select
        j.old_key,
        j.new_key,
        coalesce(old_user.contact_email, old_link.contact_email, j.old_key) as old_contact,
        coalesce(new_user.contact_email, new_link.contact_email, j.new_key) as new_contact,
        -- what was merely superseded, refused or waits for its user says nothing about sameness
        case
            when j.decision = 'merge' and j.outcome = 'applied' then true
            when j.decision in ('never', 'undo') and j.outcome <> 'refused' then false
        end as is_same
    from identity.merge_journal as j
    left join identity.user_identity as old_user on old_user.email = j.old_key
    left join identity.user_identity as new_user on new_user.email = j.new_key
    left join merged_away as old_link on old_link.email = j.old_key
    left join merged_away as new_link on new_link.email = j.new_key
    where j.kind = 'user'
),

decided_contacts as (
    select distinct
        least(a.person, b.person) as left_item,
        greatest(a.person, b.person) as right_item
    from decisions as d
    inner join people as a on a.email = d.old_contact and a.scope = 'contact'
    inner join people as b on b.email = d.new_contact and b.scope = 'contact'
),

-- the latest word counts: whoever was taken apart or forbidden is not the same
labelled as (
    select
        least(a.person, b.person) as left_item,
        greatest(a.person, b.person) as right_item,
        bool_and(d.is_same) as is_same
    from decisions as d
    inner join people as a on a.email = d.old_key and a.scope = 'account'
    inner join people as b on b.email = d.new_key and b.scope = 'account'
    where d.is_same is not null and a.person <> b.person
    group by 1, 2
)

select c.left_item, c.right_item, cast(null as boolean) as is_same
from candidates as c
where not exists (
    select 1 from decided_contacts as d
    where d.left_item = c.left_item and d.right_item = c.right_item
)
union all
select l.left_item, l.right_item, l.is_same
from labelled as l
