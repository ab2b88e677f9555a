-- One row per contact with an order at or before the as-of time.
with clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        -- greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

-- the contact's totals hold unless the clock stands before its last order
up_to_date as (
    select
        c.user_id,
        k.as_of,
        c.most_recent_order,
        c.number_of_orders as frequency,
        c.sales_total as monetary
    from marts.contacts as c
    cross join clock as k
    where c.most_recent_order <= k.as_of
),

ordered_later as (
    select i.user_id, i.contact_user_id, k.as_of
    from marts.contacts as c
    cross join clock as k
    inner join identity.user_identity as i on i.contact_user_id = c.user_id
    where c.most_recent_order > k.as_of
),

recounted as (
    select
        l.contact_user_id as user_id,
        l.as_of,
        max(o.ordered_at) as most_recent_order,
        count(*) as frequency,
        sum(o.sales_total) as monetary
    from staging.stg_orders as o
    -- distinct makes the engine look first whether anybody ordered later
    inner join (select distinct user_id, contact_user_id, as_of from ordered_later) as l
        on l.user_id = o.user_id
    where o.ordered_at <= l.as_of
    group by l.contact_user_id, l.as_of
),

facts as (
    select user_id, as_of, most_recent_order, frequency, monetary from up_to_date
    union all
    select user_id, as_of, most_recent_order, frequency, monetary from recounted
),

measures as (
    select
        user_id,
        as_of,
        cast(floor((epoch(as_of) - epoch(most_recent_order)) / 60) as bigint) as recency,
        frequency,
        monetary
    from facts
),

percentiles as (
    select
        user_id,
        as_of,
        recency,
        frequency,
        monetary,
        percent_rank() over (order by recency desc) as recency_percentile,
        percent_rank() over (order by frequency) as frequency_percentile,
        case
            when monetary is not null
                then percent_rank() over (
                    partition by monetary is null order by monetary nulls last
                )
        end as monetary_percentile
    from measures
),

scores as (
    select
        p.*,
        case
            when p.recency_percentile >= c.cut_5 then 5
            when p.recency_percentile >= c.cut_4 then 4
            when p.recency_percentile >= c.cut_3 then 3
            when p.recency_percentile >= c.cut_2 then 2
            else 1
        end as recency_score,
        case
            when p.frequency_percentile >= c.cut_5 then 5
            when p.frequency_percentile >= c.cut_4 then 4
            when p.frequency_percentile >= c.cut_3 then 3
            when p.frequency_percentile >= c.cut_2 then 2
            else 1
        end as frequency_score,
        case
            when p.monetary_percentile is null then null
            when p.monetary_percentile >= c.cut_5 then 5
            when p.monetary_percentile >= c.cut_4 then 4
            when p.monetary_percentile >= c.cut_3 then 3
            when p.monetary_percentile >= c.cut_2 then 2
            else 1
        end as monetary_score
    from percentiles as p
    cross join ops.rfm_cuts as c
)

select
    s.user_id,
    s.as_of,
    s.recency,
    s.frequency,
    cast(s.monetary as decimal(38, 2)) as monetary,
    s.recency_percentile,
    s.frequency_percentile,
    s.monetary_percentile,
    s.recency_score,
    s.frequency_score,
    s.monetary_score,
    g.rfm_segment
from scores as s
inner join ops.rfm_grid as g
    on g.recency_score = s.recency_score and g.frequency_score = s.frequency_score
