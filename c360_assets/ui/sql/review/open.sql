-- One row: how many suggested pairs nobody has decided, in all and after a rank.
select
    count(*) as total,
    count(*) filter (where kind = 'user') as people,
    count(*) filter (where kind = 'domain') as companies,
    count(*) filter (where value_rank > $after and ($kind is null or kind = $kind)) as remaining
from identity.merge_candidates
where old_key is not null
    and new_key is not null
    and not list_contains($decided, kind || ' ' || old_key || '~' || new_key)
