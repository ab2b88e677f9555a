-- One row per pair of a recency and a frequency score: the rules of the history.
with lowest as (
    select 1 as score, cast(0 as double) as percentile_from
    union all
    select 2 as score, cut_2 as percentile_from from ops.rfm_cuts
    union all
    select 3 as score, cut_3 as percentile_from from ops.rfm_cuts
    union all
    select 4 as score, cut_4 as percentile_from from ops.rfm_cuts
    union all
    select 5 as score, cut_5 as percentile_from from ops.rfm_cuts
)

select
    g.recency_score,
    g.frequency_score,
    g.rfm_segment,
    r.percentile_from as recency_percentile_from,
    f.percentile_from as frequency_percentile_from
from ops.rfm_grid as g
inner join lowest as r on r.score = g.recency_score
inner join lowest as f on f.score = g.frequency_score
