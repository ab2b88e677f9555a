-- One row per valid product.
select
    r.product_id,
    r.name as product_name,
    r.price,
    r.inventory
from raw.raw_product as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_product'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
