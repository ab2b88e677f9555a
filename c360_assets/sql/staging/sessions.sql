-- One row per session id of events, for the sessions that start on the days of the swap.
-- They may end later: events are read up to $reading_end.
with session_events as (
    select
        e.session_id,
        e.user_id,
        e.timestamp as event_at,
        e.product_id,
        e.page_url,
        b.event_name as cart,
        c.event_name as checkout
    from staging.stg_events as e
    -- a day is counted here once it is rolled up, as everywhere else
    inner join ops.rolled_days as d on d.event_date = cast(e.timestamp as date)
    left join ops.cart_event_names as b on b.event_name = e.event_name
    left join ops.conversion_event_names as c on c.event_name = e.event_name
    where e.session_id is not null
        and e.timestamp >= $swap_start and e.timestamp < $reading_end
),

-- a session that started before and reaches into these days is whole already
under_way as (
    select session_id
    from staging.sessions
    where session_started_at < $swap_start and session_ended_at >= $swap_start
),

sessions as (
    select
        session_id,
        min(user_id) as user_id,
        max(user_id) as largest_user_id,
        min(event_at) as session_started_at,
        max(event_at) as session_ended_at,
        count(*) as event_count,
        count(cart) as number_of_carts,
        count(checkout) as number_of_checkouts,
        count(page_url) as number_of_pages
    from session_events
    where session_id not in (select w.session_id from under_way as w)
    group by session_id
),

-- apart, since count(distinct) beside the rest costs several times as much
products as (
    select session_id, count(*) as number_of_products
    from (
        select distinct session_id, product_id
        from session_events
        where product_id is not null
    ) as looked_at
    group by session_id
)

select
    s.session_id,
    cast(s.session_started_at as date) as session_date,
    s.user_id,
    case when s.largest_user_id <> s.user_id then s.largest_user_id end as other_user_id,
    s.session_started_at,
    s.session_ended_at,
    s.event_count,
    s.number_of_carts,
    s.number_of_checkouts,
    coalesce(p.number_of_products, 0) as number_of_products,
    s.number_of_pages
from sessions as s
left join products as p on p.session_id = s.session_id
where s.session_started_at < $swap_end
