-- One row: a decision of the journal by its file and row.
select *
from identity.merge_journal
where kind = $kind and source_file = $source_file and source_row = $source_row
