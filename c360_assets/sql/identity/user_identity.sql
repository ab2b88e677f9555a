-- One row per staged account: the contact that it is.
-- Nearly every account is its own contact; the few that are not are resolved apart.
with applied_merges as (
    select distinct
        old_key as email,
        resolved_to as contact_email,
        merge_path
    from identity.merge_journal
    where kind = 'user' and decision = 'merge' and outcome = 'applied'
),

shared_addresses as (
    select email
    from staging.stg_users
    group by email
    having count(*) > 1
),

special_addresses as (
    select email from shared_addresses
    union
    select email from applied_merges
    union
    select contact_email as email from applied_merges
    union
    -- a merge that ended may have left an id behind
    select email from identity.contact_ids
),

special_accounts as (
    select u.user_id, u.email, u.created_at
    from staging.stg_users as u
    where u.email in (select s.email from special_addresses as s)
),

-- one account stands for an address: the earliest, then the smallest id
address_owners as (
    select email, user_id
    from (
        select
            email,
            user_id,
            row_number() over (partition by email order by created_at, user_id) as nth
        from special_accounts
    ) as ranked
    where nth = 1
),

resolved as (
    select
        a.user_id,
        a.email,
        coalesce(m.contact_email, a.email) as contact_email,
        m.merge_path
    from special_accounts as a
    left join applied_merges as m on m.email = a.email
)

select
    u.user_id,
    u.email,
    u.user_id as contact_user_id,
    u.email as contact_email,
    'c_' || u.user_id as contact_id,
    'self' as rule,
    cast(null as varchar) as merge_path
from staging.stg_users as u
where u.email not in (select s.email from special_addresses as s)
union all
select
    r.user_id,
    r.email,
    o.user_id as contact_user_id,
    r.contact_email,
    -- an address that no merge names has the id of its oldest account
    coalesce(c.contact_id, 'c_' || o.user_id) as contact_id,
    case
        when r.merge_path is not null then 'merge'
        when o.user_id <> r.user_id then 'same_email'
        else 'self'
    end as rule,
    r.merge_path
from resolved as r
inner join address_owners as o on o.email = r.contact_email
left join identity.contact_ids as c on c.email = r.email
