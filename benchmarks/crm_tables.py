"""The tables of the published copy that CRM syncs read, empty: who measures or tests fills them."""

from __future__ import annotations

import duckdb

from c360_assets.contracts import table
from c360_assets.warehouse.tables import create_empty

READ = (
    *("contacts", "corporate_accounts", "gaggle_facts", "rfm_segments", "customer_lifetime_value"),
    *("profile_days", "support_queue", "contact_id_history", "domain_identity"),
)
# no contract names its columns: they are those of the attributes in c360.toml
PROFILES = (
    "create table marts.customer_profiles"
    " (client_customer_id varchar, profile_date date, LIFECYCLE_STAGE varchar)"
)


def create_published(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and the empty tables."""
    connection.execute("create schema marts; create schema identity")
    for name in READ:
        create_empty(connection, table(name))
    connection.execute(PROFILES)
