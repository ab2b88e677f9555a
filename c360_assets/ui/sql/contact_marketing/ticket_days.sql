-- One row per day on which the person opened a support ticket, from whichever address.
select cast(created_at as date) as day, count(*) as tickets
from staging.stg_tickets
where email in (select unnest($emails))
group by cast(created_at as date)
order by day
