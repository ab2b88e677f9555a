-- One row per person of the company whom to call, best first; each ground is one of the flags.
with clock as (
    -- that of all figures; where nobody ever ordered, the newest event
    select coalesce(
        (select max(as_of) from marts.rfm_segments),
        (select max(most_recent_event) from marts.contacts)
    ) as clock
),

account as (
    select * from marts.corporate_accounts where corporate_email = $domain
),

tickets as (
    select user_id, count(*) as open_tickets, max(waiting_hours) as waiting_hours
    from marts.support_queue
    where user_id is not null
    group by user_id
),

people as (
    select
        c.user_id,
        c.contact_id,
        coalesce(c.user_name, c.email, c.contact_id) as who,
        c.email,
        s.rfm_segment,
        c.number_of_events,
        c.number_of_orders,
        cast(floor(epoch(k.clock - c.most_recent_order) / 86400) as bigint) as days_since_order,
        cast(floor(epoch(k.clock - c.most_recent_event) / 86400) as bigint) as days_since_event,
        coalesce(t.open_tickets, 0) as open_tickets,
        t.waiting_hours,
        c.user_id = a.first_user_id as is_first,
        c.user_id = a.most_active_user_id as is_most_active,
        c.user_id is not distinct from a.most_orders_user_id as is_most_orders,
        coalesce(s.recency_score <= 2 and s.frequency_score >= 4, false) as is_slipping,
        not a.is_paying as could_pay
    from marts.contacts as c
    inner join account as a on a.corporate_email = c.corporate_email
    cross join clock as k
    left join marts.rfm_segments as s on s.user_id = c.user_id
    left join tickets as t on t.user_id = c.user_id
),

weighed as (
    select
        *,
        case when open_tickets > 0 then 4 else 0 end
        + case when is_slipping then 4 else 0 end
        + case when is_most_orders then 3 else 0 end
        + case when is_most_active then 3 else 0 end
        + case when is_first then 1 else 0 end
        + case when coalesce(days_since_event <= 7, false) then 1 else 0 end as grounds
    from people
    where open_tickets > 0 or is_slipping or is_most_orders or is_most_active or is_first
)

select *
from weighed
order by
    grounds desc,
    number_of_orders desc,
    number_of_events desc,
    user_id
limit 5
