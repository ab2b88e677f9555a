-- One row per suggested pair that has one of these keys on either side: those that others may join.
select kind, old_key, new_key
from identity.merge_candidates
where list_contains($keys, kind || ' ' || old_key) or list_contains($keys, kind || ' ' || new_key)
