-- One row per merge decision that waits for its people or companies, or was refused.
select kind, source_file, source_row, old_key, new_key, outcome, outcome_reason, explanation
from identity.merge_journal
where outcome in ('pending', 'refused')
order by outcome desc, kind desc, source_file, source_row
