-- One row per contact, campaign plan, action and day that reached or excluded them.
select
    t.user_id,
    t.execution_date as fact_at,
    t.execution_date,
    t.plan_id,
    t.plan_detail_id,
    c.campaign_action_id,
    c.campaign_action_name,
    c.target_group_name,
    c.channel_name,
    c.template_name,
    c.promotion_id,
    c.campaign_type,
    -- the control group is targeted, and sent nothing
    t.plan_detail_id is not null
        and c.campaign_action_id is distinct from r.control_action_id as is_sent,
    t.plan_detail_id is not null
        and c.campaign_action_id is not distinct from r.control_action_id as is_control,
    t.plan_detail_id is null as is_excluded,
    t.exclusion_reason
from (
    -- two accounts of one person reached by one action on one day are one message
    select
        i.contact_user_id as user_id,
        s.execution_date,
        s.plan_id,
        s.plan_detail_id,
        min(s.exclusion_reason) as exclusion_reason
    from staging.stg_campaign_targets as s
    inner join identity.user_identity as i on i.user_id = s.user_id
    group by i.contact_user_id, s.execution_date, s.plan_id, s.plan_detail_id
) as t
cross join ops.campaign_rules as r
left join staging.stg_campaigns as c
    on c.plan_id = t.plan_id and c.plan_detail_id = t.plan_detail_id
