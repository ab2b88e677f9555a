-- One row per staged account: the contact that it is.
with applied_merges as (
    select distinct
        old_key as email,
        resolved_to as contact_email,
        merge_path
    from identity.merge_journal
    where kind = 'user' and outcome = 'applied'
),

-- one account stands for an address: the earliest, then the smallest id
address_owners as (
    select email, user_id
    from (
        select
            email,
            user_id,
            row_number() over (partition by email order by created_at, user_id) as nth
        from staging.stg_users
    ) as ranked
    where nth = 1
),

resolved as (
    select
        u.user_id,
        u.email,
        coalesce(m.contact_email, u.email) as contact_email,
        m.merge_path
    from staging.stg_users as u
    left join applied_merges as m on m.email = u.email
)

select
    r.user_id,
    r.email,
    o.user_id as contact_user_id,
    r.contact_email,
    case
        when r.merge_path is not null then 'merge'
        when o.user_id <> r.user_id then 'same_email'
        else 'self'
    end as rule,
    r.merge_path
from resolved as r
inner join address_owners as o on o.email = r.contact_email
