"""What attributes count, by account and day: `ops.attribute_event_days`, kept day by day.

The days follow those of `user_event_days`: a day that was rolled up anew since is counted anew. So
is one whose order lines changed, which the rollup of events and orders does not look at.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import duckdb

from c360_assets.days import in_days
from c360_assets.warehouse.event_days import Narrow, portions

TABLE = "ops.attribute_event_days"
_ALWAYS = {"first": date(1, 1, 1), "end": date(9999, 12, 31)}


def count_days(
    connection: duckdb.DuckDBPyConnection, select: str, version: str, narrow: Narrow
) -> list[date]:
    """Count the days that are new or were rolled up anew, and all where `version` is another.

    `select` gives rows of (user_id, fact_date, measures) from $first to before $end. `narrow(days)`
    is entered round the reading of them. Returns the days.
    """
    _prepare(connection, select, version)
    _forget_days_of_other_items(connection)
    changed = _changed_days(connection)
    if not changed:
        return []
    connection.execute(f"delete from {TABLE} where {in_days('fact_date', changed)}")
    with narrow(changed):
        for first, last in portions(changed):
            connection.execute(
                f"insert into {TABLE} by name {select}",
                {"first": first, "end": last + timedelta(days=1)},
            )
    connection.execute(
        "delete from ops.attribute_days;"
        " insert into ops.attribute_days select * from ops.rolled_days"
    )
    return changed


def _prepare(connection: duckdb.DuckDBPyConnection, select: str, version: str) -> None:
    if not is_new_version(connection, "days", version):
        return
    connection.execute(
        f"create or replace table {TABLE} as select * from ({select}) as s limit 0",
        {"first": date(1, 1, 1), "end": date(1, 1, 1)},
    )
    connection.execute("delete from ops.attribute_days")
    remember_version(connection, "days", version)


def is_new_version(connection: duckdb.DuckDBPyConnection, kind: str, version: str) -> bool:
    """Whether what was made last was made under another version."""
    known = connection.execute(
        "select version from ops.attribute_versions where kind = ?", [kind]
    ).fetchall()
    return known != [(version,)]


def remember_version(connection: duckdb.DuckDBPyConnection, kind: str, version: str) -> None:
    """Note under which version something is made."""
    connection.execute("delete from ops.attribute_versions where kind = ?", [kind])
    connection.execute("insert into ops.attribute_versions values (?, ?)", [kind, version])


def _forget_days_of_other_items(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget the days whose order lines are others than before; looks where their files changed."""
    files = connection.execute(
        "select source_table, source_file, fingerprint from ops.source_files"
        " where source_table in ('raw_order_item', 'raw_product') order by all"
    ).fetchall()
    version = hashlib.sha256(repr(files).encode()).hexdigest()
    if not is_new_version(connection, "items", version):
        return
    connection.execute(
        """
        create or replace temp table item_days as
        select cast(o.ordered_at as date) as event_date,
            bit_xor(hash(i.order_id, i.product_id, i.quantity, p.product_name, p.price)) as lines
        from staging.stg_order_items as i
        inner join staging.stg_orders as o on o.order_id = i.order_id
        left join staging.stg_products as p on p.product_id = i.product_id
        group by cast(o.ordered_at as date)
        """
    )
    connection.execute(
        """
        delete from ops.attribute_days where event_date in (
            select coalesce(n.event_date, k.event_date) from item_days as n
            full join ops.attribute_item_days as k on k.event_date = n.event_date
            where n.lines is distinct from k.lines
        )
        """
    )
    connection.execute("delete from ops.attribute_item_days")
    connection.execute(
        "insert into ops.attribute_item_days select event_date, lines from item_days"
    )
    remember_version(connection, "items", version)


def _changed_days(connection: duckdb.DuckDBPyConnection) -> list[date]:
    rows = connection.execute(
        """
        select coalesce(r.event_date, a.event_date) as day
        from ops.rolled_days as r
        full join ops.attribute_days as a
            on a.event_date = r.event_date and a.rolled_by = r.rolled_by
        where r.event_date is null or a.event_date is null
        group by day order by day
        """
    ).fetchall()
    return [row[0] for row in rows]


def other_days(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """The temp table `other_days`: rows of contacts, of sources that are small and read whole."""
    connection.execute(f"create or replace temp table other_days as {select}", _ALWAYS)
