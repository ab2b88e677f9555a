-- One row per e-mail domain seen in accounts, deals or applied domain merges.
with applied_merges as (
    select distinct
        old_key as email_domain,
        resolved_to as corporate_email,
        merge_path
    from identity.merge_journal
    where kind = 'domain' and outcome = 'applied'
),

seen_domains as (
    select email_domain from staging.stg_users
    union
    select email_domain from staging.stg_deals
    union
    select email_domain from applied_merges
    union
    select corporate_email as email_domain from applied_merges
)

select
    d.email_domain,
    case
        when p.email_domain is null then coalesce(m.corporate_email, d.email_domain)
    end as corporate_email,
    case when p.email_domain is null then 'corporate' else 'personal' end as domain_class,
    m.merge_path
from seen_domains as d
left join ops.personal_domains as p on p.email_domain = d.email_domain
left join applied_merges as m on m.email_domain = d.email_domain
