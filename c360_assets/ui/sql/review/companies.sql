-- One row per company of two: who is in it, what it bought, how active it is.
with gaggles as (
    select
        f.corporate_email,
        list(coalesce(g.gaggle_name, f.gaggle_id) order by f.number_of_users_corporate desc)[1:5]
            as gaggle_names
    from marts.gaggle_domain_facts as f
    inner join marts.gaggle_facts as g on g.gaggle_id = f.gaggle_id
    where f.corporate_email in (select unnest($domains))
    group by f.corporate_email
),

domains as (
    select corporate_email, list(email_domain order by email_domain) as email_domains
    from identity.domain_identity
    where corporate_email in (select unnest($domains)) and email_domain <> corporate_email
    group by corporate_email
)

select
    a.*,
    coalesce(g.gaggle_names, []) as gaggle_names,
    coalesce(d.email_domains, []) as email_domains
from marts.corporate_accounts as a
left join gaggles as g on g.corporate_email = a.corporate_email
left join domains as d on d.corporate_email = a.corporate_email
where a.corporate_email in (select unnest($domains))
