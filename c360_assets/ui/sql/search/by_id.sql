-- One row per person or gaggle that has, or had, this id, and how: the id is written in any case.
with named as (
    select
        'person' as kind,
        contact_id as object_id,
        1 as nth,
        'contact' as bearer,
        contact_id as id
    from marts.contacts
    where contact_id in ($text, lower($text), upper($text))
    union all
    select 'person', contact_id, 2, 'account', user_id
    from identity.user_identity
    where user_id in ($text, lower($text), upper($text))
    union all
    select 'person', current_contact_id, 3, 'former', contact_id
    from identity.contact_id_history
    where contact_id in ($text, lower($text), upper($text)) and current_contact_id <> contact_id
    union all
    select 'gaggle', gaggle_id, 4, 'gaggle', gaggle_id
    from marts.gaggle_facts
    where gaggle_id in ($text, lower($text), upper($text))
)

select kind, object_id, arg_min(bearer, (nth, id)) as bearer, arg_min(id, (nth, id)) as id
from named
where kind in (select unnest($kinds))
group by kind, object_id
