-- One row per valid event.
select
    r.event_id,
    r.user_id,
    r.event_name,
    r.timestamp,
    r.session_id,
    r.page_url,
    r.order_id,
    r.product_id
from raw.raw_event as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_event'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
