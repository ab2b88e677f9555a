-- One row for a value of a dimension, if any day has it: its name for people.
select max(dimension_label) as dimension_label
from marts.kpi_daily
where dimension = $dimension and dimension_value = $value
having count(*) > 0
