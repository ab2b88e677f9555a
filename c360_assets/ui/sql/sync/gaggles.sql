-- One row per gaggle id asked for that is there today.
select gaggle_id as id, gaggle_name
from marts.gaggle_facts
where gaggle_id in (select unnest($ids))
