-- One row per company domain after domain merges.
with company_people as (
    select c.*, c.corporate_email as company
    from marts.contacts as c
    where c.corporate_email is not null
),

corporate as (
    select
        company,
        count(*) as number_of_users,
        sum(number_of_events) as number_of_events,
        min(first_event) as first_event,
        max(most_recent_event) as most_recent_event,
        sum(number_of_orders) as number_of_orders,
        min(first_order) as first_order,
        max(most_recent_order) as most_recent_order,
        -- ties go to the earliest created, then the smallest id
        min_by(user_id, {created_at: created_at, user_id: user_id}) as first_user_id,
        min_by(
            user_id, {fewer: -number_of_events, created_at: created_at, user_id: user_id}
        ) as most_active_user_id,
        min_by(
            user_id, {fewer: -number_of_orders, created_at: created_at, user_id: user_id}
        ) filter (where number_of_orders > 0) as most_orders_user_id
    from company_people
    group by company
),

company_gaggles as (
    select gaggle_id, corporate_email as company
    from marts.gaggle_facts
    where corporate_email is not null
),

gaggle_counts as (
    select company, count(*) as number_of_gaggles
    from company_gaggles
    group by company
),

-- everybody in a gaggle of the company who is not counted as its own already
guests as (
    select c.*, g.company
    from marts.contacts as c
    inner join company_gaggles as g on g.gaggle_id = c.gaggle_id
    where c.corporate_email is distinct from g.company
),

guest_facts as (
    select
        company,
        count(*) as number_of_users,
        sum(number_of_events) as number_of_events,
        min(first_event) as first_event,
        max(most_recent_event) as most_recent_event,
        sum(number_of_orders) as number_of_orders,
        min(first_order) as first_order,
        max(most_recent_order) as most_recent_order
    from guests
    group by company
),

clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

company_deals as (
    select
        d.corporate_email as company,
        count(*) filter (where s.stage = 'won') as won_deals,
        count(*) filter (where s.stage = 'lost') as lost_deals,
        sum(s.amount) filter (where s.stage = 'won') as won_amount,
        max_by(
            regexp_extract(s.deal_name, '([^ ]+) Deal$', 1),
            {close_date: s.close_date, amount: s.amount, deal_name: s.deal_name}
        ) filter (where s.stage = 'won') as current_plan,
        min(s.close_date) filter (where s.stage = 'won') as customer_since,
        count(*) filter (
            where s.stage = 'won' and (k.as_of is null or s.close_date <= cast(k.as_of as date))
        ) as deals_closed
    from staging.stg_deals as s
    inner join identity.domain_identity as d on d.email_domain = s.email_domain
    cross join clock as k
    where d.corporate_email is not null
    group by d.corporate_email
)

select
    c.company as corporate_email,
    coalesce(n.number_of_gaggles, 0) as number_of_gaggles,
    c.number_of_users as number_of_users_corporate,
    cast(c.number_of_events as bigint) as number_of_events_corporate,
    c.first_event as first_event_corporate,
    c.most_recent_event as most_recent_event_corporate,
    cast(c.number_of_orders as bigint) as number_of_orders_corporate,
    c.first_order as first_order_corporate,
    c.most_recent_order as most_recent_order_corporate,
    c.number_of_users + coalesce(g.number_of_users, 0) as number_of_users_associated,
    cast(c.number_of_events + coalesce(g.number_of_events, 0) as bigint)
        as number_of_events_associated,
    -- least and greatest skip nulls
    least(c.first_event, g.first_event) as first_event_associated,
    greatest(c.most_recent_event, g.most_recent_event) as most_recent_event_associated,
    cast(c.number_of_orders + coalesce(g.number_of_orders, 0) as bigint)
        as number_of_orders_associated,
    least(c.first_order, g.first_order) as first_order_associated,
    greatest(c.most_recent_order, g.most_recent_order) as most_recent_order_associated,
    c.first_user_id,
    c.most_active_user_id,
    c.most_orders_user_id,
    coalesce(d.won_deals, 0) as won_deals,
    coalesce(d.lost_deals, 0) as lost_deals,
    cast(coalesce(d.won_amount, 0) as decimal(38, 2)) as won_amount,
    nullif(d.current_plan, '') as current_plan,
    d.customer_since,
    coalesce(d.deals_closed, 0) > 0 as is_paying
from corporate as c
left join gaggle_counts as n on n.company = c.company
left join guest_facts as g on g.company = c.company
left join company_deals as d on d.company = c.company
