-- One row per contact, campaign and day on which it reached or excluded them.
select
    t.execution_date as EXECUTION_DATE,
    t.user_id as CLIENT_CUSTOMER_ID,
    t.lifecycle_stage as LIFECYCLE_STAGE,
    t.plan_id as PLAN_ID,
    t.plan_detail_id as PLAN_DETAIL_ID,
    t.campaign_action_id as CAMPAIGN_ACTION_ID,
    t.campaign_action_name as CAMPAIGN_ACTION_NAME,
    t.exclusion_reason_id as EXCLUSION_REASON_ID,
    t.exclusion_reason as EXCLUSION_REASON,
    t.exclusion_reason_desc as EXCLUSION_REASON_DESC,
    t.taken_from_plan_id as TAKEN_FROM_PLAN_ID,
    t.last_updated_time as LAST_UPDATED_TIME
from marts.campaign_targets as t
