"""The published versions, opened for the pages: each once, in memory beside it, people hidden.

Belongs here: opening, asking, closing. Not here: who is hidden (`privacy`) or what is asked
(`questions`).
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb

from c360_assets.errors import C360Error, ContractError
from c360_assets.settings import Settings
from c360_assets.ui import privacy
from c360_assets.ui.questions import question
from c360_assets.warehouse.published import (
    Manifest,
    connect_beside,
    manifest_of,
    of_this_release,
    published_file,
)

PATIENCE_SECONDS = 15.0
STREAMED_ROWS = 5_000
_NAMED = re.compile(r"\$(\w+)")


class SlowQuestionError(C360Error):
    """A question took longer than people wait; the text says what to do."""


@dataclass(frozen=True)
class Order:
    """How rows are sorted: by one column, then by others that make the order total."""

    column: str
    is_descending: bool = False
    then: tuple[str, ...] = ()

    def sql(self) -> str:
        """The `order by`; nulls last either way."""
        first = f'"{self.column}" {"desc" if self.is_descending else "asc"} nulls last'
        return ", ".join([first, *(f'"{name}" asc nulls last' for name in self.then)])


@dataclass(frozen=True)
class Slice:
    """Some rows of many, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


class Copy:
    """One published version as pages may see it; threads may ask at the same time.

    It is closed when nobody holds it any more.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        manifest: Manifest,
        version: tuple[Path, str],
        settings: Settings,
    ) -> None:
        self.settings = settings
        self.manifest = manifest
        self.version = version
        self._connection = connection
        self._lock = threading.Lock()
        self._columns: dict[str, tuple[str, ...]] = {}
        weakref.finalize(self, connection.close)

    @property
    def published_at(self) -> datetime:
        """When it was published, naive UTC."""
        return self.manifest.published_at

    def rows(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of a question that has few.

        Raises:
            SlowQuestionError: it took longer than PATIENCE_SECONDS.
        """
        return self._fetch(question(name), parameters)

    def row(self, name: str, /, **parameters: Any) -> dict[str, Any] | None:
        """The one row of a question; None where it has none."""
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def one(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """The row of a question that always has one."""
        return self.rows(name, **parameters)[0]

    def page(
        self,
        name: str,
        order: Order,
        limit: int,
        offset: int = 0,
        /,
        *,
        counts: str | None = None,
        **parameters: Any,
    ) -> Slice:
        """Some rows of a question that may have many, in an order, and their total number.

        `counts` is a question that gives the number as `total`, where that is cheaper to ask; it
        is given those of the parameters that it names.

        Raises:
            ContractError: the question has no such column.
            SlowQuestionError: it took longer than PATIENCE_SECONDS.
        """
        sql = question(name)
        self._require_columns(name, sql, (order.column, *order.then), parameters)
        rows = self._fetch(
            f"select * from (\n{sql}\n) order by {order.sql()} limit {limit:d} offset {offset:d}",
            parameters,
        )
        counted = question(counts) if counts else f"select count(*) as total from (\n{sql}\n)"
        named = {name: parameters[name] for name in _NAMED.findall(counted) if name in parameters}
        return Slice(rows, int(self._fetch(counted, named)[0]["total"]))

    def stream(
        self, name: str, order: Order, /, **parameters: Any
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The column names as first batch, then all rows in batches of STREAMED_ROWS."""
        sql = question(name)
        self._require_columns(name, sql, (order.column, *order.then), parameters)
        cursor = self._cursor()
        try:
            cursor.execute(f"select * from (\n{sql}\n) order by {order.sql()}", parameters)
            yield [tuple(item[0] for item in cursor.description or ())]
            while batch := cursor.fetchmany(STREAMED_ROWS):
                yield batch
        finally:
            cursor.close()

    @contextmanager
    def working(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for code that makes temporary tables of its own, such as the plan of a sync."""
        cursor = self._cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _require_columns(
        self, name: str, sql: str, wanted: Sequence[str], parameters: Mapping[str, Any]
    ) -> None:
        there = self._columns.get(name)
        if there is None:
            empty = f"select * from (\n{sql}\n) limit 0"
            there = self._columns[name] = self._answer(empty, parameters)[0]
        if missing := [column for column in wanted if column not in there]:
            raise ContractError(
                f"question {name!r} has no column {', '.join(missing)}; it has {', '.join(there)}"
            )

    def _fetch(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        names, rows = self._answer(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _answer(
        self, sql: str, parameters: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The names of the columns, and the rows."""
        cursor = self._cursor()
        timer = threading.Timer(PATIENCE_SECONDS, cursor.interrupt)
        timer.start()
        try:
            with of_this_release():
                cursor.execute(sql, parameters)
            return tuple(item[0] for item in cursor.description or ()), cursor.fetchall()
        except duckdb.InterruptException as error:
            raise SlowQuestionError(
                f"this took longer than {PATIENCE_SECONDS:.0f} seconds; ask for less, or try "
                "again when the machine is less busy"
            ) from error
        finally:
            timer.cancel()
            cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            cursor = self._connection.cursor()
        cursor.execute("set TimeZone = 'UTC'")
        return cursor


class Copies:
    """The newest published version, opened when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opening = threading.Lock()
        self._newest: Copy | None = None

    def version(self) -> tuple[Path, str]:
        """What tells one version from another: its file, and who is hidden.

        Raises:
            NothingPublishedError: nothing was published yet.
        """
        return published_file(self.settings), privacy.version(self.settings)

    def current(self) -> Copy:
        """The newest version.

        Raises:
            NothingPublishedError: nothing was published yet.
            ConfigError: it cannot be told who is to be hidden.
        """
        version, newest = self.version(), self._newest
        if newest is not None and newest.version == version:
            return newest
        is_same_people = newest is not None and newest.version[1] == version[1]
        # whoever comes while a newer one is being opened sees the one before, unless that shows
        # people who are to be hidden by now
        if not self._opening.acquire(blocking=not is_same_people):
            return cast("Copy", newest)
        try:
            version = self.version()
            if self._newest is None or self._newest.version != version:
                self._newest = _open(self.settings, version)
            return self._newest
        finally:
            self._opening.release()

    def opened(self) -> Copy | None:
        """The newest version that is open already; None before the first."""
        return self._newest


def _open(settings: Settings, version: tuple[Path, str]) -> Copy:
    database, _ = version
    connection = connect_beside(database)
    try:
        # in memory, and small: a question that does not fit fails instead of filling a disk
        connection.execute("set temp_directory = ''")
        privacy.cover(connection, settings)
        return Copy(connection, manifest_of(database), version, settings)
    except BaseException:
        connection.close()
        raise
