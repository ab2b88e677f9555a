-- One row per day, kind, and the last day before on which those were active: how many.
-- In any range those are active for the first time who were last active before it: added up over
-- its days they are counted once each, without looking at anybody.
with users as (
    select a.event_date as kpi_date, 'users' as kind, i.contact_user_id as id
    from staging.user_event_days as a
    inner join identity.user_identity as i on i.user_id = a.user_id
),

gaggles as (
    select distinct a.event_date as kpi_date, 'gaggles' as kind, u.gaggle_id as id
    from staging.user_event_days as a
    inner join staging.stg_users as u on u.user_id = a.user_id
    where u.gaggle_id is not null
),

days as (
    select kpi_date, kind, id from users
    union all
    select kpi_date, kind, id from gaggles
),

in_turn as (
    select
        kpi_date,
        kind,
        lag(kpi_date) over (partition by kind, id order by kpi_date) as previous_date
    from days
)

select kpi_date, kind, previous_date, count(*) as number_active
from in_turn
-- a day on which two accounts of a person were active is one day
where previous_date is null or previous_date < kpi_date
group by kpi_date, kind, previous_date
