-- One row per day on which campaigns reached the person, or kept them as control group.
with targets as (
    select
        t.execution_date as day,
        -- of an action that no campaign names it is not known whether it was sent
        coalesce(t.is_control, false) as is_control,
        concat(
            coalesce(t.campaign_action_name, concat('action ', t.plan_detail_id)),
            case when c.channel_name is not null then concat(' by ', c.channel_name) else '' end,
            ' (campaign ', t.plan_id, ')'
        ) as action,
        concat('campaign ', t.plan_id) as campaign
    from marts.campaign_targets as t
    left join staging.stg_campaigns as c
        on c.plan_id = t.plan_id and c.plan_detail_id = t.plan_detail_id
    where t.user_id = $user_id and t.plan_detail_id is not null
)

select
    day,
    count(*) filter (where not is_control) as campaigns,
    list(action order by action) filter (where not is_control) as actions,
    list(campaign order by campaign) filter (where is_control) as kept_from
from targets
group by day
order by day
