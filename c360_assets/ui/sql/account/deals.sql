-- One row per deal with an address of the company.
with deals as (
    select
        row_number() over (order by close_date, deal_name, email, stage, amount) as deal,
        *
    from staging.stg_deals
    where email_domain in (
        select email_domain from identity.domain_identity where corporate_email = $domain
    )
),

people as (
    select email, min(contact_id) as contact_id
    from identity.user_identity
    where email in (select email from deals)
    group by email
)

select d.deal, d.deal_name, d.stage, d.amount, d.close_date, d.email, p.contact_id
from deals as d
left join people as p on p.email = d.email
