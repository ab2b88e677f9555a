"""Writing one table: replaced whole, by a query or by rows, and held against its contract.

Belongs here: statements on a connection that somebody else opened, inside their transaction. Not
here: connections and transactions (`duckdb`, `session`).
"""

from __future__ import annotations

from typing import Any

import duckdb

from c360_assets.contracts import Table
from c360_assets.errors import WarehouseError
from c360_assets.warehouse.queries import Query


def replace_table(connection: duckdb.DuckDBPyConnection, table: Table, query: Query) -> int:
    """Replace the whole table by what the query selects; returns its number of rows.

    Raises:
        WarehouseError: the result's columns or types are not those of the contract.
    """
    drop_other_kind(connection, table, "table")
    connection.execute(f"create or replace table {table.qualified_name} as {query.text}")
    require_contract(connection, table)
    return row_count(connection, table)


def replace_view(connection: duckdb.DuckDBPyConnection, table: Table, query: Query) -> None:
    """Replace the view by the query; its rows are not counted, since that would run it."""
    drop_other_kind(connection, table, "view")
    connection.execute(f"create or replace view {table.qualified_name} as {query.text}")
    require_contract(connection, table)


def drop_other_kind(connection: duckdb.DuckDBPyConnection, table: Table, kind: str) -> None:
    """Drop a view that stands where a table will, or the other way round."""
    other = "view" if kind == "table" else "table"
    if _exists(connection, table, other):
        connection.execute(f"drop {other} {table.qualified_name}")


def table_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Names and types of the columns that the table has, in order; empty where there is none."""
    # the catalog of columns is slow to ask where some tables have hundreds of them
    return _columns(connection, table) if _exists(connection, table, "table") else {}


def _exists(connection: duckdb.DuckDBPyConnection, table: Table, kind: str) -> bool:
    found = connection.execute(
        f"select 1 from duckdb_{kind}s() where database_name = current_database()"
        f" and schema_name = ? and {kind}_name = ?",
        [table.layer, table.name],
    ).fetchall()
    return bool(found)


def _columns(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    # `describe` gives a view's column the case of what it selects, not that of its alias
    cursor = connection.execute(f"select * from {table.qualified_name} limit 0")
    return {name: str(kind) for name, kind, *_ in cursor.description or ()}


def create_empty(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create the table with the contract's columns where it is missing."""
    columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    connection.execute(f"create table if not exists {table.qualified_name} ({columns})")


def replace_rows(connection: duckdb.DuckDBPyConnection, table: Table, frame: Any) -> None:
    """Replace a table that Python made by the rows of a data frame with the contract's columns.

    Raises:
        WarehouseError: the columns' types are not those of the contract.
    """
    connection.register("new_rows", frame)
    columns = ", ".join(
        f"cast({column.name} as {column.type}) as {column.name}" for column in table.columns
    )
    connection.execute(
        f"create or replace table {table.qualified_name} as"
        f" select {columns} from new_rows order by {', '.join(table.key)}"
    )
    connection.unregister("new_rows")
    require_contract(connection, table)


def require_contract(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Raise WarehouseError unless the table has the contract's columns with their types."""
    found = _columns(connection, table)
    wrong = [
        f"{column.name} is {found.get(column.name, 'missing')}, must be {column.type}"
        for column in table.columns
        if found.get(column.name) != column.type
    ]
    if wrong:
        raise WarehouseError(
            f"{table.qualified_name} breaks the contract: {'; '.join(wrong)}; "
            f"mend sql/{table.layer}/{table.name}.sql or the contract"
        )


def row_count(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """The number of rows of the table."""
    rows = connection.execute(f"select count(*) from {table.qualified_name}").fetchall()
    return int(rows[0][0])
