-- One row per valid order and product.
select
    r.order_id,
    r.product_id,
    r.quantity
from raw.raw_order_item as r
where not exists (
    select 1
    from ops.skipped_rows as s
    where s.source_table = 'raw_order_item'
        and s.source_file = r.source_file
        and s.source_row = r.source_row
)
