-- One row: the suggested pair that a text names, `old~new` or `new~old`.
select *, new_key || '~' || old_key = $pair as is_swapped
from identity.merge_candidates
where old_key || '~' || new_key = $pair or new_key || '~' || old_key = $pair
limit 1
