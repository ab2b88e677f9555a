-- One row per pair of a recency and a frequency score: its segment.
select recency_score, frequency_score, rfm_segment
from marts.rfm_rules
order by recency_score desc, frequency_score
