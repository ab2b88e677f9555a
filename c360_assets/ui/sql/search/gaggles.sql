-- One row per gaggle of the list.
select
    gaggle_id,
    gaggle_name,
    corporate_email,
    number_of_users as number_of_people,
    number_of_orders,
    number_of_events
from marts.gaggle_facts
where gaggle_id in (select unnest($gaggle_ids))
