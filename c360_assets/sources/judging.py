"""Judging raw rows: which break the contract (and why), which are exact repeats of another.

A verdict is data: `ops.rejected_rows` and `ops.duplicate_rows` name the raw rows that staging
skips (`ops.skipped_rows`), so that staging stays one plain SELECT. Clean data costs one scan; only
where that scan finds something are the rows themselves looked up.

Tables of things that happen (`FACTS`) are judged day by day: a new or changed file makes only the
days that it touches be judged again, and the key of an event is unique within its day. Everything
else is judged whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from c360_assets import contracts
from c360_assets.contracts import Column, Reference, Table
from c360_assets.days import spans
from c360_assets.sources.folder import SourceFolder
from c360_assets.sources.landing import _name, _quote, create_view, file_groups, view_select

FACTS = {"raw_event": "timestamp", "raw_order": "created_at"}

VERDICTS = """
create table if not exists ops.rejected_rows (
    source_table varchar, source_file varchar, source_row bigint, reason varchar,
    row_json varchar, run_id varchar, rejected_at timestamp, event_date date
);
create table if not exists ops.duplicate_rows (
    source_table varchar, source_file varchar, source_row bigint, event_date date
);
create view if not exists ops.skipped_rows as
    select source_table, source_file, source_row from ops.rejected_rows
    union all
    select source_table, source_file, source_row from ops.duplicate_rows;
create table if not exists ops.judged_files (
    source_table varchar, source_file varchar, fingerprint varchar
);
create table if not exists ops.source_file_days (
    source_table varchar, source_file varchar, event_date date, rows_read bigint
);
create table if not exists ops.stale_days (event_date date);
create table if not exists ops.address_forms (raw_email varchar, email varchar);
"""

EMAIL_COLUMNS = {"raw_user": "email", "deals": "email", "raw_ticket": "email"}
PlainEmail = Callable[[str], str]


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


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the verdict tables where they are missing."""
    connection.execute(VERDICTS)


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
    prepare(connection)
    scope = _Scope(connection, folder, table, run_id, at, plain_email)
    if table.name in FACTS:
        days = _judge_days(scope, FACTS[table.name])
        return _verdicts(scope, days)
    # only a changed file, or a change among the users, can change a verdict on these
    if _changed_files(scope) or _judged_references(table):
        _forget(scope, "true")
        _judge_relation(scope, _relation(scope), "cast(null as date)", "true", True)
        _reject_malformed(scope)
        _remember_files(scope)
    return _verdicts(scope)


def _judge_days(scope: _Scope, time_column: str) -> tuple[date, ...]:
    """Judge the days that changed files touch, and those whose users came or went."""
    changed = _changed_files(scope)
    before = _days_of(scope, changed)
    _profile_files(scope, changed, time_column)
    days = {*before, *_days_of(scope, changed), *_days_of_users_who_came_or_went(scope)}
    _forget(scope, "event_date in (select unnest(?::date[]))", sorted(days))
    _forget(scope, "source_file in (select unnest(?::varchar[]))", changed)
    if days or changed:
        _judge_relation(
            scope,
            _relation(scope, _files_with(scope, days, changed)),
            f"cast({_name(time_column)} as date)",
            _day_filter(scope, days, changed, time_column),
            _full_days(scope, days),
        )
    _reject_malformed(scope)
    scope.connection.execute(
        "insert into ops.stale_days select unnest(?::date[]) except select event_date from ops.stale_days",
        [sorted(days)],
    )
    _remember_files(scope)
    return tuple(sorted(days))


def _changed_files(scope: _Scope) -> list[str]:
    """Files that are new, changed or gone since they were judged last."""
    rows = scope.connection.execute(
        """
        select coalesce(s.source_file, j.source_file)
        from (select * from ops.source_files where source_table = $t) as s
        full join (select * from ops.judged_files where source_table = $t) as j
            on j.source_file = s.source_file
        where s.fingerprint is distinct from j.fingerprint
        order by 1
        """,
        {"t": scope.table.name},
    ).fetchall()
    return [row[0] for row in rows]


def _days_of(scope: _Scope, files: list[str]) -> set[date]:
    rows = scope.connection.execute(
        "select distinct event_date from ops.source_file_days where source_table = ?"
        " and source_file in (select unnest(?::varchar[])) and event_date is not null",
        [scope.table.name, files],
    ).fetchall()
    return {row[0] for row in rows}


def _profile_files(scope: _Scope, files: list[str], time_column: str) -> None:
    """Count the rows per day of each changed file: the map from files to days."""
    scope.connection.execute(
        "delete from ops.source_file_days where source_table = ?"
        " and source_file in (select unnest(?::varchar[]))",
        [scope.table.name, files],
    )
    if not files:
        return
    create_view(scope.connection, scope.folder, scope.table, files)
    scope.connection.execute(
        f"insert into ops.source_file_days select '{scope.table.name}', source_file,"
        f" cast({_name(time_column)} as date) as event_date, count(*)"
        f" from {scope.table.qualified_name} group by source_file, event_date"
    )
    create_view(scope.connection, scope.folder, scope.table)


def _days_of_users_who_came_or_went(scope: _Scope) -> set[date]:
    """Days with rows rejected for a user who is known by now, or staged for one who is gone."""
    came = scope.connection.execute(
        """
        select distinct event_date from ops.rejected_rows
        where source_table = ? and reason = 'unknown_reference: user_id' and event_date is not null
            and row_json ->> '$.user_id' in (select user_id from staging.stg_users)
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


def _exists(scope: _Scope, name: str) -> bool:
    return bool(
        scope.connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'staging' and table_name = ?",
            [name],
        ).fetchall()
    )


def _files_with(scope: _Scope, days: set[date], changed: list[str]) -> list[str]:
    rows = scope.connection.execute(
        "select distinct source_file from ops.source_file_days where source_table = ?"
        " and (event_date in (select unnest(?::date[]))"
        " or source_file in (select unnest(?::varchar[])))",
        [scope.table.name, sorted(days), changed],
    ).fetchall()
    return [row[0] for row in rows]


def _full_days(scope: _Scope, days: set[date]) -> bool:
    """Whether `days` are all the days there are, so that no filter is needed."""
    rows = scope.connection.execute(
        "select count(*) from (select distinct event_date from ops.source_file_days"
        " where source_table = ? and event_date is not null"
        " and event_date not in (select unnest(?::date[])))",
        [scope.table.name, sorted(days)],
    ).fetchall()
    return bool(rows[0][0] == 0)


def _day_filter(scope: _Scope, days: set[date], changed: list[str], time_column: str) -> str:
    """SQL for: of one of these days, or of no day in a changed file."""
    time = _name(time_column)
    inside = " or ".join(
        f"({time} >= timestamp '{first}' and {time} < timestamp '{last}' + interval 1 day)"
        for first, last in spans(days)
    )
    files = ", ".join(_quote(name) for name in changed) or "null"
    return f"({inside or 'false'} or ({time} is null and source_file in ({files})))"


def _remember_files(scope: _Scope) -> None:
    scope.connection.execute("delete from ops.judged_files where source_table = ?", [scope.table.name])
    scope.connection.execute(
        "insert into ops.judged_files select source_table, source_file, fingerprint"
        " from ops.source_files where source_table = ?",
        [scope.table.name],
    )


def _relation(scope: _Scope, only_files: list[str] | None = None) -> str:
    """The rows to judge, typed and as read, with their origin."""
    groups = file_groups(scope.connection, scope.table.name, only_files)
    selects = [view_select(scope.connection, scope.folder, scope.table, g, True) for g in groups]
    return "\nunion all by name\n".join(selects)


def _judge_relation(
    scope: _Scope, relation: str, day: str, where: str, is_whole: bool = False
) -> None:
    """Record verdicts on the rows of `relation` that satisfy `where`."""
    if not relation:
        return
    reason = _reason(scope)
    rows = (
        f"select r.*, {day} as event_date from ({relation}) as r"
        + ("" if is_whole else f" where {where}")
    )
    joins = _reference_joins(scope.table)
    judged = f"select r.*, {reason} as reason from ({rows}) as r{joins}"
    if _is_clean(scope, judged):
        return
    scope.connection.execute(f"create or replace temp table judged_rows as {_suspects(scope, judged)}")
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


def _is_clean(scope: _Scope, judged: str) -> bool:
    """One scan: no row has a reason, and no key stands twice."""
    key = _key(scope.table)
    distinct = key[0] if len(key) == 1 else f"hash({', '.join(key)})"
    per_day = " group by event_date" if scope.table.name in FACTS else ""
    rows = scope.connection.execute(
        "select coalesce(sum(n) = sum(keys) and sum(bad) = 0, true) from (select count(*) as n,"
        f" count(distinct {distinct}) as keys, count(reason) as bad from ({judged}){per_day})"
    ).fetchall()
    return bool(rows[0][0])


def _suspects(scope: _Scope, judged: str) -> str:
    """Rows with a verdict: broken ones, and all but the first of a repeated key.

    Rows are numbered in the order of file and row; the first valid row of a key stands. A later one
    with the same content is a repeat, one with other content is rejected as `duplicate_key`.
    """
    per_day = ", event_date" if scope.table.name in FACTS else ""
    keys = ", ".join(_key(scope.table)) + per_day
    content = ", ".join(
        f"{_name(c.name)} := cast({_name(c.name + '__raw')} as varchar)" for c in scope.table.columns
    )
    return f"""
        with judged as ({judged}),
        repeated as (select {keys} from judged where reason is null group by {keys} having count(*) > 1),
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
        f"when r.{_name(r.column)} is not null and ref_{i}.{_name(r.to_column)} is null"
        f" then 'unknown_reference: {r.column}'"
        for i, r in enumerate(_judged_references(table))
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
            f"when {typed} < date '1900-01-01' or {typed} >= date '2200-01-01'"
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


def _reference_joins(table: Table) -> str:
    return "".join(
        f"\n    left join staging.{r.to_table} as ref_{i} on ref_{i}.{r.to_column} = r.{_name(r.column)}"
        for i, r in enumerate(_judged_references(table))
    )


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
