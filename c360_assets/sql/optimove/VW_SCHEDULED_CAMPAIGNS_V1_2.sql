-- One row per PLAN_ID and PLAN_DETAIL_ID: an action within a campaign.
select
    c.plan_id as PLAN_ID,
    c.plan_detail_id as PLAN_DETAIL_ID,
    c.target_group_id as TARGET_GROUP_ID,
    c.target_group_name as TARGET_GROUP_NAME,
    c.campaign_action_id as CAMPAIGN_ACTION_ID,
    c.campaign_action_name as CAMPAIGN_ACTION_NAME,
    c.campaign_type as CAMPAIGN_TYPE,
    c.channel_id as CHANNEL_ID,
    c.channel_name as CHANNEL_NAME,
    c.template_name as TEMPLATE_NAME,
    c.promotion_id as PROMOTION_ID,
    c.tag_names as TAG_NAMES,
    c.execution_start_date as EXECUTION_START_DATE,
    c.execution_end_date as EXECUTION_END_DATE
from staging.stg_campaigns as c
