-- One row per person of the company; with $is_associated of everybody in its gaggles, too.
with gaggles as (
    select gaggle_id
    from marts.gaggle_facts
    where $is_associated and corporate_email = $domain
)

select
    c.user_id,
    c.contact_id,
    coalesce(c.user_name, c.email, c.contact_id) as who,
    c.email,
    c.gaggle_id,
    g.gaggle_name,
    s.rfm_segment,
    c.number_of_events,
    c.number_of_orders,
    c.sales_total,
    c.most_recent_event,
    c.created_at
from marts.contacts as c
left join marts.gaggle_facts as g on g.gaggle_id = c.gaggle_id
left join marts.rfm_segments as s on s.user_id = c.user_id
where c.corporate_email = $domain
    or ($is_associated and c.gaggle_id in (select gaggle_id from gaggles))
