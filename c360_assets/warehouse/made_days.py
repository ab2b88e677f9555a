"""Tables that are made day by day: only the days whose inputs changed are made again.

A day's inputs are told from their fingerprint, a sum of hashes over the rows that the day is made
of: reading them once is many times cheaper than joining and counting them. Belongs here: telling
which days changed, and making them. Not here: what a day is made of (`kpi_days`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import duckdb

from c360_assets.contracts import Table
from c360_assets.days import in_days
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import create_empty, require_contract, table_columns


def changed_days(
    connection: duckdb.DuckDBPyConnection, table: Table, inputs: str, version: str = ""
) -> list[date]:
    """The days whose inputs are not those that they were made of, and days that have none left.

    `inputs` is a SELECT of (made_date, row_hash), a row for each row that a day is made of. What
    all days rest on goes into `version`; so does the table's SELECT.
    """
    if not table_columns(connection, table):
        forget_days(connection, table)
    text = f"{query(table.qualified_name).text}|{version}"
    connection.execute(
        "create or replace temp table input_days as"
        " select made_date, ? || '|' || cast(sum(row_hash) as varchar) as fingerprint"
        f" from ({inputs}) as i group by made_date",
        [hashlib.sha256(text.encode()).hexdigest()],
    )
    rows = connection.execute(
        """
        select coalesce(i.made_date, m.made_date) as made_date
        from input_days as i
        full join (select * from ops.made_days where table_name = ?) as m
            on m.made_date = i.made_date
        where i.fingerprint is distinct from m.fingerprint
        order by made_date
        """,
        [table.name],
    ).fetchall()
    return [row[0] for row in rows]


def make_days(
    connection: duckdb.DuckDBPyConnection, table: Table, day: str, days: Sequence[date]
) -> None:
    """Make these days again, as `changed_days` gave them just before, by the table's SELECT.

    The SELECT reads the days from `ops.days_to_make`; `day` is the column that holds the day.

    Raises:
        WarehouseError: the table's columns or types are not those of the contract.
    """
    name = table.qualified_name
    kept = connection.execute(
        "select 1 from ops.made_days where table_name = ?"
        " and made_date not in (select unnest(?::date[])) limit 1",
        [table.name, list(days)],
    ).fetchall()
    if not kept:
        # a fresh table: deleted rows would leave the file larger
        connection.execute(f"drop table if exists {name}")
    create_empty(connection, table)
    if days:
        connection.execute("delete from ops.days_to_make")
        connection.execute("insert into ops.days_to_make select unnest(?::date[])", [list(days)])
        if kept:
            connection.execute(f"delete from {name} where {in_days(day, days)}")
        connection.execute(f"insert into {name} by name {query(name).text}")
        connection.execute("delete from ops.days_to_make")
        forget_days(connection, table, days)
        connection.execute(
            "insert into ops.made_days select ?, made_date, fingerprint from input_days"
            f" where {in_days('made_date', days)}",
            [table.name],
        )
    require_contract(connection, table)
    connection.execute("drop table if exists input_days")


def forget_days(
    connection: duckdb.DuckDBPyConnection, table: Table, days: Sequence[date] | None = None
) -> None:
    """Let these days, by default all, be made again the next time."""
    which = "true" if days is None else in_days("made_date", days)
    connection.execute(
        f"delete from ops.made_days where table_name = ? and ({which})", [table.name]
    )
