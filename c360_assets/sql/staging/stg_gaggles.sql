-- One row per valid workspace.
select
    r.id as gaggle_id,
    r.name as gaggle_name,
    r.created_at
from raw.raw_gaggle as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_gaggle'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
