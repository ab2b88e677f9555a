-- One row per campaign and day on which it reached or excluded the person.
with impact_window as (
    select max(window_days) as window_days
    from marts.campaign_groups
),

orders as (
    select created_at, sales_total
    from marts.fct_orders
    where user_id = $user_id
),

targets as (
    select
        *,
        case
            when plan_detail_id is null then 'Excluded'
            when is_control then 'Control group'
            when is_control is null then 'Unknown action'
            else 'Sent'
        end as treatment,
        -- the control group is what each action is held against: it has the campaign's as a whole
        case when is_control then 'all' else plan_detail_id end as compared_as
    from marts.campaign_targets
    where user_id = $user_id
),

bought as (
    select
        t.plan_id,
        t.execution_date,
        count(o.created_at) as orders_after,
        -- no orders are worth nothing; orders without amounts are worth nobody knows what
        case when count(o.created_at) = 0 then 0 else sum(o.sales_total) end as sales_after
    from targets as t
    cross join impact_window as w
    left join orders as o
        on o.created_at >= t.execution_date and o.created_at < t.execution_date + w.window_days
    where t.plan_detail_id is not null
    group by t.plan_id, t.execution_date
)

select
    concat(cast(t.execution_date as varchar), ' ', t.plan_id) as target_id,
    t.execution_date,
    t.plan_id,
    t.plan_detail_id,
    t.treatment,
    t.campaign_action_name,
    t.exclusion_reason_desc,
    -- what they got, or why they got nothing, in one column
    case
        when t.is_control then concat_ws(': ', t.campaign_action_name, 'nothing was sent')
        else coalesce(t.exclusion_reason_desc, t.campaign_action_name, t.plan_detail_id)
    end as given,
    c.channel_name,
    c.template_name,
    c.promotion_id,
    regexp_split_to_array(c.tag_names, '\s*[,;]\s*') as tags,
    g.target_group_name,
    t.lifecycle_stage,
    b.orders_after,
    b.sales_after,
    w.window_days,
    i.orders_uplift,
    i.orders_uplift_low,
    i.orders_uplift_high,
    i.orders_reason,
    case
        when i.orders_uplift is not null
            then format(
                '{:+.2f} ({:+.2f} to {:+.2f})',
                i.orders_uplift, i.orders_uplift_low, i.orders_uplift_high
            )
        else replace(i.orders_reason, '_', ' ')
    end as effect
from targets as t
cross join impact_window as w
left join bought as b on b.plan_id = t.plan_id and b.execution_date = t.execution_date
left join staging.stg_campaigns as c
    on c.plan_id = t.plan_id and c.plan_detail_id = t.plan_detail_id
-- the excluded were of the group, too, but have no action by which to look it up
left join (
    select plan_id, string_agg(distinct target_group_name, ', ' order by target_group_name)
        as target_group_name
    from staging.stg_campaigns
    group by plan_id
) as g on g.plan_id = t.plan_id
left join marts.campaign_impact as i on i.plan_id = t.plan_id and i.treatment = t.compared_as
