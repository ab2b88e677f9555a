-- One row if the journal has a decision: what became of it.
select outcome, explanation
from identity.merge_journal
where kind = $kind and source_file = $source_file and source_row = $source_row
