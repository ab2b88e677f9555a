-- One row per account of the swapped days: its days added up.
-- An account that only gained days keeps its totals and has the new days added; one that had a
-- row on a swapped day before is added up anew, since a minimum or maximum cannot be taken back.
with rebuilt_users as (
    select distinct user_id
    from staging.replaced_event_days
),

gained_days as (
    select d.*
    from staging.new_event_days as d
    where not exists (select 1 from rebuilt_users as r where r.user_id = d.user_id)
),

known_totals as (
    select t.*
    from staging.user_event_totals as t
    where t.user_id in (select g.user_id from gained_days as g)
),

rebuilt_days as (
    select d.*
    from staging.user_event_days as d
    inner join rebuilt_users as r on r.user_id = d.user_id
),

parts as (
    select
        user_id, number_of_events, first_event, most_recent_event,
        number_of_orders, first_order, most_recent_order, sales_total
    from gained_days
    union all
    select
        user_id, number_of_events, first_event, most_recent_event,
        number_of_orders, first_order, most_recent_order, sales_total
    from known_totals
    union all
    select
        user_id, number_of_events, first_event, most_recent_event,
        number_of_orders, first_order, most_recent_order, sales_total
    from rebuilt_days
)

select
    user_id,
    cast(sum(number_of_events) as bigint) as number_of_events,
    min(first_event) as first_event,
    max(most_recent_event) as most_recent_event,
    cast(sum(number_of_orders) as bigint) as number_of_orders,
    min(first_order) as first_order,
    max(most_recent_order) as most_recent_order,
    cast(sum(sales_total) as decimal(38, 2)) as sales_total
from parts
group by user_id
