-- one row per person of marts.contacts; RFM columns are null for whoever never ordered
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
    rfm_segments.monetary_score
from marts.contacts as contacts
left join marts.rfm_segments as rfm_segments
    on contacts.user_id = rfm_segments.user_id
