-- One row per suggested pair of people, with what approving it would change.
with listed as (
    select c.left_item, c.right_item, s.*
    from compared_people as c
    inner join people_scores as s on s.pattern = c.pattern
    cross join suggestion_rules as r
    where c.is_same is null and s.match_probability >= r.min_probability
),

segments as (
    select
        c.user_id,
        c.number_of_users,
        c.sales_total,
        c.gaggle_id,
        c.corporate_email as company,
        g.corporate_email as gaggle_company,
        s.frequency,
        s.recency_score,
        s.rfm_segment
    from marts.contacts as c
    left join marts.gaggle_facts as g on g.gaggle_id = c.gaggle_id
    left join marts.rfm_segments as s on s.user_id = c.user_id
),

frequency_floors as (
    select frequency_score, min(frequency) as floor from marts.rfm_segments group by 1
),

pairs_of_contacts as (
    select
        i.*,
        l as a,
        r as b,
        f as fa,
        g as fb,
        -- the company's address outlives the private one, the plain one the tagged one, and the
        -- one that is in use the one that has gone quiet
        {
            company: l.company is not null,
            plain: not contains(split_part(l.email, '@', 1), '+'),
            active: coalesce(l.last_active, l.created_at),
            created: l.created_at
        } > {
            company: r.company is not null,
            plain: not contains(split_part(r.email, '@', 1), '+'),
            active: coalesce(r.last_active, r.created_at),
            created: r.created_at
        } as left_survives,
        list_distinct(list_filter([f.gaggle_id, g.gaggle_id], lambda x: x is not null)) as gaggles,
        list_distinct(list_filter(
            [f.company, g.company, f.gaggle_company, g.gaggle_company], lambda x: x is not null
        )) as companies
    from listed as i
    inner join people as l on l.person = i.left_item
    inner join people as r on r.person = i.right_item
    inner join segments as f on f.user_id = l.user_id
    inner join segments as g on g.user_id = r.user_id
),

won as (
    select p.left_item, p.right_item, sum(d.won_amount) as won_amount
    from pairs_of_contacts as p, unnest(p.companies) as company(domain)
    inner join marts.corporate_accounts as d on d.corporate_email = company.domain
    group by 1, 2
),

regrouped as (
    select
        p.*,
        coalesce(w.won_amount, 0) as won_amount,
        greatest(p.fa.recency_score, p.fb.recency_score) as recency_score,
        (
            select max(f.frequency_score) from frequency_floors as f
            where f.floor <= coalesce(p.fa.frequency, 0) + coalesce(p.fb.frequency, 0)
        ) as frequency_score
    from pairs_of_contacts as p
    left join won as w on w.left_item = p.left_item and w.right_item = p.right_item
)

select
    'user' as kind,
    p.a.email as "left",
    p.b.email as "right",
    p.a.user_id as left_user_id,
    p.b.user_id as right_user_id,
    case when p.left_survives then p.b.email else p.a.email end as old_key,
    case when p.left_survives then p.a.email else p.b.email end as new_key,
    p.match_probability,
    p.match_weight,
    replace(replace(p.name_says, '{left}', coalesce(p.a.user_name, '')),
        '{right}', coalesce(p.b.user_name, '')) as evidence_name,
    replace(replace(p.mailbox_says, '{left}', split_part(p.a.email, '@', 1)),
        '{right}', split_part(p.b.email, '@', 1)) as evidence_mailbox,
    replace(replace(p.workplace_says, '{left}', p.a.email_domain),
        '{right}', p.b.email_domain) as evidence_workplace,
    p.phone_says as evidence_phone,
    p.address_says as evidence_address,
    p.activity_says as evidence_activity,
    p.created_says as evidence_created,
    cast(null as varchar) as evidence_shared_people,
    cast(null as varchar) as evidence_shared_gaggles,
    p.fa.number_of_users + p.fb.number_of_users as accounts_joined,
    len(p.gaggles) as gaggles_touched,
    len(p.companies) as companies_touched,
    nullif(concat_ws(', ', p.fa.rfm_segment, p.fb.rfm_segment), '') as rfm_before,
    g.rfm_segment as rfm_after,
    p.won_amount,
    2 + len(p.gaggles) + len(p.companies) as crm_records,
    p.won_amount + coalesce(p.fa.sales_total, 0) + coalesce(p.fb.sales_total, 0) as money_at_stake
from regrouped as p
left join ops.rfm_grid as g
    on g.recency_score = p.recency_score and g.frequency_score = p.frequency_score
