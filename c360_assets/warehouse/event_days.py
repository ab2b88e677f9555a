"""The rollup of events and orders: days swapped in one transaction, totals kept exact.

`user_event_days` holds a row per account and day; `user_event_totals` adds them up per account, so
that nothing above ever reads all days. Swapping days changes the totals of the accounts on them
alone: an account that only gained rows has them added, one that lost or changed a row is added up
anew. The result is that of a rebuild, whatever came in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from c360_assets import contracts
from c360_assets.days import in_days, spans
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import create_empty, require_contract

DAYS = contracts.table("user_event_days")
TOTALS = contracts.table("user_event_totals")
# a month at once is a quarter faster than all days, and bounds the memory of a long history
DAYS_AT_ONCE = 31
Narrow = Callable[[Sequence[date]], AbstractContextManager[None]]


@dataclass(frozen=True)
class Swapped:
    """What a swap did: the days asked for, and stale ones mended with them."""

    days: tuple[date, ...]
    mended_days: tuple[date, ...]
    rows: int
    rebuilt_users: int


def swap_days(
    connection: duckdb.DuckDBPyConnection, days: Sequence[date], run_id: str, narrow: Narrow
) -> Swapped:
    """Replace these days, and every rolled day whose sources changed since, then the totals.

    Runs inside the caller's transaction. `narrow(days)` is entered round the reading of
    them, so that the raw views may leave out files that do not touch these days.
    """
    _prepare(connection)
    _note_repriced_days(connection)
    mended = _stale_days(connection, days)
    wanted = sorted({*days, *mended})
    rebuilt = _set_replaced_apart(connection, wanted)
    _delete_days(connection, wanted)
    with narrow(wanted):
        for first, last in portions(wanted):
            connection.execute(
                f"insert into {DAYS.qualified_name} by name {query(DAYS.qualified_name).text}",
                {"partition_start": first, "partition_end": last + timedelta(days=1)},
            )
    require_contract(connection, DAYS)
    _refresh_totals(connection, wanted)
    _remember(connection, wanted, run_id)
    rows = connection.execute(
        f"select count(*) from {DAYS.qualified_name} where {in_days('event_date', wanted)}"
    ).fetchall()
    return Swapped(tuple(days), tuple(mended), int(rows[0][0]), rebuilt)


def portions(days: Sequence[date]) -> list[tuple[date, date]]:
    """The spans of the days in pieces of at most DAYS_AT_ONCE, so that their groups fit memory."""
    return [
        (start, min(start + timedelta(days=DAYS_AT_ONCE - 1), last))
        for first, last in spans(days)
        for start in (
            first + timedelta(days=n) for n in range(0, (last - first).days + 1, DAYS_AT_ONCE)
        )
    ]


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    create_empty(connection, DAYS)
    create_empty(connection, TOTALS)


def _note_repriced_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Another discount of a promotion makes the rolled days with orders under it stale."""
    now = "select promo_id, discount from staging.stg_promos"
    rolled = "select promo_id, discount from ops.rolled_promos"
    repriced = f"({now} except {rolled}) union all ({rolled} except {now})"
    if not connection.execute(f"select 1 from ({repriced}) limit 1").fetchall():
        return
    if connection.execute("select 1 from ops.rolled_days limit 1").fetchall():
        connection.execute(
            "insert into ops.stale_days select distinct cast(ordered_at as date)"
            f" from staging.stg_orders where promo_id in (select promo_id from ({repriced}))"
        )
    connection.execute(f"delete from ops.rolled_promos; insert into ops.rolled_promos {now}")


def _stale_days(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> list[date]:
    rows = connection.execute(
        "select distinct event_date from ops.stale_days"
        " where event_date in (select event_date from ops.rolled_days)"
        " and event_date not in (select unnest(?::date[])) order by event_date",
        [list(days)],
    ).fetchall()
    return [row[0] for row in rows]


def _set_replaced_apart(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> int:
    connection.execute(
        "create or replace table staging.replaced_event_days as"
        f" select distinct user_id from {DAYS.qualified_name} where {in_days('event_date', days)}"
    )
    rows = connection.execute("select count(*) from staging.replaced_event_days").fetchall()
    return int(rows[0][0])


def _delete_days(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    others = connection.execute(
        f"select 1 from {DAYS.qualified_name} where not ({in_days('event_date', days)}) limit 1"
    ).fetchall()
    if others:
        connection.execute(f"delete from {DAYS.qualified_name} where {in_days('event_date', days)}")
    else:
        # a fresh table: deleted rows would leave the file twice as large
        connection.execute(f"drop table {DAYS.qualified_name}")
        connection.execute(f"drop table {TOTALS.qualified_name}")
        connection.execute("delete from staging.replaced_event_days")
        _prepare(connection)


def _refresh_totals(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    connection.execute(
        "create or replace view staging.new_event_days as"
        f" select * from {DAYS.qualified_name} where {in_days('event_date', days)}"
    )
    refreshed = query(TOTALS.qualified_name).text
    if connection.execute(f"select 1 from {TOTALS.qualified_name} limit 1").fetchall():
        connection.execute(f"create or replace temp table refreshed_totals as {refreshed}")
        connection.execute(
            f"delete from {TOTALS.qualified_name} where user_id in"
            " (select user_id from refreshed_totals union all"
            " select user_id from staging.replaced_event_days)"
        )
        refreshed = "select * from refreshed_totals"
    connection.execute(f"insert into {TOTALS.qualified_name} by name {refreshed}")
    connection.execute("drop table if exists refreshed_totals")
    require_contract(connection, TOTALS)
    connection.execute("drop view staging.new_event_days")
    connection.execute("drop table staging.replaced_event_days")


def _remember(connection: duckdb.DuckDBPyConnection, days: Sequence[date], run_id: str) -> None:
    for relation in ("rolled_days", "stale_days"):
        connection.execute(
            f"delete from ops.{relation} where event_date in (select unnest(?::date[]))",
            [list(days)],
        )
    connection.execute(
        "insert into ops.rolled_days select unnest(?::date[]), ?", [list(days), run_id]
    )
    # a day that came and went between two rollups is nobody's
    connection.execute(
        "delete from ops.stale_days"
        " where event_date not in (select event_date from ops.rolled_days) and event_date not in"
        " (select event_date from ops.source_file_days where event_date is not null)"
    )
