-- One row per contact, campaign and day on which it reached or excluded them.
with targets as (
    select
        i.contact_user_id as user_id,
        t.user_id as account_id,
        t.plan_id,
        t.execution_date,
        t.plan_detail_id,
        c.campaign_action_id = r.control_action_id as is_control,
        c.campaign_action_id,
        c.campaign_action_name,
        c.execution_start_date,
        c.execution_end_date,
        t.exclusion_reason_id,
        t.exclusion_reason,
        t.last_updated_time
    from staging.stg_campaign_targets as t
    inner join identity.user_identity as i on i.user_id = t.user_id
    cross join ops.campaign_rules as r
    left join staging.stg_campaigns as c
        on c.plan_id = t.plan_id and c.plan_detail_id = t.plan_detail_id
),

-- of several rows the one that tells what the person got: something, nothing sent, excluded
ranked as (
    select
        *,
        row_number() over (
            partition by user_id, plan_id, execution_date
            order by
                case
                    when plan_detail_id is null then 3
                    when is_control then 2
                    else 1
                end,
                case when account_id = user_id then 1 else 2 end,
                last_updated_time desc nulls last,
                plan_detail_id nulls last,
                exclusion_reason_id nulls last,
                exclusion_reason nulls last,
                account_id
        ) as nth,
        count(*) over (partition by user_id, plan_id, execution_date) as number_of_rows
    from targets
),

per_contact as (
    select * from ranked where nth = 1
),

-- the campaign that had an excluded contact: one that reached them on the very day, else one that
-- reached them before and was scheduled to go on; the last to reach them wins, then the first id
takers as (
    select
        e.user_id,
        e.plan_id,
        e.execution_date,
        o.plan_id as taken_from_plan_id,
        o.execution_date as taken_on,
        row_number() over (
            partition by e.user_id, e.plan_id, e.execution_date
            order by o.execution_date desc, length(o.plan_id), o.plan_id
        ) as nth
    from per_contact as e
    inner join per_contact as o
        on o.user_id = e.user_id
        and o.plan_id <> e.plan_id
        and o.plan_detail_id is not null
        and (
            o.execution_date = e.execution_date
            or (
                o.execution_date < e.execution_date
                and e.execution_date between o.execution_start_date and o.execution_end_date
            )
        )
    left join ops.priority_reasons as r on r.exclusion_reason_id = e.exclusion_reason_id
    where e.plan_detail_id is null
        -- other reasons, such as an unsubscription, are no other campaign's doing
        and (r.exclusion_reason_id is not null or e.exclusion_reason_id is null)
)

select
    p.user_id,
    p.plan_id,
    p.execution_date,
    p.plan_detail_id,
    p.is_control,
    p.campaign_action_id,
    p.campaign_action_name,
    s.lifecycle_stage as lifecycle_stage,
    p.exclusion_reason_id,
    p.exclusion_reason,
    case
        when p.plan_detail_id is null
            then concat(
                'Left out of campaign ', p.plan_id, ' on ', cast(p.execution_date as varchar),
                case
                    when t.taken_from_plan_id is not null
                        then concat(
                            ', having been reached by campaign ', t.taken_from_plan_id,
                            ' on ', cast(t.taken_on as varchar)
                        )
                    else ''
                end,
                ': ',
                coalesce(
                    p.exclusion_reason,
                    'reason ' || p.exclusion_reason_id,
                    'the source gives no reason'
                ),
                '.'
            )
    end as exclusion_reason_desc,
    t.taken_from_plan_id,
    p.last_updated_time,
    p.number_of_rows
from per_contact as p
left join takers as t
    on t.user_id = p.user_id
    and t.plan_id = p.plan_id
    and t.execution_date = p.execution_date
    and t.nth = 1
-- days on which nobody was profiled have no stage
left join marts.customer_profiles as s
    on s.client_customer_id = p.user_id and s.profile_date = p.execution_date
