-- One row per valid postal address.
select
    r.address_id,
    r.address,
    r.zipcode,
    r.state,
    r.country
from raw.raw_address as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_address'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
