-- One row per suggested pair of companies, with what approving it would change.
with listed as (
    select c.left_item, c.right_item, s.*
    from compared_companies as c
    inner join companies_scores as s on s.pattern = c.pattern
    cross join suggestion_rules as r
    where c.is_same is null and s.match_probability >= r.min_probability
),

sized as (
    select
        i.*,
        l as a,
        r as b,
        f as fa,
        g as fb,
        list_transform(
            list_sort(list_intersect(l.full_names, r.full_names))[1:3], lambda name: l.names[name]
        ) as people_in_both,
        list_intersect(l.gaggles, r.gaggles) as gaggles_of_both,
        -- the domain that is in use outlives the one that went quiet, then the larger one
        {
            active: cast(l.last_active as date), people: l.number_of_people, won: f.won_amount
        } > {
            active: cast(r.last_active as date), people: r.number_of_people, won: g.won_amount
        } as left_survives
    from listed as i
    inner join companies as l on l.company = i.left_item
    inner join companies as r on r.company = i.right_item
    inner join marts.corporate_accounts as f on f.corporate_email = l.domain
    inner join marts.corporate_accounts as g on g.corporate_email = r.domain
),

sales as (
    select corporate_email as domain, sum(sales_total) as sales_total
    from marts.contacts
    group by 1
)

select
    'domain' as kind,
    p.a.domain as "left",
    p.b.domain as "right",
    cast(null as varchar) as left_user_id,
    cast(null as varchar) as right_user_id,
    case when p.left_survives then p.b.domain else p.a.domain end as old_key,
    case when p.left_survives then p.a.domain else p.b.domain end as new_key,
    p.match_probability,
    p.match_weight,
    replace(replace(p.domain_name_says, '{left}', p.a.domain), '{right}', p.b.domain)
        as evidence_name,
    cast(null as varchar) as evidence_mailbox,
    p.gaggle_name_says as evidence_workplace,
    cast(null as varchar) as evidence_phone,
    cast(null as varchar) as evidence_address,
    p.activity_says as evidence_activity,
    cast(null as varchar) as evidence_created,
    replace(p.shared_people_says, '{left}', array_to_string(p.people_in_both, ', '))
        as evidence_shared_people,
    replace(p.shared_gaggles_says, '{left}', cast(len(p.gaggles_of_both) as varchar))
        as evidence_shared_gaggles,
    p.a.number_of_people + p.b.number_of_people as accounts_joined,
    len(list_distinct(list_concat(p.a.gaggles, p.b.gaggles))) as gaggles_touched,
    2 as companies_touched,
    cast(null as varchar) as rfm_before,
    cast(null as varchar) as rfm_after,
    p.fa.won_amount + p.fb.won_amount as won_amount,
    -- the people who change their company, every gaggle of either, and both companies
    case when p.left_survives then p.b.number_of_people else p.a.number_of_people end
        + len(list_distinct(list_concat(p.a.gaggles, p.b.gaggles))) + 2 as crm_records,
    p.fa.won_amount + p.fb.won_amount + coalesce(s.sales_total, 0) + coalesce(t.sales_total, 0)
        as money_at_stake
from sized as p
left join sales as s on s.domain = p.a.domain
left join sales as t on t.domain = p.b.domain
