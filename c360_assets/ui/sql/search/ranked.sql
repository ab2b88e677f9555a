-- One row per person, company or gaggle with one of these ids, the most active first.
select kind, object_id, user_id, value_rank
from marts.search_index
where object_id in (select unnest($object_ids))
order by value_rank
