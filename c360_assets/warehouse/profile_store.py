"""Customer profiles as intervals with two times: what was known when about which days.

Belongs here: the table of intervals, and stating what is new or was wrong. Not here: which
contacts and days must be worked out (`profile_changes`), what an attribute is (the SQL comes from
`customers.attribute_sql`, as a `ProfileSql`), facts by day (`attribute_days`) and the files that
outlive the warehouse (`profile_archive`).

A row of `marts.customer_profile_history` says what was known from `as_known_at` until
`known_until` about the days from `valid_from` until before `valid_to`; null is "and on".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from c360_assets import contracts
from c360_assets.warehouse.profile_changes import (
    HISTORY,
    PROFILE_DAYS,
    ProfileSql,
    Span,
    count,
    find_changes,
    find_inputs,
    temp_table,
)
from c360_assets.warehouse.tables import table_columns

# rows with all attributes: about a kilobyte and a half each, in a few tables at once
ROWS_AT_ONCE = 150_000


@dataclass(frozen=True)
class Stated:
    """What one run did. `span` is None where there is nothing to profile yet."""

    span: Span | None
    rows_added: int = 0
    rows_superseded: int = 0
    contacts_restated: int = 0


def prepare(connection: duckdb.DuckDBPyConnection, sql: ProfileSql) -> set[str]:
    """The table of intervals with the columns of the registry; rows that it had stay in it.

    Returns the columns that these rows have no values for.
    """
    connection.execute(
        f"create table if not exists {PROFILE_DAYS} (profile_date date, profiled_at timestamp)"
    )
    wanted = dict(sql.columns)
    found = table_columns(connection, contracts.table("customer_profile_history"))
    if found == wanted:
        return set()
    body = ", ".join(f"{name} {type_}" for name, type_ in sql.columns)
    if not found:
        connection.execute(f"create table {HISTORY} ({body})")
        return set()
    shared = [name for name in wanted if name in found]
    # a value that does not fit its new type is stated anew, since its contact's hash differs
    values = ", ".join(f"try_cast({n} as {wanted[n]}) as {n}" for n in shared)
    connection.execute(f"alter table {HISTORY} rename to old_profile_history")
    connection.execute(f"create table {HISTORY} ({body})")
    old = f"{HISTORY.split('.')[0]}.old_profile_history"
    connection.execute(f"insert into {HISTORY} by name select {values} from {old}")
    connection.execute(f"drop table {old}")
    return set(wanted) - set(found)


def state_profiles(
    connection: duckdb.DuckDBPyConnection,
    sql: ProfileSql,
    days: Sequence[date],
    clock_day: date | None,
    known_at: datetime,
    is_anew: bool,
    new_columns: Collection[str] = (),
    keep: Callable[[], object] = lambda: None,
) -> Stated:
    """State these days, and anew what earlier days say wrongly; with `is_anew` look at everybody.

    Runs in the caller's transaction, on tables that `prepare` made and with the temp table
    `contact_days`. `known_at` is naive UTC. Days after the clock's are left out. Works in parts
    of so many customers as fit the memory, and calls `keep` after each of them, when the temp
    tables `added`, `superseded`, `ended` and `profiled` say what was done.
    """
    before = _span(connection)
    now = _wanted_span(before, days, clock_day)
    if now is None:
        return Stated(None)
    moved = before is None or before.first != now.first or now.last < before.last
    seen = None if before is None else min(before.last, now.last)
    find_changes(connection, sql, now, seen, is_anew or moved, new_columns)
    _remember_days(connection, now, days, known_at)
    added, superseded = 0, 0
    parts = 1 + count(connection, "work") // ROWS_AT_ONCE
    for part in range(parts):
        of_part = f"hash({{}}) % {parts} = {part}"
        temp_table(connection, "part", f"select * from work where {of_part.format('user_id')}")
        _find_intervals(connection, sql, known_at)
        _find_differences(connection, of_part)
        _apply(connection, known_at)
        keep()
        connection.execute("delete from profiled")
        added += count(connection, "added")
        superseded += count(connection, "superseded")
    restated = count(connection, "dirty")
    if seen != now.last:
        find_inputs(connection, sql, "inputs", now.last)
    connection.execute("delete from ops.profile_inputs")
    connection.execute("insert into ops.profile_inputs select user_id, fingerprint from inputs")
    return Stated(now, added, superseded, restated)


def _span(connection: duckdb.DuckDBPyConnection) -> Span | None:
    rows = connection.execute("select first_day, last_day from ops.profile_span").fetchall()
    return Span(*rows[0]) if rows else None


def _wanted_span(before: Span | None, days: Sequence[date], clock_day: date | None) -> Span | None:
    if clock_day is None:
        return None
    known = [before.first, min(before.last, clock_day)] if before else []
    # a clock that was set back may stand before all that was profiled
    wanted = [day for day in (*known, *days) if day <= clock_day]
    return Span(min(wanted), max(wanted)) if wanted else None


def _find_intervals(
    connection: duckdb.DuckDBPyConnection, sql: ProfileSql, known_at: datetime
) -> None:
    """`fresh`: what the contacts and days of `part` say now, by spans."""
    temp_table(connection, "valued", sql.values_at)
    temp_table(connection, "said", sql.stated)
    # keys alone go through the windows: with all attributes they would take several times as long
    temp_table(
        connection,
        "spans",
        """
        select user_id, profile_date, lead(profile_date) over w as valid_to
        from (
            select s.user_id, s.profile_date, s.row_hash,
                coalesce(lag(s.row_hash) over w, o.row_hash) as hash_before
            from said as s
            left join open_rows as o on o.client_customer_id = s.user_id
            window w as (partition by s.user_id order by s.profile_date)
        ) as s
        -- a day that says what the day before said is no row of its own
        where row_hash is distinct from hash_before
        window w as (partition by user_id order by profile_date)
        """,
    )
    names = ", ".join(f"s.{name}" for name, _ in sql.columns[5:])
    temp_table(
        connection,
        "fresh",
        f"""
        select s.user_id as client_customer_id, s.profile_date as valid_from, p.valid_to,
            $known_at::timestamp as as_known_at, cast(null as timestamp) as known_until, {names}
        from said as s
        inner join spans as p on p.user_id = s.user_id and p.profile_date = s.profile_date
        """,
        {"known_at": known_at},
    )


def _find_differences(connection: duckdb.DuckDBPyConnection, of_part: str) -> None:
    """`added`, `superseded` and `ended`: the rows to come, those to close, those that stop."""
    same = (
        "b.client_customer_id = a.client_customer_id and b.valid_from = a.valid_from"
        " and b.valid_to is not distinct from a.valid_to and b.row_hash = a.row_hash"
    )
    temp_table(
        connection,
        "superseded",
        f"""
        select a.client_customer_id, a.valid_from, a.as_known_at from {HISTORY} as a
        where a.known_until is null and {of_part.format("a.client_customer_id")}
            and a.client_customer_id not in (select user_id from unchanged)
            and not exists (select 1 from fresh as b where {same})
        """,
    )
    standing = (
        f"select 1 from {HISTORY} as b where b.known_until is null"
        f" and {of_part.format('b.client_customer_id')}"
    )
    is_first = not connection.execute(f"{standing} limit 1").fetchall()
    if is_first:
        # nothing stands that could be the same or end, and the rows may be many
        connection.execute("drop table if exists added; alter table fresh rename to added")
        temp_table(connection, "fresh", "select * from added limit 0")
    else:
        temp_table(
            connection,
            "added",
            f"select a.* from fresh as a where not exists ({standing} and {same})",
        )
    temp_table(
        connection,
        "ended",
        """
        select o.client_customer_id, o.valid_from, o.as_known_at, min(f.valid_from) as valid_to
        from open_rows as o
        inner join fresh as f on f.client_customer_id = o.client_customer_id
        group by o.client_customer_id, o.valid_from, o.as_known_at
        """,
    )


def _apply(connection: duckdb.DuckDBPyConnection, known_at: datetime) -> None:
    of_row = (
        "x.client_customer_id = h.client_customer_id and x.valid_from = h.valid_from"
        " and x.as_known_at = h.as_known_at"
    )
    connection.execute(
        f"update {HISTORY} as h set known_until = ? from superseded as x where {of_row}",
        [known_at],
    )
    connection.execute(
        f"update {HISTORY} as h set valid_to = x.valid_to from ended as x where {of_row}"
    )
    # in the order of customers, so that one customer's rows lie together
    connection.execute(
        f"insert into {HISTORY} by name select * from added order by client_customer_id, valid_from"
    )


def _remember_days(
    connection: duckdb.DuckDBPyConnection, now: Span, days: Sequence[date], known_at: datetime
) -> None:
    connection.execute(f"delete from {PROFILE_DAYS} where profile_date > ?", [now.last])
    temp_table(
        connection,
        "profiled",
        f"select d.day as profile_date, $at::timestamp as profiled_at"
        " from (select distinct unnest($days::date[]) as day) as d"
        f" where d.day between $first and $last"
        f" and d.day not in (select profile_date from {PROFILE_DAYS})",
        {"days": list(days), "at": known_at, "first": now.first, "last": now.last},
    )
    connection.execute(
        f"insert into {PROFILE_DAYS} by name select * from profiled order by profile_date"
    )
    connection.execute("delete from ops.profile_span")
    connection.execute("insert into ops.profile_span values (?, ?)", [now.first, now.last])
