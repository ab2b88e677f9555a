-- One row per decision of the journal on the pair that a text names, the latest first.
select *
from identity.merge_journal
where old_key || '~' || new_key = $pair or new_key || '~' || old_key = $pair
order by decided_at desc nulls last, source_file desc, source_row desc
limit 20
