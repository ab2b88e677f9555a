-- One row per person of two: who they are, by all of their accounts.
with accounts as (
    select
        i.contact_user_id as user_id,
        list(distinct u.phone order by u.phone) filter (where u.phone is not null) as phones,
        list(distinct concat_ws(', ', a.address, a.zipcode, a.state, a.country))
            filter (where a.address is not null) as postal_addresses
    from identity.user_identity as i
    inner join staging.stg_users as u on u.user_id = i.user_id
    left join staging.stg_addresses as a on a.address_id = u.address_id
    where i.contact_user_id in (select unnest($user_ids))
    group by i.contact_user_id
)

select
    c.user_id,
    c.contact_id,
    c.email,
    c.user_name,
    c.corporate_email,
    c.gaggle_id,
    g.gaggle_name,
    c.created_at,
    coalesce(a.phones, []) as phones,
    list_sort(coalesce(a.postal_addresses, [])) as postal_addresses,
    c.number_of_events,
    c.number_of_orders,
    c.sales_total,
    c.first_event,
    c.most_recent_event,
    c.number_of_users,
    c.merged_emails,
    s.rfm_segment
from marts.contacts as c
left join accounts as a on a.user_id = c.user_id
left join marts.gaggle_facts as g on g.gaggle_id = c.gaggle_id
left join marts.rfm_segments as s on s.user_id = c.user_id
where c.user_id in (select unnest($user_ids))
