-- One row per full hour up to the clock and contact with an order by then.
-- The formula of rfm_segments on what each contact had ordered by the hour; filter by date_hour.
with facts as (
    select
        h.date_hour,
        s.user_id,
        -- on a full hour, whole minutes since the last order are those since its next full minute
        cast((epoch(h.date_hour) - epoch(s.last_order_minute)) / 60 as bigint) as recency,
        s.frequency,
        s.monetary
    from marts.rfm_hours as h
    inner join marts.rfm_customer_states as s
        on s.valid_from <= h.date_hour
        and coalesce(s.valid_to, timestamp '9999-12-31 00:00:00') > h.date_hour
),

-- percent_rank by distinct value: many contacts share one, and a join costs less than a sort
recency_counts as (
    select date_hour, recency, count(*) as customers
    from facts
    group by date_hour, recency
),

recency_ranks as (
    select
        date_hour,
        recency,
        sum(customers) over (partition by date_hour order by recency desc) - customers as ahead,
        sum(customers) over (partition by date_hour) - 1 as others
    from recency_counts
),

frequency_counts as (
    select date_hour, frequency, count(*) as customers
    from facts
    group by date_hour, frequency
),

frequency_ranks as (
    select
        date_hour,
        frequency,
        sum(customers) over (partition by date_hour order by frequency) - customers as ahead,
        sum(customers) over (partition by date_hour) - 1 as others
    from frequency_counts
),

monetary_counts as (
    select date_hour, monetary, count(*) as customers
    from facts
    where monetary is not null
    group by date_hour, monetary
),

monetary_ranks as (
    select
        date_hour,
        monetary,
        sum(customers) over (partition by date_hour order by monetary) - customers as ahead,
        sum(customers) over (partition by date_hour) - 1 as others
    from monetary_counts
),

percentiles as (
    select
        f.date_hour,
        f.user_id,
        f.recency,
        f.frequency,
        f.monetary,
        case when r.others = 0 then 0 else cast(r.ahead as double) / r.others end
            as recency_percentile,
        case when q.others = 0 then 0 else cast(q.ahead as double) / q.others end
            as frequency_percentile,
        case when m.others = 0 then 0 else cast(m.ahead as double) / m.others end
            as monetary_percentile
    from facts as f
    inner join recency_ranks as r on r.date_hour = f.date_hour and r.recency = f.recency
    inner join frequency_ranks as q on q.date_hour = f.date_hour and q.frequency = f.frequency
    left join monetary_ranks as m on m.date_hour = f.date_hour and m.monetary = f.monetary
),

cuts as (
    select
        max(case when recency_score = 2 then recency_percentile_from end) as cut_2,
        max(case when recency_score = 3 then recency_percentile_from end) as cut_3,
        max(case when recency_score = 4 then recency_percentile_from end) as cut_4,
        max(case when recency_score = 5 then recency_percentile_from end) as cut_5
    from marts.rfm_rules
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
    cross join cuts as c
)

select
    s.date_hour,
    s.user_id,
    s.date_hour as as_of,
    s.recency,
    s.frequency,
    s.monetary,
    s.recency_percentile,
    s.frequency_percentile,
    s.monetary_percentile,
    s.recency_score,
    s.frequency_score,
    s.monetary_score,
    g.rfm_segment
from scores as s
inner join marts.rfm_rules as g
    on g.recency_score = s.recency_score and g.frequency_score = s.frequency_score
