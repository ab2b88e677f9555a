"""Judging raw rows: which break the contract (and why), which are exact repeats of another.

A verdict is data: `ops.rejected_rows` and `ops.duplicate_rows` name the raw rows that staging
skips (`ops.skipped_rows`), so that staging stays one plain SELECT. Clean data costs one scan; only
where that scan finds something are the rows themselves looked up.

Tables of things that happen (`FACTS`) are judged day by day: a new or changed file makes only the
days that it touches be judged again, and the key of an event is unique within its day. Everything
else is judged whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import duckdb

from c360_assets.contracts import Table
from c360_assets.sources.fact_days import (
    Facts,
    batches,
    changed_files,
    days_of_users_who_came_or_went,
    days_that_changed,
    fact_rows,
    has_changed,
    undated_files,
    unrolled_days_of_users_who_went,
)
from c360_assets.sources.folder import SourceFolder
from c360_assets.sources.landing import rows_as_read
from c360_assets.sources.row_rules import (
    FACTS,
    UNIQUE_OVER_ALL_DAYS,
    PlainEmail,
    day_of,
    judged_references,
    key_columns,
    reason,
    suspects,
    suspicions,
    unknown_references,
)
from c360_assets.sources.sql_text import identifier as _name

KEY_OF_ANOTHER_DAY = "duplicate_key_of_another_day"


@dataclass(frozen=True)
class Verdicts:
    """How one raw table stands after judging. `days` are the days judged now, for facts only."""

    rows_read: int
    rejected: int
    duplicates: int
    reasons: dict[str, int]
    days: tuple[date, ...] = ()


@dataclass(frozen=True)
class _Scope:
    """What is judged now: the relation that holds the rows, and the run's stamp."""

    connection: duckdb.DuckDBPyConnection
    folder: SourceFolder
    table: Table
    run_id: str
    at: datetime
    plain_email: PlainEmail
    are_references_known: bool = False

    @property
    def facts(self) -> Facts:
        """The same table as one of facts."""
        return Facts(self.connection, self.folder, self.table)


def judge(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    run_id: str,
    at: datetime,
    plain_email: PlainEmail,
) -> Verdicts:
    """Bring the verdicts on one raw table up to date, inside the caller's transaction.

    `at` is naive UTC and only stamps `rejected_at`. References must be staged already.
    `plain_email` gives the SQL predicate that an expression is a valid plain ASCII address;
    other valid addresses are in `ops.address_forms`.
    """
    scope = _Scope(connection, folder, table, run_id, at, plain_email)
    if table.name in FACTS:
        days = _judge_days(scope)
        return _verdicts(scope, days)
    # only a changed file, or a change among the users, can change a verdict on these
    if has_changed(connection, table) or _have_users_changed(scope):
        _forget(scope, "true")
        _judge_rows(scope)
        _reject_malformed(scope)
        _remember(scope)
    return _verdicts(scope)


def _judge_days(scope: _Scope) -> tuple[date, ...]:
    """Judge the days that changed files touch, and those whose users came or went."""
    changed = changed_files(scope.connection, scope.table)
    days = days_that_changed(scope.facts, changed)
    if _have_users_changed(scope):
        days |= days_of_users_who_came_or_went(scope.facts)
        days |= unrolled_days_of_users_who_went(scope.facts, days)
    _forget(scope, "event_date in (select unnest(?::date[]))", sorted(days))
    _forget(scope, "event_date is null and source_file in (select unnest(?::varchar[]))", changed)
    portions = list(batches(scope.facts, days))
    # asked once for all portions, since it reads all the users
    if len(portions) > 1 and _references_hold(scope, sorted(days)):
        scope = replace(scope, are_references_known=True)
    for batch in portions:
        _judge_rows(scope, batch)
    _judge_rows(scope, undated=undated_files(scope.facts, changed))
    if days and scope.table.name in UNIQUE_OVER_ALL_DAYS:
        days |= _judge_keys_over_all_days(scope)
    _reject_malformed(scope)
    scope.connection.execute(
        "insert into ops.stale_days select unnest(?::date[])"
        " except select event_date from ops.stale_days",
        [sorted(days)],
    )
    _remember(scope)
    return tuple(sorted(days))


def _have_users_changed(scope: _Scope) -> bool:
    """Whether the table refers to users, and these were staged anew since it was judged last."""
    if not judged_references(scope.table):
        return False
    rows = scope.connection.execute(
        "select (select max(version) from ops.staged_versions where table_name = 'stg_users'),"
        " (select max(version) from ops.judged_users where source_table = ?)",
        [scope.table.name],
    ).fetchall()
    staged, judged = rows[0]
    return staged is None or staged != judged


def _judge_keys_over_all_days(scope: _Scope) -> set[date]:
    """Reject rows whose key stands on another day, in an earlier row; returns the days that change.

    Within a day this was judged before, so that one scan of the keys is all that clean data costs.
    """
    table, (key,) = scope.table.name, scope.table.key
    reason = f"{KEY_OF_ANOTHER_DAY}: {key}"
    mine = "source_table = ? and reason = ?"
    rejected = f"select source_file, source_row, event_date from ops.rejected_rows where {mine}"
    before = set(scope.connection.execute(rejected, [table, reason]).fetchall())
    scope.connection.execute(f"delete from ops.rejected_rows where {mine}", [table, reason])
    standing = (
        f"select r.* from {scope.table.qualified_name} as r where not exists (select 1"
        f" from ops.skipped_rows as s where s.source_table = '{table}'"
        " and s.source_file = r.source_file and s.source_row = r.source_row)"
    )
    repeated = scope.connection.execute(
        f"select count(*) > count(distinct hash({key})) from ({standing})"
    ).fetchall()
    if repeated[0][0]:
        content = ", ".join(f"{_name(name)} := {_name(name)}" for name in scope.table.column_names)
        scope.connection.execute(
            f"insert into ops.rejected_rows select ?, source_file, source_row, ?,"
            f" to_json(struct_pack({content}))::varchar, ?, ?,"
            f" {day_of(_name(FACTS[table]))} from ({standing})"
            f" qualify row_number() over (partition by {key} order by source_file, source_row) > 1",
            [table, reason, scope.run_id, scope.at],
        )
    after = set(scope.connection.execute(rejected, [table, reason]).fetchall())
    return {day for _, _, day in before ^ after}


def _remember(scope: _Scope) -> None:
    scope.connection.execute(
        "delete from ops.judged_files where source_table = ?", [scope.table.name]
    )
    scope.connection.execute(
        "insert into ops.judged_files select source_table, source_file, fingerprint"
        " from ops.source_files where source_table = ?",
        [scope.table.name],
    )
    scope.connection.execute(
        "delete from ops.judged_users where source_table = ?", [scope.table.name]
    )
    scope.connection.execute(
        "insert into ops.judged_users select ?, version from ops.staged_versions"
        " where table_name = 'stg_users'",
        [scope.table.name],
    )


def _judge_rows(scope: _Scope, days: Sequence[date] = (), undated: Sequence[str] = ()) -> None:
    """Record verdicts on rows: of these days and, in the files `undated`, of no day.

    Without a time column the whole table is judged.
    """
    rows = _rows(scope, days, undated)
    if not rows or _is_clean(scope, rows):
        return
    why = reason(scope.table, scope.plain_email)
    judged = f"select r.*, {why} as reason from ({rows}) as r"
    scope.connection.execute(
        f"create or replace temp table judged_rows as {suspects(scope.table, judged)}"
    )
    scope.connection.execute(
        "insert into ops.rejected_rows select ?, source_file, source_row, reason, row_json, ?, ?,"
        " event_date from judged_rows where reason is not null",
        [scope.table.name, scope.run_id, scope.at],
    )
    scope.connection.execute(
        "insert into ops.duplicate_rows select ?, source_file, source_row, event_date"
        " from judged_rows where reason is null and is_repeat",
        [scope.table.name],
    )
    scope.connection.execute("drop table judged_rows")


def _rows(scope: _Scope, days: Sequence[date], undated: Sequence[str]) -> str:
    """SQL of the rows to judge: typed, as read, with their origin and their day."""
    if scope.table.name in FACTS:
        return fact_rows(scope.facts, days, undated)
    relation = rows_as_read(scope.connection, scope.folder, scope.table, None)
    return relation and f"select f.*, cast(null as date) as event_date from ({relation}) as f"


def _is_clean(scope: _Scope, rows: str) -> bool:
    """One scan: no row could break a rule, and no key stands twice.

    It may suspect a clean row (its tests are the cheap ones), never overlook a broken one.
    """
    key = ", ".join(f"r.{name}" for name in key_columns(scope.table))
    if scope.table.name in FACTS:
        key += ", r.event_date"
    tests = suspicions(scope.table, scope.plain_email, not scope.are_references_known)
    suspicious = " or ".join(tests) or "false"
    found = scope.connection.execute(
        f"select count(*) = count(distinct hash({key}))"
        f" and count(*) filter (where {suspicious}) = 0"
        f" from ({rows}) as r"
    ).fetchall()
    return bool(found[0][0])


def _references_hold(scope: _Scope, days: Sequence[date]) -> bool:
    """Whether every user of these days is known."""
    rows = _rows(scope, days, ())
    unknown = " or ".join(unknown_references(scope.table))
    if not rows or not days or not unknown:
        return True
    found = scope.connection.execute(
        f"select count(*) from ({rows}) as r where {unknown}"
    ).fetchall()
    return bool(found[0][0] == 0)


def _forget(scope: _Scope, where: str, value: object = None) -> None:
    for relation in ("rejected_rows", "duplicate_rows"):
        scope.connection.execute(
            f"delete from ops.{relation} where source_table = ? and {where}",
            [scope.table.name] if value is None else [scope.table.name, value],
        )


def _reject_malformed(scope: _Scope) -> None:
    """Carry the lines that are no rows over into the rejected rows, each once."""
    scope.connection.execute(
        "delete from ops.rejected_rows where source_table = ?"
        " and reason in ('malformed_row', 'unreadable_file')",
        [scope.table.name],
    )
    scope.connection.execute(
        "insert into ops.rejected_rows select source_table, source_file, source_row, reason,"
        " row_json, ?, ?, null from ops.malformed_rows where source_table = ?",
        [scope.run_id, scope.at, scope.table.name],
    )


def _verdicts(scope: _Scope, days: tuple[date, ...] = ()) -> Verdicts:
    name = scope.table.name
    read = scope.connection.execute(
        "select coalesce(sum(rows_read), 0)::bigint from ops.source_files where source_table = ?",
        [name],
    ).fetchall()[0][0]
    reasons = scope.connection.execute(
        "select reason, count(*) from ops.rejected_rows where source_table = ?"
        " group by reason order by reason",
        [name],
    ).fetchall()
    duplicates = scope.connection.execute(
        "select count(*) from ops.duplicate_rows where source_table = ?", [name]
    ).fetchall()[0][0]
    return Verdicts(read, sum(n for _, n in reasons), duplicates, dict(reasons), days)
