-- One row per event, under its account.
select
    e.user_id,
    e.timestamp as fact_at,
    e.event_id,
    e.event_name,
    e.timestamp,
    e.session_id,
    e.page_url,
    e.order_id,
    e.product_id
from staging.stg_events as e
