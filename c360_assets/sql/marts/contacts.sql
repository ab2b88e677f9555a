-- One row per person, whatever addresses they used.
-- Nearly everybody has one account, so the few with several are folded apart.
with people_with_several as (
    select distinct contact_user_id
    from identity.user_identity
    where user_id <> contact_user_id
),

accounts_of_several as (
    select i.user_id, i.email, i.contact_user_id, i.contact_email
    from identity.user_identity as i
    inner join people_with_several as p on p.contact_user_id = i.contact_user_id
),

several as (
    select
        a.contact_user_id,
        a.contact_email,
        a.user_id,
        a.email,
        u.user_name,
        u.gaggle_id,
        u.created_at,
        t.first_event,
        t.most_recent_event,
        t.number_of_events,
        t.first_order,
        t.most_recent_order,
        t.number_of_orders,
        t.sales_total
    from accounts_of_several as a
    inner join staging.stg_users as u on u.user_id = a.user_id
    left join staging.user_event_totals as t on t.user_id = a.user_id
),

-- name and gaggle are the newest account's; a tie goes to the chain's end, then the smallest id
newest_account as (
    select contact_user_id, user_name, gaggle_id
    from (
        select
            contact_user_id,
            user_name,
            gaggle_id,
            row_number() over (
                partition by contact_user_id
                order by
                    created_at desc,
                    case when user_id = contact_user_id then 0 else 1 end,
                    user_id
            ) as nth
        from several
    ) as ranked
    where nth = 1
),

other_addresses as (
    select
        contact_user_id,
        list_sort(array_agg(email)) as merged_emails
    from (
        select distinct contact_user_id, email
        from several
        where email <> contact_email
    ) as other_emails
    group by contact_user_id
),

folded as (
    select
        contact_user_id,
        contact_email,
        min(created_at) as created_at,
        min(first_event) as first_event,
        max(most_recent_event) as most_recent_event,
        sum(number_of_events) as number_of_events,
        min(first_order) as first_order,
        max(most_recent_order) as most_recent_order,
        sum(number_of_orders) as number_of_orders,
        sum(sales_total) as sales_total,
        count(*) as number_of_users
    from several
    group by contact_user_id, contact_email
),

people as (
    select
        u.user_id as contact_user_id,
        u.email as contact_email,
        u.email_domain,
        u.user_name,
        u.gaggle_id,
        u.created_at,
        t.first_event,
        t.most_recent_event,
        t.number_of_events,
        t.first_order,
        t.most_recent_order,
        t.number_of_orders,
        t.sales_total,
        1 as number_of_users,
        cast([] as varchar[]) as merged_emails
    from staging.stg_users as u
    left join staging.user_event_totals as t on t.user_id = u.user_id
    where u.user_id not in (select a.user_id from accounts_of_several as a)
    union all
    select
        f.contact_user_id,
        f.contact_email,
        split_part(f.contact_email, '@', 2) as email_domain,
        n.user_name,
        n.gaggle_id,
        f.created_at,
        f.first_event,
        f.most_recent_event,
        f.number_of_events,
        f.first_order,
        f.most_recent_order,
        f.number_of_orders,
        f.sales_total,
        f.number_of_users,
        coalesce(o.merged_emails, cast([] as varchar[])) as merged_emails
    from folded as f
    inner join newest_account as n on n.contact_user_id = f.contact_user_id
    left join other_addresses as o on o.contact_user_id = f.contact_user_id
)

select
    p.contact_user_id as user_id,
    p.contact_email as email,
    d.corporate_email,
    p.user_name,
    p.gaggle_id,
    p.created_at,
    p.first_event,
    p.most_recent_event,
    cast(coalesce(p.number_of_events, 0) as bigint) as number_of_events,
    p.first_order,
    p.most_recent_order,
    cast(coalesce(p.number_of_orders, 0) as bigint) as number_of_orders,
    cast(date_trunc('month', p.created_at) as date) as user_cohort,
    cast(p.number_of_users as bigint) as number_of_users,
    p.merged_emails,
    cast(p.sales_total as decimal(38, 2)) as sales_total,
    -- as in user_identity, which would be a large join
    coalesce(c.contact_id, 'c_' || p.contact_user_id) as contact_id
from people as p
left join identity.contact_ids as c on c.email = p.contact_email
left join identity.domain_identity as d on d.email_domain = p.email_domain
