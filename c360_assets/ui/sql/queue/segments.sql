-- One row per segment with open tickets.
select coalesce(rfm_segment, '(unknown sender)') as rfm_segment, count(*) as tickets
from marts.support_queue
group by all
order by tickets desc, rfm_segment
