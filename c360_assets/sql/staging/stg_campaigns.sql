-- One row per valid campaign plan and plan detail.
select
    r.plan_id,
    r.plan_detail_id,
    r.campaign_action_id,
    r.campaign_action_name,
    r.target_group_id,
    r.target_group_name,
    r.channel_id,
    r.channel_name,
    r.template_name,
    r.promotion_id,
    r.tag_names,
    r.campaign_type,
    r.execution_start_date,
    r.execution_end_date
from raw.raw_campaign as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_campaign'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
