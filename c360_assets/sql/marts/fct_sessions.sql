-- One row per web session.
select
    s.session_id,
    i.contact_user_id as user_id,
    s.session_started_at,
    s.session_ended_at,
    cast((epoch(s.session_ended_at) - epoch(s.session_started_at)) / 60 as double)
        as session_duration,
    s.event_count,
    s.event_count = 1 as is_bounced,
    s.number_of_checkouts > 0 as has_conversion,
    s.number_of_products as products_per_session,
    s.number_of_pages as pages_per_session,
    s.number_of_carts,
    s.number_of_checkouts,
    s.user_id as account_user_id
from staging.sessions as s
inner join identity.user_identity as i on i.user_id = s.user_id
