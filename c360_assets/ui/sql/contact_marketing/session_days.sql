-- One row per day on which the person began a web session.
select cast(session_started_at as date) as day, count(*) as sessions
from marts.fct_sessions
-- the sessions of an account lie together in the copy; those of a contact do not
where user_id = $user_id and account_user_id in (select unnest($accounts))
group by cast(session_started_at as date)
order by day
