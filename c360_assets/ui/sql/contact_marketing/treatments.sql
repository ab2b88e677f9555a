-- One row: how often campaigns reached, spared and excluded the person.
with targets as (
    select
        execution_date,
        case
            when plan_detail_id is null then 'excluded'
            when is_control then 'control'
            else 'sent'
        end as treatment
    from marts.campaign_targets
    where user_id = $user_id
)

select
    count(*) filter (where treatment = 'sent') as sent,
    count(*) filter (where treatment = 'control') as control,
    count(*) filter (where treatment = 'excluded') as excluded,
    max(execution_date) filter (where treatment = 'sent') as last_sent
from targets
