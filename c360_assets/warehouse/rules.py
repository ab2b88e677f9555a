"""Business rules as tables that the SQL joins, kept equal to the settings.

Schema `ops`: `personal_domains`, `rfm_cuts`, `rfm_grid`, `order_event_names`, `clock`.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from c360_assets.settings import Rules

TABLES = """
create table if not exists ops.rules_version (version varchar);
create table if not exists ops.personal_domains (email_domain varchar);
create table if not exists ops.rfm_cuts (cut_2 double, cut_3 double, cut_4 double, cut_5 double);
create table if not exists ops.rfm_grid (
    recency_score integer, frequency_score integer, rfm_segment varchar
);
create table if not exists ops.order_event_names (event_name varchar);
create table if not exists ops.clock (as_of timestamp);
"""


def sync_rules(
    connection: duckdb.DuckDBPyConnection, rules: Rules, clock: datetime | None, has_orders: bool
) -> None:
    """Make the rule tables say what the settings say; nothing is written where they do already.

    `clock` is naive UTC, or None for the newest event or order. With `has_orders` (there is a
    `raw_order` table) no event counts as an order.
    """
    connection.execute(TABLES)
    version = f"{rules.model_dump_json()}|{clock}|{has_orders}"
    if connection.execute("select version from ops.rules_version").fetchall() == [(version,)]:
        return
    names = () if has_orders else rules.orders.event_names
    grid = [
        (r, f, rules.rfm.segment_of(r, f)) for r in range(1, 6) for f in range(1, 6)
    ]
    _refill(connection, "personal_domains", [(d,) for d in rules.domains.all_personal])
    _refill(connection, "order_event_names", [(name,) for name in names])
    _refill(connection, "rfm_cuts", [tuple(float(cut) for cut in rules.rfm.cuts)])
    _refill(connection, "rfm_grid", grid)
    _refill(connection, "clock", [(clock,)])
    _refill(connection, "rules_version", [(version,)])


def _refill(
    connection: duckdb.DuckDBPyConnection, name: str, rows: list[tuple[object, ...]]
) -> None:
    connection.execute(f"delete from ops.{name}")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        values = ", ".join(f"({marks})" for _ in rows)
        connection.execute(
            f"insert into ops.{name} values {values}", [value for row in rows for value in row]
        )
