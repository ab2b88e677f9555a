-- One row per valid sales opportunity.
with valid_deals as (
    select r.*
    from raw.deals as r
    where not exists (
        select 1
        from ops.skipped_rows as s
        where s.source_table = 'deals'
            and s.source_file = r.source_file
            and s.source_row = r.source_row
    )
),

normalised as (
    select
        v.*,
        coalesce(a.email, regexp_replace(lower(trim(v.email)), '[.]$', '')) as normal_email
    from valid_deals as v
    left join ops.address_forms as a on a.raw_email = v.email
)

select
    close_date,
    amount,
    deal_name,
    lower(trim(deal_stage)) as stage,
    normal_email as email,
    split_part(normal_email, '@', 2) as email_domain
from normalised
