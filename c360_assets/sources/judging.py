"""Judging raw rows: which break the contract (and why), which are exact repeats of another.

A verdict is data: `ops.rejected_rows` and `ops.duplicate_rows` name the raw rows that staging
skips (`ops.skipped_rows`), so that staging stays one plain SELECT. Clean data costs one scan; only
where that scan finds something are the rows themselves looked up.

Tables of things that happen (`FACTS`) are judged day by day: a new or changed file makes only the
days that it touches be judged again, and the key of an event is unique within its day. Everything
else is judged whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import duckdb

from c360_assets import contracts
from c360_assets.contracts import Column, Reference, Table
from c360_assets.days import spans
from c360_assets.sources.folder import SourceFolder
from c360_assets.sources.landing import create_view, file_groups, rows_as_read, view_select
from c360_assets.sources.sql_text import identifier as _name
from c360_assets.sources.sql_text import literal as _quote

FACTS = {"raw_event": "timestamp", "raw_order": "created_at"}
# an event's key is unique within its day, an order's over all of them
UNIQUE_OVER_ALL_DAYS = {"raw_order"}
KEY_OF_ANOTHER_DAY = "duplicate_key_of_another_day"


EMAIL_COLUMNS = {"raw_user": "email", "deals": "email", "raw_ticket": "email"}
# times before the first or from the last day on are mistakes
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
PlainEmail = Callable[[str], str]
BATCH_ROWS = 250_000
MANY_FILES = 8


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
        days = _judge_days(scope, FACTS[table.name])
        return _verdicts(scope, days)
    # only a changed file, or a change among the users, can change a verdict on these
    if has_changed(connection, table) or _judged_references(table):
        _forget(scope, "true")
        _judge_rows(scope)
        _reject_malformed(scope)
        _remember_files(scope)
    return _verdicts(scope)


def _judge_days(scope: _Scope, time_column: str) -> tuple[date, ...]:
    """Judge the days that changed files touch, and those whose users came or went."""
    changed = _changed_files(scope.connection, scope.table)
    days = {
        *_days_that_changed(scope, changed, time_column),
        *_days_of_users_who_came_or_went(scope),
    }
    days |= _unrolled_days_of_users_who_went(scope, days)
    _forget(scope, "event_date in (select unnest(?::date[]))", sorted(days))
    _forget(
        scope, "event_date is null and source_file in (select unnest(?::varchar[]))", changed
    )
    if _references_hold(scope, sorted(days)):
        scope = replace(scope, are_references_known=True)
    for batch in _batches(scope, days):
        _judge_rows(scope, batch)
    _judge_rows(scope, undated=_undated(scope, changed))
    if days and scope.table.name in UNIQUE_OVER_ALL_DAYS:
        days |= _judge_keys_over_all_days(scope)
    _reject_malformed(scope)
    scope.connection.execute(
        "insert into ops.stale_days select unnest(?::date[])"
        " except select event_date from ops.stale_days",
        [sorted(days)],
    )
    _remember_files(scope)
    return tuple(sorted(days))


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
            f" {_day(_name(FACTS[table]))} from ({standing})"
            f" qualify row_number() over (partition by {key} order by source_file, source_row) > 1",
            [table, reason, scope.run_id, scope.at],
        )
    after = set(scope.connection.execute(rejected, [table, reason]).fetchall())
    return {day for _, _, day in before ^ after}


def has_changed(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Whether a file of the table is new, changed or gone since its rows were judged last."""
    return bool(_changed_files(connection, table))


def _changed_files(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    rows = connection.execute(
        """
        select coalesce(s.source_file, j.source_file)
        from (select * from ops.source_files where source_table = $t) as s
        full join (select * from ops.judged_files where source_table = $t) as j
            on j.source_file = s.source_file
        where s.fingerprint is distinct from j.fingerprint
        order by 1
        """,
        {"t": table.name},
    ).fetchall()
    return [row[0] for row in rows]


def _days_that_changed(scope: _Scope, files: list[str], time_column: str) -> set[date]:
    """Days whose rows in these files are not what they were.

    A file that holds many days and is written anew every day dirties only those that differ. A day
    with a verdict in such a file is judged again, since verdicts name rows by their number.
    """
    if not files:
        return set()
    chosen = "source_table = ? and source_file in (select unnest(?::varchar[]))"
    parameters = [scope.table.name, files]
    scope.connection.execute(
        f"create or replace temp table profiled_before as"
        f" select * from ops.source_file_days where {chosen}",
        parameters,
    )
    _profile_files(scope, files, time_column)
    rows = scope.connection.execute(
        f"""
        select coalesce(a.event_date, b.event_date) as event_date
        from (select * from ops.source_file_days where {chosen}) as a
        full join profiled_before as b
            on b.source_file = a.source_file and b.event_date = a.event_date
        where (a.rows_read = b.rows_read and a.content_hash = b.content_hash) is not true
        union
        select event_date from ops.rejected_rows where {chosen}
        union
        select event_date from ops.duplicate_rows where {chosen}
        """,
        parameters * 3,
    ).fetchall()
    scope.connection.execute("drop table profiled_before")
    return {row[0] for row in rows if row[0] is not None}


def _profile_files(scope: _Scope, files: list[str], time_column: str) -> None:
    """Count the rows per day of each changed file: the map from files to days.

    The content hash tells the days of a rewritten file apart; a first load of many day files goes
    without, since it would read every column of them.
    """
    scope.connection.execute(
        "delete from ops.source_file_days where source_table = ?"
        " and source_file in (select unnest(?::varchar[]))",
        [scope.table.name, files],
    )
    # of the values as read: typed, what cannot be typed is as null as nothing at all
    columns = ", ".join(_name(f"{name}__raw") for name in scope.table.column_names)
    content = f"sum(hash({columns})::hugeint)" if len(files) < MANY_FILES else "null"
    for group in file_groups(scope.connection, scope.table.name, files):
        rows = view_select(scope.connection, scope.folder, scope.table, group, "as they are")
        scope.connection.execute(
            f"insert into ops.source_file_days select '{scope.table.name}', source_file,"
            f" {_day(_name(time_column))} as event_date, count(*), {content}"
            f" from ({rows}) as f group by source_file, event_date"
        )


def _days_of_users_who_came_or_went(scope: _Scope) -> set[date]:
    """Days with rows rejected for a user who is known by now, or staged for one who is gone."""
    came = scope.connection.execute(
        """
        select distinct event_date from ops.rejected_rows
        where source_table = ? and reason = 'unknown_reference: user_id' and event_date is not null
            and trim(row_json ->> '$.user_id') in (select user_id from staging.stg_users)
        """,
        [scope.table.name],
    ).fetchall()
    if not _exists(scope, "user_event_days"):
        return {row[0] for row in came}
    went = scope.connection.execute(
        """
        select distinct event_date from staging.user_event_days where user_id in (
            select user_id from staging.user_event_totals
            except
            select user_id from staging.stg_users
        )
        """
    ).fetchall()
    return {row[0] for row in (*came, *went)}


def _unrolled_days_of_users_who_went(scope: _Scope, known: set[date]) -> set[date]:
    """The same of days that no rollup tells about: never rolled up, or stale since; not `known`."""
    rows = scope.connection.execute(
        """
        select distinct event_date from ops.source_file_days
        where source_table = ? and event_date is not null
            and event_date not in (
                select event_date from ops.rolled_days
                except
                select event_date from ops.stale_days
            )
        """,
        [scope.table.name],
    ).fetchall()
    days = sorted({row[0] for row in rows} - known)
    relation = _rows(scope, days, ()) if days else ""
    if not relation:
        return set()
    gone = scope.connection.execute(
        f"""
        select distinct r.event_date from ({relation}) as r
        where r.user_id not in (select user_id from staging.stg_users)
            and not exists (
                select 1 from ops.skipped_rows as s
                where s.source_table = ? and s.source_file = r.source_file
                    and s.source_row = r.source_row
            )
        """,
        [scope.table.name],
    ).fetchall()
    return {row[0] for row in gone}


def _exists(scope: _Scope, name: str) -> bool:
    return bool(
        scope.connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'staging' and table_name = ?",
            [name],
        ).fetchall()
    )


def _files_with(scope: _Scope, days: Sequence[date], undated: Sequence[str]) -> list[str]:
    rows = scope.connection.execute(
        "select distinct source_file from ops.source_file_days where source_table = ?"
        " and (event_date in (select unnest(?::date[]))"
        " or source_file in (select unnest(?::varchar[])))",
        [scope.table.name, list(days), list(undated)],
    ).fetchall()
    return [row[0] for row in rows]


def _day_filter(days: Sequence[date], undated: Sequence[str], time: str) -> str:
    """SQL: of one of these days, or of no day in one of these files."""
    inside = [
        f"({time} >= timestamp '{first}' and {time} < timestamp '{last}' + interval 1 day)"
        for first, last in spans(days)
    ]
    if undated:
        files = ", ".join(_quote(name) for name in undated)
        inside.append(f"({_day(time)} is null and source_file in ({files}))")
    return " or ".join(inside)


def _day(time: str) -> str:
    """SQL: the day of a time; null where there is none or it is beyond what the rules accept."""
    inside = f"{time} >= date '{FIRST_DAY}' and {time} < date '{LAST_DAY}'"
    return f"case when {inside} then cast({time} as date) end"


def _batches(scope: _Scope, days: Iterable[date]) -> Iterator[list[date]]:
    """The days in runs of about BATCH_ROWS rows, so that their keys fit the processor's cache.

    Rows in a few large files come in one batch: each further one would read these files again.
    """
    if len(_files_with(scope, sorted(days), ())) < MANY_FILES:
        yield from [sorted(days)] if days else []
        return
    counts = dict(
        scope.connection.execute(
            "select event_date, sum(rows_read)::bigint from ops.source_file_days"
            " where source_table = ? and event_date is not null group by event_date",
            [scope.table.name],
        ).fetchall()
    )
    batch: list[date] = []
    size = 0
    for day in sorted(days):
        if batch and size + counts.get(day, 0) > BATCH_ROWS:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += counts.get(day, 0)
    if batch:
        yield batch


def _undated(scope: _Scope, changed: list[str]) -> list[str]:
    """The changed files with rows whose time cannot be read."""
    rows = scope.connection.execute(
        "select source_file from ops.source_file_days where source_table = ?"
        " and event_date is null and source_file in (select unnest(?::varchar[]))",
        [scope.table.name, changed],
    ).fetchall()
    return [row[0] for row in rows]


def _remember_files(scope: _Scope) -> None:
    scope.connection.execute(
        "delete from ops.judged_files where source_table = ?", [scope.table.name]
    )
    scope.connection.execute(
        "insert into ops.judged_files select source_table, source_file, fingerprint"
        " from ops.source_files where source_table = ?",
        [scope.table.name],
    )


def _judge_rows(scope: _Scope, days: Sequence[date] = (), undated: Sequence[str] = ()) -> None:
    """Record verdicts on rows: of these days and, in the files `undated`, of no day.

    Without a time column the whole table is judged.
    """
    rows = _rows(scope, days, undated)
    if not rows or _is_clean(scope, rows):
        return
    judged = f"select r.*, {_reason(scope)} as reason from ({rows}) as r"
    suspects = _suspects(scope, judged)
    scope.connection.execute(f"create or replace temp table judged_rows as {suspects}")
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
    time = FACTS.get(scope.table.name)
    files = None if time is None else _files_with(scope, days, undated)
    relation = rows_as_read(scope.connection, scope.folder, scope.table, files)
    if not relation:
        return ""
    if time is None:
        return f"select f.*, cast(null as date) as event_date from ({relation}) as f"
    moment = f"f.{_name(time)}"
    where = _day_filter(days, undated, moment) or "false"
    return f"select f.*, {_day(moment)} as event_date from ({relation}) as f where {where}"


def _is_clean(scope: _Scope, rows: str) -> bool:
    """One scan: no row could break a rule, and no key stands twice.

    It may suspect a clean row (its tests are the cheap ones), never overlook a broken one.
    """
    key = ", ".join(f"r.{name}" for name in _key(scope.table))
    if scope.table.name in FACTS:
        key += ", r.event_date"
    suspicious = " or ".join(_suspicions(scope)) or "false"
    found = scope.connection.execute(
        f"select count(*) = count(distinct hash({key}))"
        f" and count(*) filter (where {suspicious}) = 0"
        f" from ({rows}) as r"
    ).fetchall()
    return bool(found[0][0])


def _suspicions(scope: _Scope) -> list[str]:
    """SQL: cheap tests, at least one of which holds for any row that breaks a rule."""
    tests = []
    for column in scope.table.columns:
        raw, typed = f"r.{_name(f'{column.name}__raw')}", f"r.{_name(column.name)}"
        if not column.is_nullable:
            tests.append(f"{typed} is null")
            # blank text sorts before every visible character
            tests += [f"{typed} < '!'"] if column.type == "VARCHAR" else []
        elif column.type != "VARCHAR":
            tests.append(f"({typed} is null and {raw} is not null)")
        if column.type in ("TIMESTAMP", "DATE"):
            tests.append(f"{typed} < date '{FIRST_DAY}' or {typed} >= date '{LAST_DAY}'")
        if column.is_non_negative:
            tests.append(f"{typed} < 0")
        if EMAIL_COLUMNS.get(scope.table.name) == column.name:
            tests.append(f"not ({scope.plain_email(typed)})")
    if not scope.are_references_known:
        tests += [
            f"r.{_name(r.column)} not in {_referred(r)}" for r in _judged_references(scope.table)
        ]
    return tests


def _references_hold(scope: _Scope, days: Sequence[date]) -> bool:
    """Whether every user of these days is known: asked once, since it reads all the users."""
    rows = _rows(scope, days, ())
    unknown = " or ".join(
        f"r.{_name(r.column)} not in {_referred(r)}" for r in _judged_references(scope.table)
    )
    if not rows or not days or not unknown:
        return True
    found = scope.connection.execute(
        f"select count(*) from ({rows}) as r where {unknown}"
    ).fetchall()
    return bool(found[0][0] == 0)


def _referred(reference: Reference) -> str:
    return f"(select {_name(reference.to_column)} from staging.{reference.to_table})"


def _suspects(scope: _Scope, judged: str) -> str:
    """Rows with a verdict: broken ones, and all but the first of a repeated key.

    Rows are numbered in the order of file and row; the first valid row of a key stands. A later one
    with the same content is a repeat, one with other content is rejected as `duplicate_key`.
    """
    per_day = ", event_date" if scope.table.name in FACTS else ""
    keys = ", ".join(_key(scope.table)) + per_day
    content = ", ".join(
        f"{_name(name)} := cast({_name(f'{name}__raw')} as varchar)"
        for name in scope.table.column_names
    )
    return f"""
        with judged as ({judged}),
        repeated as (
            select {keys} from judged where reason is null group by {keys} having count(*) > 1
        ),
        suspects as (
            select source_file, source_row, event_date, reason, {keys.replace(', event_date', '')},
                to_json(struct_pack({content}))::varchar as row_json
            from judged
            where reason is not null or ({keys}) in (select ({keys}) from repeated)
        ),
        numbered as (
            select *,
                row_number() over same_key as nth,
                first_value(row_json) over same_key as first_json
            from suspects
            where reason is null
            window same_key as (partition by {keys} order by source_file, source_row)
        )
        select source_file, source_row, event_date, reason, row_json, false as is_repeat
        from suspects where reason is not null
        union all
        select source_file, source_row, event_date,
            case when row_json <> first_json then 'duplicate_key: {', '.join(scope.table.key)}' end,
            row_json, row_json = first_json
        from numbered where nth > 1
    """


def _key(table: Table) -> list[str]:
    """The key's columns; every column as read where the table has no key."""
    if table.key:
        return [_name(name) for name in table.key]
    return [_name(f"{name}__raw") for name in table.column_names]


def _reason(scope: _Scope) -> str:
    """SQL: the first rule that the row breaks, as `rule: column`, or null."""
    table = scope.table
    whens = [when for c in table.columns for when in _column_rules(table, c, scope.plain_email)]
    whens += [
        f"when r.{_name(r.column)} not in {_referred(r)} then 'unknown_reference: {r.column}'"
        for r in _judged_references(table)
    ]
    return "case\n        " + "\n        ".join(whens) + "\n    end"


def _column_rules(table: Table, column: Column, plain_email: PlainEmail) -> list[str]:
    raw, typed = f"r.{_name(f'{column.name}__raw')}", f"r.{_name(column.name)}"
    rules = []
    if not column.is_nullable:
        blank = f"{raw} is null or trim(cast({raw} as varchar)) = ''"
        rules.append(f"when {blank} then 'missing_value: {column.name}'")
    if column.type != "VARCHAR":
        given = f"{raw} is not null and trim(cast({raw} as varchar)) <> ''"
        kind = "time" if column.type in ("TIMESTAMP", "DATE") else "number"
        rules.append(f"when {typed} is null and {given} then 'unparseable_{kind}: {column.name}'")
    if column.type in ("TIMESTAMP", "DATE"):
        rules.append(
            f"when {typed} < date '{FIRST_DAY}' or {typed} >= date '{LAST_DAY}'"
            f" then 'unparseable_time: {column.name}'"
        )
    if column.is_non_negative:
        rules.append(f"when {typed} < 0 then 'negative_value: {column.name}'")
    if EMAIL_COLUMNS.get(table.name) == column.name:
        rules.append(
            f"when not ({plain_email(typed)}) and {typed} not in"
            " (select raw_email from ops.address_forms)"
            f" then 'invalid_email: {column.name}'"
        )
    return rules


def _judged_references(table: Table) -> list[Reference]:
    """References whose breach rejects the row: to the user. Others are checked on the tables."""
    return [r for r in table.references if r.to_table == "stg_users"]


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


@contextmanager
def narrowed(
    connection: duckdb.DuckDBPyConnection, folder: SourceFolder, days: Sequence[date]
) -> Iterator[None]:
    """Let the views of facts read only the files that touch these days, within a transaction."""
    tables = [contracts.table(name) for name in FACTS]
    for table in tables:
        rows = connection.execute(
            "select distinct source_file from ops.source_file_days where source_table = ?"
            " and event_date in (select unnest(?::date[]))",
            [table.name, list(days)],
        ).fetchall()
        create_view(connection, folder, table, [row[0] for row in rows])
    yield
    for table in tables:
        create_view(connection, folder, table)
