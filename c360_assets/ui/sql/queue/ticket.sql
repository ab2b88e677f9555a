-- One row for a ticket, open or not, if there is one: with its person and company.
-- Where the address is hidden, the queue still knows whose it is.
with tickets as (
    select * from staging.stg_tickets where ticket_id = $ticket_id
),

owners as (
    select i.email, min(i.contact_user_id) as contact_user_id
    from identity.user_identity as i
    inner join tickets as t on t.email = i.email
    group by i.email
)

select
    t.ticket_id,
    t.email,
    t.created_at,
    t.subject,
    t.status,
    q.queue_rank,
    q.waiting_hours,
    q.priority,
    q.reason,
    c.contact_id,
    c.user_id,
    c.user_name,
    c.email as contact_email,
    c.created_at as contact_since,
    c.number_of_orders,
    c.most_recent_order,
    c.most_recent_event,
    c.sales_total,
    coalesce(c.corporate_email, q.company) as company,
    a.corporate_email as account,
    coalesce(a.is_paying, false) as is_paying,
    a.current_plan,
    a.won_amount,
    case when c.user_id is not null then coalesce(r.rfm_segment, 'prospects') end as rfm_segment,
    r.monetary,
    r.monetary_percentile,
    v.clv_365d
from tickets as t
left join marts.support_queue as q on q.ticket_id = t.ticket_id
left join owners as o on o.email = t.email
left join marts.contacts as c on c.user_id = coalesce(q.user_id, o.contact_user_id)
left join marts.corporate_accounts as a
    on a.corporate_email = coalesce(c.corporate_email, q.company)
left join marts.rfm_segments as r on r.user_id = c.user_id
left join marts.customer_lifetime_value as v on v.user_id = c.user_id
