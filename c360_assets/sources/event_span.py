"""The first and the last day of events and orders in a source, without the warehouse.

Dagster needs them when it loads the definitions. They are remembered in `event_span.json` under
C360_HOME until a file changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from c360_assets import contracts
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.errors import SourceError
from c360_assets.sources.folder import SourceFile, SourceFolder
from c360_assets.sources.landing import land
from c360_assets.sources.row_rules import FACTS

Span = tuple[date, date]
CACHE_NAME = "event_span.json"
_log = logging.getLogger(__name__)


def event_span(source: Path, home: Path) -> Span | None:
    """(first day, last day), UTC; None where there is no event and no order, or no source yet.

    What cannot be read has no days here, so that the code location loads all the same; the asset
    of that table then fails and says what to mend.
    """
    if not source.is_dir():
        return None
    try:
        folder = SourceFolder(source)
        fingerprint = _fingerprint(folder, {name: folder.files(name) for name in FACTS})
    except SourceError as error:
        _log.warning("the days of the source are not known: %s", error)
        return None
    cache = home / CACHE_NAME
    known = _read(cache)
    if known is not None and known.get("fingerprint") == fingerprint:
        return _span(known.get("first"), known.get("last"))
    days, is_complete = _readable_days(folder)
    span = (days[0], days[-1]) if days else None
    if is_complete:
        _remember(cache, fingerprint, span)
    return span


def _readable_days(folder: SourceFolder) -> tuple[list[date], bool]:
    """The days of the facts that can be read, and whether all could."""
    days: set[date] = set()
    is_complete = True
    for name in FACTS:
        try:
            days.update(days_in_source(folder, name))
        except SourceError as error:
            _log.warning("the days of %s are not known: %s", name, error)
            is_complete = False
    return sorted(days), is_complete


def _remember(cache: Path, fingerprint: str, span: Span | None) -> None:
    first, last = (day.isoformat() for day in span) if span else (None, None)
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_suffix(".new")
    temporary.write_text(json.dumps({"fingerprint": fingerprint, "first": first, "last": last}))
    temporary.replace(cache)


def days_in_source(
    folder: SourceFolder, table: str, only: Sequence[str] | None = None
) -> tuple[date, ...]:
    """The days that a table of facts has rows on; in `only` these files (names), where given."""
    with _landed(folder, table, only) as connection:
        rows = connection.execute(
            f"select distinct day from ({_file_days(table)}) order by day"
        ).fetchall()
    return tuple(row[0] for row in rows)


def days_by_file(
    folder: SourceFolder, table: str, only: Sequence[str]
) -> tuple[dict[str, tuple[date, ...]], dict[str, str]]:
    """The days that each of these files (names) has rows on, and why others cannot be read."""
    try:
        with _landed(folder, table, only) as connection:
            rows = connection.execute(
                f"select source_file, list(distinct day order by day) from ({_file_days(table)})"
                " group by source_file"
            ).fetchall()
            problems = connection.execute(
                "select source_file, problem from ops.source_files where problem is not null"
            ).fetchall()
    except (ValueError, duckdb.Error, OSError) as error:
        if len(only) == 1:
            return {}, {only[0]: str(error).splitlines()[0]}
        # one bad file must not hide the days of the others
        middle = len(only) // 2
        left, right = (days_by_file(folder, table, half) for half in (only[:middle], only[middle:]))
        return left[0] | right[0], left[1] | right[1]
    return {name: tuple(days) for name, days in rows}, dict(problems)


@contextmanager
def _landed(
    folder: SourceFolder, table: str, only: Sequence[str] | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory that has but this raw table."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; {EMPTY_CATALOG}")
        land(connection, folder, contracts.table(table), Path(scratch), only)
        yield connection


def _file_days(table: str) -> str:
    time = FACTS[table]
    return (
        f'select source_file, cast("{time}" as date) as day from raw.{table}'
        f" where \"{time}\" >= date '1900-01-01' and \"{time}\" < date '2200-01-01'"
    )


def _fingerprint(folder: SourceFolder, files: dict[str, tuple[SourceFile, ...]]) -> str:
    parts = [str(folder.path), folder.mapping_fingerprint]
    parts += [f"{file.name}={file.fingerprint}" for group in files.values() for file in group]

    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(cache: Path) -> dict[str, str | None] | None:
    try:
        content = json.loads(cache.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


def _span(first: str | None, last: str | None) -> Span | None:
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None
