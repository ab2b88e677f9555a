-- One row: how a person stands: orders, sales, events, segment, value, company and open tickets.
with person as (
    select *
    from marts.contacts
    where user_id = $user_id
),

segments as (
    select *
    from marts.rfm_segments
    where user_id = $user_id
),

-- the last stretch of hours in one segment, whatever the scores did within it
stretches as (
    select arg_max(rfm_segment, valid_from) as rfm_segment
    from marts.rfm_segment_history
    where user_id = $user_id
),

since as (
    select
        coalesce(
            max(h.valid_to) filter (h.rfm_segment <> s.rfm_segment),
            min(h.valid_from)
        ) as segment_since,
        any_value(s.rfm_segment) as rfm_segment
    from marts.rfm_segment_history as h
    cross join stretches as s
    where h.user_id = $user_id
),

lifetime_value as (
    select *
    from marts.customer_lifetime_value
    where user_id = $user_id
),

profile as (
    select profile_date, LIFECYCLE_STAGE as lifecycle_stage
    from marts.customer_profiles
    where client_customer_id = $user_id
        and profile_date = (select max(profile_date) from marts.profile_days)
),

tickets as (
    select count(*) as open_tickets, min(queue_rank) as queue_rank
    from marts.support_queue
    where user_id = $user_id
)

select
    p.created_at,
    p.number_of_users,
    p.number_of_orders,
    p.sales_total,
    p.number_of_events,
    p.first_order,
    p.most_recent_order,
    p.first_event,
    p.most_recent_event,
    p.corporate_email,
    p.gaggle_id,
    g.gaggle_name,
    a.current_plan,
    a.is_paying,
    s.rfm_segment,
    s.recency_score,
    s.frequency_score,
    s.monetary_score,
    -- the history has full hours: within the newest one the segment may be another already
    case when h.rfm_segment = s.rfm_segment then h.segment_since end as segment_since,
    f.lifecycle_stage,
    f.profile_date,
    v.clv_365d,
    v.expected_orders_365d,
    v.probability_alive,
    v.no_value_reason,
    v.no_probability_reason,
    t.open_tickets,
    t.queue_rank
from person as p
left join marts.gaggle_facts as g on g.gaggle_id = p.gaggle_id
left join marts.corporate_accounts as a on a.corporate_email = p.corporate_email
left join segments as s on true
left join since as h on true
left join lifetime_value as v on true
left join profile as f on true
left join tickets as t on true
