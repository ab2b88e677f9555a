-- One row: the day up to which the data goes; null where nothing has happened yet.
select max(kpi_date) as day
from marts.kpi_total_days
