"""Which days of a table of facts must be judged, and which files hold them.

Facts (`row_rules.FACTS`) are judged day by day: a new or changed file makes only the days that it
touches be judged again, and so does a user who came or went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from c360_assets import contracts
from c360_assets.contracts import Table
from c360_assets.days import spans
from c360_assets.sources.folder import SourceFolder
from c360_assets.sources.landing import create_view, file_groups, rows_as_read, view_select
from c360_assets.sources.row_rules import FACTS, day_of
from c360_assets.sources.sql_text import identifier as _name
from c360_assets.sources.sql_text import literal as _quote

BATCH_ROWS = 250_000
MANY_FILES = 8
_OF_FILES = "source_table = ? and source_file in (select unnest(?::varchar[]))"


@dataclass(frozen=True)
class Facts:
    """One table of facts of one source, on one connection."""

    connection: duckdb.DuckDBPyConnection
    folder: SourceFolder
    table: Table

    @property
    def time_column(self) -> str:
        """The column that tells when a row happened."""
        return FACTS[self.table.name]


def has_changed(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Whether a file of the table is new, changed or gone since its rows were judged last."""
    return bool(changed_files(connection, table))


def changed_files(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """The files of the table that are new, changed or gone since its rows were judged last."""
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


def fact_rows(facts: Facts, days: Sequence[date], undated: Sequence[str] = ()) -> str:
    """SQL of the rows of these days and, in the files `undated`, of no day; empty if no file.

    Each row typed, as read (`<column>__raw`), with its origin and its `event_date`.
    """
    files = _files_with(facts, days, undated)
    relation = rows_as_read(facts.connection, facts.folder, facts.table, files)
    if not relation:
        return ""
    moment = f"f.{_name(facts.time_column)}"
    where = _day_filter(days, undated, moment) or "false"
    return f"select f.*, {day_of(moment)} as event_date from ({relation}) as f where {where}"


def days_that_changed(facts: Facts, files: list[str]) -> set[date]:
    """Days whose rows in these files are not what they were.

    A file that holds many days and is written anew every day dirties only those that differ. A day
    with a verdict in such a file is judged again, since verdicts name rows by their number.
    """
    if not files:
        return set()
    parameters = [facts.table.name, files]
    facts.connection.execute(
        f"create or replace temp table profiled_before as"
        f" select * from ops.source_file_days where {_OF_FILES}",
        parameters,
    )
    _profile_files(facts, files)
    rows = facts.connection.execute(
        f"""
        select coalesce(a.event_date, b.event_date) as event_date
        from (select * from ops.source_file_days where {_OF_FILES}) as a
        full join profiled_before as b
            on b.source_file = a.source_file and b.event_date = a.event_date
        where (a.rows_read = b.rows_read and a.content_hash = b.content_hash) is not true
        union
        select event_date from ops.rejected_rows where {_OF_FILES}
        union
        select event_date from ops.duplicate_rows where {_OF_FILES}
        """,
        parameters * 3,
    ).fetchall()
    facts.connection.execute("drop table profiled_before")
    return {row[0] for row in rows if row[0] is not None}


def _profile_files(facts: Facts, files: list[str]) -> None:
    """Count the rows per day of each changed file: the map from files to days.

    The content hash tells the days of a rewritten file apart. It reads every column, so that files
    of one day, and a first load of many files, go without.
    """
    facts.connection.execute(
        f"delete from ops.source_file_days where {_OF_FILES}", [facts.table.name, files]
    )
    _count_days(facts, files, content="null")
    if len(files) >= MANY_FILES:
        return
    several = facts.connection.execute(
        f"select source_file from ops.source_file_days where {_OF_FILES}"
        " group by source_file having count(*) > 1",
        [facts.table.name, files],
    ).fetchall()
    if several:
        of_many_days = [row[0] for row in several]
        facts.connection.execute(
            f"delete from ops.source_file_days where {_OF_FILES}", [facts.table.name, of_many_days]
        )
        # of the values as read: typed, what cannot be typed is as null as nothing at all
        columns = ", ".join(_name(f"{name}__raw") for name in facts.table.column_names)
        _count_days(facts, of_many_days, content=f"sum(hash({columns})::hugeint)")


def _count_days(facts: Facts, files: list[str], content: str) -> None:
    for group in file_groups(facts.connection, facts.table.name, files):
        rows = view_select(facts.connection, facts.folder, facts.table, group, "as they are")
        facts.connection.execute(
            f"insert into ops.source_file_days select '{facts.table.name}', source_file,"
            f" {day_of(_name(facts.time_column))} as event_date, count(*), {content}"
            f" from ({rows}) as f group by source_file, event_date"
        )


def days_of_users_who_came_or_went(facts: Facts) -> set[date]:
    """Days with rows rejected for a user who is known by now, or staged for one who is gone."""
    came = facts.connection.execute(
        """
        select distinct event_date from ops.rejected_rows
        where source_table = ? and reason = 'unknown_reference: user_id' and event_date is not null
            and trim(row_json ->> '$.user_id') in (select user_id from staging.stg_users)
        """,
        [facts.table.name],
    ).fetchall()
    if not _exists(facts, "user_event_days"):
        return {row[0] for row in came}
    went = facts.connection.execute(
        """
        select distinct event_date from staging.user_event_days where user_id in (
            select user_id from staging.user_event_totals
            except
            select user_id from staging.stg_users
        )
        """
    ).fetchall()
    return {row[0] for row in (*came, *went)}


def unrolled_days_of_users_who_went(facts: Facts, known: set[date]) -> set[date]:
    """The same of days that no rollup tells about: never rolled up, or stale since; not `known`."""
    rows = facts.connection.execute(
        """
        select distinct event_date from ops.source_file_days
        where source_table = ? and event_date is not null
            and event_date not in (
                select event_date from ops.rolled_days
                except
                select event_date from ops.stale_days
            )
        """,
        [facts.table.name],
    ).fetchall()
    days = sorted({row[0] for row in rows} - known)
    relation = fact_rows(facts, days) if days else ""
    if not relation:
        return set()
    gone = facts.connection.execute(
        f"""
        select distinct r.event_date from ({relation}) as r
        where r.user_id not in (select user_id from staging.stg_users)
            and not exists (
                select 1 from ops.skipped_rows as s
                where s.source_table = ? and s.source_file = r.source_file
                    and s.source_row = r.source_row
            )
        """,
        [facts.table.name],
    ).fetchall()
    return {row[0] for row in gone}


def _exists(facts: Facts, name: str) -> bool:
    return bool(
        facts.connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'staging' and table_name = ?",
            [name],
        ).fetchall()
    )


def _files_with(facts: Facts, days: Sequence[date], undated: Sequence[str]) -> list[str]:
    rows = facts.connection.execute(
        "select distinct source_file from ops.source_file_days where source_table = ?"
        " and (event_date in (select unnest(?::date[]))"
        " or source_file in (select unnest(?::varchar[])))",
        [facts.table.name, list(days), list(undated)],
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
        inside.append(f"({day_of(time)} is null and source_file in ({files}))")
    return " or ".join(inside)


def batches(facts: Facts, days: Iterable[date]) -> Iterator[list[date]]:
    """The days in runs of about BATCH_ROWS rows, so that their keys fit the processor's cache.

    Rows in a few large files come in one batch: each further one would read these files again.
    """
    if len(_files_with(facts, sorted(days), ())) < MANY_FILES:
        yield from [sorted(days)] if days else []
        return
    counts = dict(
        facts.connection.execute(
            "select event_date, sum(rows_read)::bigint from ops.source_file_days"
            " where source_table = ? and event_date is not null group by event_date",
            [facts.table.name],
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


def undated_files(facts: Facts, changed: list[str]) -> list[str]:
    """The changed files with rows whose time cannot be read."""
    rows = facts.connection.execute(
        f"select source_file from ops.source_file_days where {_OF_FILES} and event_date is null",
        [facts.table.name, changed],
    ).fetchall()
    return [row[0] for row in rows]


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
