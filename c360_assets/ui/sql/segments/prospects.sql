-- One row: how many contacts were known at a time, and had ordered nothing by then.
select count(*) as prospects
from marts.contacts
where created_at <= cast($at as timestamp)
    and coalesce(first_order > cast($at as timestamp), true)
