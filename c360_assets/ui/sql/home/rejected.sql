-- One row per raw table and reason for which rows of it were rejected, the most frequent first.
select source_table, reason, count(*) as number_of_rows
from ops.rejected_rows
group by source_table, reason
order by source_table, number_of_rows desc, reason
