"""The pipeline's identity and marts with other decisions than those of the last run, in memory.

Belongs here: two sets of tables, `before` and `after`, made by the pipeline's own SQL from the
published copy. Not here: what differs between the two (`plan`). Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pandas as pd

from c360_assets import contracts
from c360_assets.activation.objects import CRM_OBJECTS
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.resolution import steps
from c360_assets.settings import Settings
from c360_assets.warehouse.published import PUBLISHED, beside_published
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.rules import sync_rules
from c360_assets.warehouse.tables import create_empty, replace_table

BEFORE, AFTER = "before", "after"
# the marts that a decision can change, in the order in which they are made
_MARTS = (
    *("contacts", "gaggle_domain_facts", "gaggle_facts", "corporate_accounts", "rfm_segments"),
)


@dataclass(frozen=True)
class MergeRows:
    """Rows of merge files, `MergeFiles.user_rows` and `domain_rows`."""

    users: pd.DataFrame
    domains: pd.DataFrame

    def plus(self, other: MergeRows) -> MergeRows:
        """These rows and those of another."""
        return MergeRows(
            pd.concat([self.users, other.users], ignore_index=True),
            pd.concat([self.domains, other.domains], ignore_index=True),
        )

    def without(self, other: MergeRows) -> MergeRows:
        """These rows but for those of the files that the other's come from."""
        return MergeRows(
            self.users[~self.users["source_file"].isin(other.users["source_file"])],
            self.domains[~self.domains["source_file"].isin(other.domains["source_file"])],
        )


@contextmanager
def two_worlds(
    settings: Settings, now: MergeRows, then: MergeRows
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the catalogs `before` (the decisions `now`) and `after` (those of `then`).

    Each holds `identity.*`, `marts.*` of what decisions can change, and `crm.<object>`.

    Raises:
        NothingPublishedError: there are no accounts to decide about yet.
    """
    with beside_published(settings) as connection:
        for world, rows in ((BEFORE, now), (AFTER, then)):
            connection.execute(f"attach ':memory:' as {world}")
            connection.execute(f"use {world}")
            _build(connection, settings, rows)
        yield connection


def _build(connection: duckdb.DuckDBPyConnection, settings: Settings, rows: MergeRows) -> None:
    connection.execute(EMPTY_CATALOG)
    _borrow_staging(connection)
    sync_rules(connection, settings.rules, settings.clock, has_orders=False)
    steps.fold_decisions(connection, settings.rules, rows.users, rows.domains)
    steps.follow_contact_ids(connection)
    _replace(connection, "user_identity")
    steps.resolve_domains(connection, settings.rules)
    for name in _MARTS:
        _replace(connection, name)
    for each in CRM_OBJECTS:
        connection.execute(f"create or replace table crm.{each.name} as {each.select}")


def _borrow_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """Staging as it was published; what is not published (events and orders) stays empty."""
    there = {
        row[0]
        for row in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'staging'"
            f" and database_name = '{PUBLISHED}'"
        ).fetchall()
    }
    for table in contracts.STAGING_TABLES:
        if table.name in there:
            connection.execute(
                f"create or replace view {table.qualified_name} as"
                f" select * from {PUBLISHED}.{table.qualified_name}"
            )
        else:
            create_empty(connection, table)


def _replace(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    table = contracts.table(name)
    replace_table(connection, table, query(table.qualified_name))
