-- One row per segment, prospects among them: who was in it when a day ended.
select rfm_segment, customers, monetary
from marts.rfm_segment_days
where day = cast($day as date)
