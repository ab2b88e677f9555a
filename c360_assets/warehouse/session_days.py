"""The rollup of sessions and event names: only the days that were rolled up anew are read again.

Follows `user_event_days`: a day is rolled up here once it is rolled up there, and again whenever it
is. The unit of a swap is the day on which sessions start. Since a session may go on past midnight,
a changed day also brings in the days on which the sessions in it started, and is read together with
the days into which sessions of the swap reach. The result is that of a rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from c360_assets import contracts
from c360_assets.days import in_days
from c360_assets.warehouse.event_days import Narrow, portions
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import create_empty, require_contract

SESSIONS = contracts.table("sessions")
# by the column that holds the day; sessions come first, since two of the others read them
OF_SESSIONS = (
    SESSIONS,
    contracts.table("session_orders"),
    contracts.table("session_product_days"),
)
OF_EVENT_NAMES = (contracts.table("event_name_days"), contracts.table("user_event_name_days"))
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reach:
    """The days of one swap: sessions that start on `first` to `last`, events up to `reading`."""

    first: date
    last: date
    reading: date

    @property
    def parameters(self) -> dict[str, date]:
        """The names that the SELECTs bind; ends are the midnight after."""
        return {
            "swap_start": self.first,
            "swap_end": self.last + _ONE_DAY,
            "reading_end": self.reading + _ONE_DAY,
        }


def roll_sessions(connection: duckdb.DuckDBPyConnection, narrow: Narrow) -> list[date]:
    """Bring sessions and event names in step with the rolled days; returns the days taken anew.

    Runs inside the caller's transaction. `narrow(days)` is entered round the reading of events,
    so that the view of them may leave out files that do not touch these days.
    """
    version = _version(connection)
    days = _days_to_roll(connection, version)
    _prepare(connection, days)
    for first, last in portions(days):
        _swap(connection, first, last, narrow)
    for table in (*OF_SESSIONS, *OF_EVENT_NAMES):
        require_contract(connection, table)
    _remember(connection, days, version)
    return days


def _version(connection: duckdb.DuckDBPyConnection) -> str:
    """Names the rules by which days are rolled: other SELECTs or events make all days stale."""
    names = connection.execute(
        "select 'checkout ' || event_name from ops.conversion_event_names"
        " union all select 'cart ' || event_name from ops.cart_event_names"
    ).fetchall()
    texts = [query(table.qualified_name).text for table in (*OF_SESSIONS, *OF_EVENT_NAMES)]
    return hashlib.sha256("|".join([*texts, *sorted(n for (n,) in names)]).encode()).hexdigest()


def _days_to_roll(connection: duckdb.DuckDBPyConnection, version: str) -> list[date]:
    rows = connection.execute(
        "select d.event_date from ops.rolled_days as d"
        " left join ops.rolled_session_days as s"
        " on s.event_date = d.event_date and s.version = d.rolled_by || '|' || ?"
        " where s.event_date is null order by d.event_date",
        [version],
    ).fetchall()
    return [row[0] for row in rows]


def _prepare(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    """Make missing tables; afresh where no day of theirs stays, which is faster than deleting."""
    kept = connection.execute(
        "select 1 from ops.rolled_session_days"
        " where event_date not in (select unnest(?::date[])) limit 1",
        [list(days)],
    ).fetchall()
    for table in (*OF_SESSIONS, *OF_EVENT_NAMES):
        if not kept and days:
            connection.execute(f"drop table if exists {table.qualified_name}")
        create_empty(connection, table)


def _swap(connection: duckdb.DuckDBPyConnection, first: date, last: date, narrow: Narrow) -> None:
    with narrow(_rolled(connection, first, last)):
        reach = _reach(connection, first, last)
    with narrow(_rolled(connection, reach.first, reach.reading)):
        for table in OF_SESSIONS:
            _refill(connection, table, "session_date", reach)
        for table in OF_EVENT_NAMES:
            _refill(connection, table, "event_date", Reach(first, last, last))


def _reach(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> Reach:
    """How far the swap of these days goes, as the sessions known so far tell.

    Sessions that have events on these days, or had some, decide on which days sessions are made
    anew; all sessions of those days decide how far events are read.
    """
    name = SESSIONS.qualified_name
    here = [first, last + _ONE_DAY]
    span = "min(session_date), max(cast(session_ended_at as date))"
    touched = connection.execute(
        f"""
        select {span} from {name}
        where (session_started_at < $2 and session_ended_at >= $1)
            or session_id in (
                select session_id from staging.stg_events
                where session_id is not null and timestamp >= $1 and timestamp < $2
            )
        """,
        here,
    ).fetchall()[0]
    start, end = min(first, touched[0] or first), max(last, touched[1] or last)
    furthest = connection.execute(
        f"select max(cast(session_ended_at as date)) from {name}"
        " where session_date between ? and ?",
        [start, end],
    ).fetchall()[0][0]
    return Reach(start, end, max(end, furthest or end))


def _refill(
    connection: duckdb.DuckDBPyConnection, table: contracts.Table, day: str, reach: Reach
) -> None:
    connection.execute(
        f"delete from {table.qualified_name} where {day} between ? and ?",
        [reach.first, reach.last],
    )
    text = query(table.qualified_name).text
    bound = {name: value for name, value in reach.parameters.items() if f"${name}" in text}
    connection.execute(f"insert into {table.qualified_name} by name {text}", bound)


def _rolled(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> list[date]:
    rows = connection.execute(
        "select event_date from ops.rolled_days where event_date between ? and ?", [first, last]
    ).fetchall()
    return [row[0] for row in rows]


def _remember(connection: duckdb.DuckDBPyConnection, days: Sequence[date], version: str) -> None:
    if days:
        chosen = in_days("event_date", days)
        connection.execute(f"delete from ops.rolled_session_days where {chosen}")
        connection.execute(
            "insert into ops.rolled_session_days select event_date, rolled_by || '|' || ?"
            f" from ops.rolled_days where {chosen}",
            [version],
        )
