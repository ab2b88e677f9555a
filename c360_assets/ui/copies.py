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
from dataclasses import dataclass, replace
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


# rows by the batch, the names of the columns first
Batches = Iterator[list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Details:
    """Questions with more columns of a listing's rows, and the column by which both tell them.

    Each has a row per `key` at most. They are asked about the rows shown alone, unless the rows are
    sorted by one of their columns.
    """

    key: str
    questions: tuple[str, ...]


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
        details: Details | None = None,
        counts: str | None = None,
        total: int | None = None,
        **parameters: Any,
    ) -> Slice:
        """Some rows of a question that may have many, in an order, and their total number.

        `counts` is a question that gives the number as `total`, where that is cheaper to ask;
        `total` is the number itself, where it is known: a copy does not change. Questions are given
        those of the parameters that they name.

        Raises:
            ContractError: the question has no such column, nor have its details.
            SlowQuestionError: it took longer than PATIENCE_SECONDS.
        """
        sql = question(name)
        sorted_by = self._details_of(name, order, details, parameters)
        listed = _with_details(sql, details, sorted_by)
        rows = self._fetch(
            f"select * from (\n{listed}\n) order by {order.sql()}"
            f" limit {limit:d} offset {offset:d}",
            _named(listed, parameters),
        )
        if details:
            others = [each for each in details.questions if each not in sorted_by]
            rows = self._detailed(rows, replace(details, questions=tuple(others)), parameters)
        if total is None:
            counted = question(counts) if counts else f"select count(*) as total from (\n{sql}\n)"
            total = int(self._fetch(counted, _named(counted, parameters))[0]["total"])
        return Slice(rows, total)

    def stream(
        self, name: str, order: Order, /, *, details: Details | None = None, **parameters: Any
    ) -> Batches:
        """The column names as first batch, then all rows in batches of STREAMED_ROWS."""
        self._details_of(name, order, details, parameters)
        sql = _with_details(question(name), details, details.questions if details else ())
        cursor = self._cursor()
        try:
            cursor.execute(
                f"select * from (\n{sql}\n) order by {order.sql()}", _named(sql, parameters)
            )
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

    def _details_of(
        self,
        name: str,
        order: Order,
        details: Details | None,
        parameters: Mapping[str, Any],
    ) -> list[str]:
        """Which of the details have the columns of an order that the question itself has not.

        Raises:
            ContractError: none has them.
        """
        questions = details.questions if details else ()
        there = {each: self._columns_of(each, parameters) for each in (name, *questions)}
        found = []
        for column in (order.column, *order.then):
            if column in there[name]:
                continue
            having = [each for each in questions if column in there[each]]
            if not having:
                columns = ", ".join(dict.fromkeys(sum(there.values(), ())))
                raise ContractError(f"question {name!r} has no column {column}; it has {columns}")
            found.append(having[0])
        return list(dict.fromkeys(found))

    def _columns_of(self, name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        there = self._columns.get(name)
        if there is None:
            empty = f"select * from (\n{question(name)}\n) limit 0"
            there = self._columns[name] = self._answer(empty, _named(empty, parameters))[0]
        return there

    def _detailed(
        self, rows: list[dict[str, Any]], details: Details, parameters: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The rows with the columns of their details, null where a detail has no row."""
        keys = [row[details.key] for row in rows]
        for name in details.questions:
            sql = (
                f"select * from (\n{question(name)}\n)"
                f' where "{details.key}" in (select unnest($keys_shown))'
            )
            given = {**_named(sql, parameters), "keys_shown": keys}
            found = {row[details.key]: row for row in self._fetch(sql, given)} if keys else {}
            nothing = dict.fromkeys(self._columns_of(name, parameters))
            rows = [{**nothing, **found.get(row[details.key], {}), **row} for row in rows]
        return rows

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


def _with_details(sql: str, details: Details | None, wanted: Sequence[str]) -> str:
    """A question with the columns of some of its details, which come first."""
    if not details or not wanted:
        return sql
    key = f'"{details.key}"'
    columns = ", ".join(f"d{place}.* exclude ({key})" for place in range(len(wanted)))
    joins = " ".join(
        f"left join (\n{question(name)}\n) as d{place} on d{place}.{key} = listed.{key}"
        for place, name in enumerate(wanted)
    )
    return f"select {columns}, listed.* from (\n{sql}\n) as listed {joins}"


def _named(sql: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that a statement names."""
    return {name: parameters[name] for name in _NAMED.findall(sql) if name in parameters}


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
