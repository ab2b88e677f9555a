-- One row per contact and gaggle that an account of theirs is in.
-- Each account's activity counts for its own gaggle; in gaggle_facts all of a contact's counts for
-- the gaggle of the newest account. Nearly everybody has one account, and is taken over as is.
with accounts_of_several as (
    select
        c.user_id as contact_user_id,
        u.gaggle_id,
        t.number_of_events,
        t.first_event,
        t.most_recent_event,
        t.number_of_orders,
        t.first_order,
        t.most_recent_order,
        u.created_at
    from marts.contacts as c
    inner join identity.user_identity as i on i.contact_user_id = c.user_id
    inner join staging.stg_users as u on u.user_id = i.user_id
    left join staging.user_event_totals as t on t.user_id = i.user_id
    where c.number_of_users > 1 and u.gaggle_id is not null
),

memberships as (
    select
        contact_user_id,
        gaggle_id,
        count(*) as number_of_users,
        coalesce(sum(number_of_events), 0) as number_of_events,
        min(first_event) as first_event,
        max(most_recent_event) as most_recent_event,
        coalesce(sum(number_of_orders), 0) as number_of_orders,
        min(first_order) as first_order,
        max(most_recent_order) as most_recent_order,
        min(created_at) as first_seen_at
    from accounts_of_several
    group by contact_user_id, gaggle_id
)

select
    user_id,
    gaggle_id,
    corporate_email,
    true as is_current,
    number_of_users,
    number_of_events,
    first_event,
    most_recent_event,
    number_of_orders,
    first_order,
    most_recent_order,
    created_at as first_seen_at
from marts.contacts
where number_of_users = 1 and gaggle_id is not null
union all
select
    m.contact_user_id as user_id,
    m.gaggle_id,
    c.corporate_email,
    coalesce(c.gaggle_id = m.gaggle_id, false) as is_current,
    m.number_of_users,
    cast(m.number_of_events as bigint) as number_of_events,
    m.first_event,
    m.most_recent_event,
    cast(m.number_of_orders as bigint) as number_of_orders,
    m.first_order,
    m.most_recent_order,
    m.first_seen_at
from memberships as m
inner join marts.contacts as c on c.user_id = m.contact_user_id
