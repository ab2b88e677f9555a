-- One row per gaggle of personal addresses alone, ranked by activity.
-- An address behind a relay is a person's, too; one of a throw-away service is nobody to write to.
with reachable as (
    select distinct c.gaggle_id
    from marts.contacts as c
    inner join identity.domain_identity as d on d.email_domain = split_part(c.email, '@', 2)
    where d.domain_class in ('personal', 'relay')
)

select
    row_number() over (
        order by
            g.number_of_orders desc, g.number_of_events desc, g.number_of_users desc, g.gaggle_id
    ) as upgrade_rank,
    g.gaggle_id,
    g.gaggle_name,
    g.created_at,
    g.number_of_users,
    g.number_of_events,
    g.number_of_orders,
    g.most_recent_event
from marts.gaggle_facts as g
where g.number_of_corporate_domains = 0
    and g.gaggle_id in (select r.gaggle_id from reachable as r where r.gaggle_id is not null)
