-- One row per company of the list, with another domain of it if the words were found in that.
with other_domains as (
    select corporate_email, min(email_domain) as email_domain
    from identity.domain_identity
    where corporate_email in (select unnest($domains))
        and email_domain <> corporate_email
        and list_bool_and([contains(lower(strip_accents(email_domain)), w) for w in $words])
    group by corporate_email
)

select
    a.corporate_email,
    a.number_of_users_corporate as number_of_people,
    a.number_of_orders_corporate as number_of_orders,
    a.number_of_events_corporate as number_of_events,
    case
        when not list_bool_and([contains(a.corporate_email, w) for w in $words])
        then o.email_domain
    end as found_domain
from marts.corporate_accounts as a
left join other_domains as o on o.corporate_email = a.corporate_email
where a.corporate_email in (select unnest($domains))
