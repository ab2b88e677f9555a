-- One row per customer, campaign plan and day that reached or excluded them.
select
    r.execution_date,
    r.user_id,
    r.plan_id,
    r.plan_detail_id,
    r.exclusion_reason_id,
    r.exclusion_reason,
    r.last_updated_time
from raw.raw_campaign_target as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_campaign_target'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
