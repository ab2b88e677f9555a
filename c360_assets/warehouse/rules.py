"""Business rules as tables that the SQL joins, kept equal to the settings.

Schema `ops`: `rfm_cuts`, `rfm_grid`, `order_event_names`, `clock`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from c360_assets.settings import Rules


def sync_rules(
    connection: duckdb.DuckDBPyConnection, rules: Rules, clock: datetime | None, has_orders: bool
) -> None:
    """Make the rule tables say what the settings say; nothing is written where they do already.

    `clock` is naive UTC, or None for the newest event or order. With `has_orders` (there is a
    `raw_order` table) no event counts as an order.
    """
    version = f"{rules.model_dump_json()}|{clock}|{has_orders}"
    if connection.execute("select version from ops.rules_version").fetchall() == [(version,)]:
        return
    names = () if has_orders else rules.orders.event_names
    _dirty_days_if_orders_change(connection, names)
    grid = [(r, f, rules.rfm.segment_of(r, f)) for r in range(1, 6) for f in range(1, 6)]
    _refill(connection, "order_event_names", [(name,) for name in names])
    _refill(connection, "rfm_cuts", [tuple(float(cut) for cut in rules.rfm.cuts)])
    _refill(connection, "rfm_grid", grid)
    _refill(connection, "clock", [(clock,)])
    _refill(connection, "rules_version", [(version,)])


def _dirty_days_if_orders_change(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> None:
    """Other events count as orders from now on: every rolled day must be rolled up again."""
    known = connection.execute("select event_name from ops.order_event_names").fetchall()
    if {name for (name,) in known} != set(names):
        connection.execute("insert into ops.stale_days select event_date from ops.rolled_days")


def _refill(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[object, ...]]
) -> None:
    connection.execute(f"delete from ops.{name}")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        values = ", ".join(f"({marks})" for _ in rows)
        connection.execute(
            f"insert into ops.{name} values {values}", [value for row in rows for value in row]
        )
