-- One row: the first and last full hour of the history, the clock, and whether amounts are known.
select
    (select min(date_hour) from marts.rfm_hours) as first_hour,
    (select max(date_hour) from marts.rfm_hours) as last_hour,
    (select max(as_of) from marts.rfm_segments) as as_of,
    (select count(monetary) > 0 from marts.rfm_segments) as has_money
