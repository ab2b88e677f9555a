-- One row per valid promotion.
select
    r.promo_id,
    r.discount,
    r.status
from raw.raw_promo as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_promo'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
