-- One row per campaign and day that reached or excluded them, newest first; one for `total`.
with mine as (
    select
        cast(execution_date as timestamp) as happened_at,
        plan_id as entry_id,
        plan_id,
        plan_detail_id,
        is_control,
        campaign_action_name,
        exclusion_reason_desc
    from marts.campaign_targets
    where user_id = $user_id
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*, c.channel_name, c.template_name, c.promotion_id, c.target_group_name
from (select count(*) as total from mine) as t
left join shown as s on true
left join staging.stg_campaigns as c
    on c.plan_id = s.plan_id and c.plan_detail_id = s.plan_detail_id
order by s.happened_at desc, s.entry_id
