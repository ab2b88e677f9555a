-- One row per web session, newest first; at least one, for `total`.
with mine as (
    select
        session_started_at as happened_at,
        session_id as entry_id,
        account_user_id as account_id,
        session_duration,
        event_count,
        pages_per_session,
        products_per_session,
        has_conversion
    from marts.fct_sessions
    -- the sessions of an account lie together in the copy; those of a contact do not
    where user_id = $user_id and account_user_id in (select unnest($accounts))
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
