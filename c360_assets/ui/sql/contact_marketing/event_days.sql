-- One row per day on which the person did something, on whichever account.
select event_date as day, sum(number_of_events) as events
from staging.user_event_name_days
where user_id in (select unnest($accounts))
group by event_date
order by day
