-- One row per person of the list, with an older address if the words were found in that.
with people as (
    select *
    from marts.contacts
    where user_id in (select unnest($user_ids))
),

other_addresses as (
    select user_id, unnest(merged_emails) as address
    from people
    union
    select p.user_id, j.old_key
    from identity.merge_journal as j
    inner join people as p on p.email = j.resolved_to
    where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
),

words_in_addresses as (
    select
        user_id,
        address,
        len(list_filter($words, lambda w: contains(lower(strip_accents(address)), w))) as words_in,
        starts_with(lower(strip_accents(address)), $words[1]) as is_beginning
    from other_addresses
),

found_addresses as (
    select
        user_id,
        first(address order by words_in desc, is_beginning desc, len(address), address) as address
    from words_in_addresses
    where words_in > 0
    group by user_id
)

select
    p.user_id,
    p.contact_id,
    p.user_name,
    p.email,
    p.corporate_email,
    g.gaggle_name,
    p.number_of_orders,
    p.number_of_events,
    case
        when not list_bool_and([
            contains(lower(strip_accents(concat_ws(' ', p.user_name, p.email))), w) for w in $words
        ]) then f.address
    end as found_address
from people as p
left join found_addresses as f on f.user_id = p.user_id
left join marts.gaggle_facts as g on g.gaggle_id = p.gaggle_id
