-- One row per gaggle and company domain of the people in it.
with companies as (
    select
        gaggle_id,
        corporate_email,
        count(*) as number_of_users_corporate,
        cast(sum(number_of_events) as bigint) as number_of_events_corporate,
        min(first_event) as first_event_corporate,
        max(most_recent_event) as most_recent_event_corporate,
        cast(sum(number_of_orders) as bigint) as number_of_orders_corporate,
        min(first_order) as first_order_corporate,
        max(most_recent_order) as most_recent_order_corporate,
        min(created_at) as first_seen_at
    from marts.contacts
    where gaggle_id is not null and corporate_email is not null
    group by gaggle_id, corporate_email
)

-- the primary company has most people, then most events, then was seen first, then by name
select
    gaggle_id,
    corporate_email,
    row_number() over (
        partition by gaggle_id
        order by
            number_of_users_corporate desc,
            number_of_events_corporate desc,
            first_seen_at,
            corporate_email
    ) = 1 as is_primary,
    number_of_users_corporate,
    number_of_events_corporate,
    first_event_corporate,
    most_recent_event_corporate,
    number_of_orders_corporate,
    first_order_corporate,
    most_recent_order_corporate,
    first_seen_at
from companies
