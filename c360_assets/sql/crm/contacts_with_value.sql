-- one row per person of marts.contacts, with stage, value, open tickets and company; null where
-- somebody never ordered, waits for no answer, or has no company
select
    contacts.user_id,
    contacts.email,
    contacts.user_name,
    contacts.corporate_email,
    contacts.gaggle_id,
    contacts.created_at,
    contacts.first_event,
    contacts.most_recent_event,
    contacts.number_of_events,
    contacts.first_order,
    contacts.most_recent_order,
    contacts.number_of_orders,
    contacts.user_cohort,
    rfm_segments.rfm_segment,
    rfm_segments.recency_score,
    rfm_segments.frequency_score,
    rfm_segments.monetary_score,
    contacts.contact_id,
    contacts.merged_emails,
    profiles.lifecycle_stage as lifecycle_stage,
    -- as people read them: what changes less is no news for a CRM
    round(customer_lifetime_value.clv_365d, 2) as clv_365d,
    round(customer_lifetime_value.probability_alive, 2) as probability_alive,
    -- whole points, for the same reason: they grow with each hour of waiting
    round(open_tickets.priority) as support_priority,
    companies.current_plan as company_plan,
    companies.is_paying as company_is_paying
from marts.contacts as contacts
left join marts.rfm_segments as rfm_segments
    on contacts.user_id = rfm_segments.user_id
left join marts.customer_lifetime_value as customer_lifetime_value
    on contacts.user_id = customer_lifetime_value.user_id
left join (
    select
        customer_profiles.client_customer_id,
        customer_profiles.lifecycle_stage as lifecycle_stage
    from marts.customer_profiles as customer_profiles
    where customer_profiles.profile_date = (
        select max(profile_days.profile_date) from marts.profile_days as profile_days
    )
) as profiles
    on contacts.user_id = profiles.client_customer_id
left join (
    -- somebody with several open tickets waits for the one that is answered first
    select
        support_queue.user_id,
        max(support_queue.priority) as priority
    from marts.support_queue as support_queue
    where support_queue.user_id is not null
    group by support_queue.user_id
) as open_tickets
    on contacts.user_id = open_tickets.user_id
left join marts.corporate_accounts as companies
    on contacts.corporate_email = companies.corporate_email
