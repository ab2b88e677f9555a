-- One row: the last lifetime values and the last profiles known at an hour (null: at the clock).
select
    (
        select max(scored_on)
        from marts.lifetime_value_history
        where scored_on <= cast($at as timestamp)
    ) as scored_on,
    -- a profile is that of its day's end
    (
        select max(profile_date)
        from marts.profile_days
        where cast($at as timestamp) is null or profile_date < cast(cast($at as timestamp) as date)
    ) as profile_date
