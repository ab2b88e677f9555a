-- One row per attribute of profiles that may be shown.
select
    f.name,
    f.type,
    f.unit,
    f.description,
    f.source,
    f.window_name,
    f.kind,
    f.definition,
    f.is_own
from marts.profile_fields as f
-- a text attribute that nobody vouched for is in no view
where f.name in (
    select column_name
    from duckdb_columns()
    where schema_name = 'marts' and table_name = 'customer_profiles'
        and database_name <> 'published'
)
order by f.position
