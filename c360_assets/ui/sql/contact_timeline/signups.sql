-- One row per account of the person, the newest first; at least one, for `total`.
with mine as (
    select created_at as happened_at, user_id as entry_id, user_id as account_id, email, gaggle_id
    from staging.stg_users
    where user_id in (select unnest($accounts))
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*, g.gaggle_name
from (select count(*) as total from mine) as t
left join shown as s on true
left join staging.stg_gaggles as g on g.gaggle_id = s.gaggle_id
order by s.happened_at desc, s.entry_id
