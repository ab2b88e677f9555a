-- One row per account, day and event name, newest first; at least one, for `total`.
with mine as (
    select
        most_recent_event as happened_at,
        concat(user_id, ' ', event_name, ' ', cast(event_date as varchar)) as entry_id,
        user_id as account_id,
        event_name,
        number_of_events,
        first_event
    from staging.user_event_name_days
    where user_id in (select unnest($accounts))
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*
from (select count(*) as total from mine) as t
left join shown as s on true
order by s.happened_at desc, s.entry_id
