-- One row per suggested pair, of people or of companies, the most valuable question first.
with both_kinds as (
    select * from people_candidates
    union all by name
    select * from companies_candidates
),

ranked as (
    select
        c.*,
        row_number() over (
            order by
                -- p (1 - p) is greatest where the model is least sure
                c.match_probability * (1 - c.match_probability) * c.money_at_stake desc,
                c.match_probability * (1 - c.match_probability) desc,
                c.money_at_stake desc,
                c.kind,
                c."left",
                c."right"
        ) as value_rank
    from both_kinds as c
)

select
    r.kind,
    r."left",
    r."right",
    r.match_probability,
    r.match_weight,
    cast(r.value_rank as bigint) as value_rank,
    r.old_key,
    r.new_key,
    coalesce(nullif(array_to_string(list_filter(
        [
            r.evidence_name, r.evidence_mailbox, r.evidence_workplace, r.evidence_phone,
            r.evidence_address, r.evidence_shared_people, r.evidence_shared_gaggles,
            r.evidence_activity, r.evidence_created
        ],
        lambda said: said is not null and not starts_with(said, 'neutral')
    ), '; '), ''), 'nothing speaks for it or against it') as evidence,
    r.evidence_name,
    r.evidence_mailbox,
    r.evidence_workplace,
    r.evidence_phone,
    r.evidence_address,
    r.evidence_activity,
    r.evidence_created,
    r.evidence_shared_people,
    r.evidence_shared_gaggles,
    concat(
        r.accounts_joined,
        case when r.kind = 'user' then ' accounts become one person'
            else ' people come under one company' end,
        '; ', r.gaggles_touched, case when r.gaggles_touched = 1 then ' gaggle' else ' gaggles' end,
        ' and ', r.companies_touched,
        case when r.companies_touched = 1 then ' company' else ' companies' end, ' change',
        case when r.rfm_before is not null
            then '; RFM ' || replace(r.rfm_before, ', ', ' and ') || ' to ' || r.rfm_after
            else '' end,
        case when r.won_amount > 0
            then '; won deals of ' || format('{:,.0f}', cast(r.won_amount as double)) else '' end,
        '; ', r.crm_records, ' CRM records change'
    ) as blast_radius,
    cast(r.accounts_joined as bigint) as accounts_joined,
    cast(r.gaggles_touched as bigint) as gaggles_touched,
    cast(r.companies_touched as bigint) as companies_touched,
    r.rfm_before,
    r.rfm_after,
    cast(r.won_amount as decimal(38, 2)) as won_amount,
    cast(r.crm_records as bigint) as crm_records,
    cast(r.money_at_stake as decimal(38, 2)) as money_at_stake,
    r.left_user_id,
    r.right_user_id
from ranked as r
cross join suggestion_rules as l
where r.value_rank <= l.max_listed
order by r.value_rank
