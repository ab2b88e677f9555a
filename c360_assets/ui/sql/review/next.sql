-- One row: the first open suggestion after a rank; the first of all where there is none.
select *
from identity.merge_candidates
where old_key is not null
    and new_key is not null
    and ($kind is null or kind = $kind)
    and not list_contains($decided, kind || ' ' || old_key || '~' || new_key)
order by value_rank <= $after, value_rank
limit 1
