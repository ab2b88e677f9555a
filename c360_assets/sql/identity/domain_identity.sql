-- One row per e-mail domain of accounts, deals and applied merges, and its company.
-- The domains that these count as are among them.
with applied_merges as (
    select distinct
        old_key as email_domain,
        resolved_to,
        merge_path
    from identity.merge_journal
    where kind = 'domain' and decision = 'merge' and outcome = 'applied'
),

seen_domains as (
    select email_domain from staging.stg_users
    union
    select email_domain from staging.stg_deals
    union
    select email_domain from applied_merges
    union
    select resolved_to as email_domain from applied_merges
),

all_domains as (
    select email_domain from seen_domains
    union
    select r.registrable_domain as email_domain
    from seen_domains as s
    inner join ops.domain_rules as r on r.email_domain = s.email_domain
),

-- what merges lead to counts as its registrable domain, unless that one is merged away itself
merge_ends as (
    select
        e.resolved_to as email_domain,
        case when m.email_domain is null then r.registrable_domain else e.resolved_to end as company
    from (select distinct a.resolved_to from applied_merges as a) as e
    inner join ops.domain_rules as r on r.email_domain = e.resolved_to
    left join applied_merges as m on m.email_domain = r.registrable_domain
),

decided as (
    select
        m.email_domain,
        e.company,
        case
            when e.company = m.resolved_to then m.merge_path
            else m.merge_path || ' > ' || e.company
        end as merge_path
    from applied_merges as m
    inner join merge_ends as e on e.email_domain = m.resolved_to
    union all
    select
        email_domain,
        company,
        case when company <> email_domain then email_domain || ' > ' || company end as merge_path
    from merge_ends
),

-- a decision on the domain itself comes first, then one on its registrable domain
resolved as (
    select
        r.email_domain,
        r.registrable_domain,
        r.domain_class,
        r.class_source,
        r.is_company,
        coalesce(own.company, above.company, r.registrable_domain) as company,
        case
            when own.email_domain is not null then own.merge_path
            when r.registrable_domain <> r.email_domain
                then r.email_domain || ' > ' || coalesce(above.merge_path, r.registrable_domain)
        end as merge_path
    from all_domains as d
    inner join ops.domain_rules as r on r.email_domain = d.email_domain
    left join decided as own on own.email_domain = r.email_domain
    left join decided as above on above.email_domain = r.registrable_domain
)

select
    d.email_domain,
    case when d.is_company and c.is_company then d.company end as corporate_email,
    d.domain_class,
    d.merge_path,
    d.registrable_domain,
    d.class_source
from resolved as d
inner join ops.domain_rules as c on c.email_domain = d.company
