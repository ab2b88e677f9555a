-- One row per valid account.
with valid_users as (
    select r.*
    from raw.raw_user as r
    where not exists (
        select 1
        from ops.skipped_rows as s
        where s.source_table = 'raw_user'
            and s.source_file = r.source_file
            and s.source_row = r.source_row
    )
),

-- addresses beyond plain ASCII were normalised apart (NFKC and IDNA are not in SQL)
normalised as (
    select
        v.*,
        coalesce(a.email, regexp_replace(lower(trim(v.email)), '[.]$', '')) as normal_email
    from valid_users as v
    left join ops.address_forms as a on a.raw_email = v.email
)

select
    id as user_id,
    name as user_name,
    normal_email as email,
    split_part(normal_email, '@', 2) as email_domain,
    gaggle_id,
    created_at,
    phone,
    address_id,
    updated_at
from normalised
