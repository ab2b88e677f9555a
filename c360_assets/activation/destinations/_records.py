"""The data files of one delivery: read once, sorted, checked, compared with the last delivery.

Belongs here: what DuckDB runs, and on which connection. Not here: the SQL of values (`tabular`),
nor where the folder goes (`_folder`).
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
from duckdb import DuckDBPyConnection

from c360_assets.activation import tabular
from c360_assets.activation.destinations._folder import STATE, Baseline
from c360_assets.activation.destinations.base import ObjectDelivery
from c360_assets.activation.objects import CrmObject
from c360_assets.activation.tabular import Column, identifier, literal
from c360_assets.errors import DeliveryError

logger = logging.getLogger(__name__)

SAMPLE_KEYS = 5
CHANGES = "changes.jsonl"

# JSON text has no control characters, so nothing in it can be taken for this delimiter. Without
# `quote ''` DuckDB would quote every line that has a # in it.
_LINES = "format csv, header false, quote '', delimiter '\x02'"
# Twice as fast as zstd on a million contacts, for a file half as large again.
_PARQUET = "format parquet, compression snappy"


@dataclass(frozen=True)
class Counts:
    """Records that differ from the last delivery."""

    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True)
class Written:
    """An object that lies in the temporary folder, or one that is delivered no more."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: int
    counts: Counts
    crm_object: CrmObject | None = None

    def manifest_entry(self) -> dict[str, Any]:
        """Return what the manifest says of this object."""
        return {
            "name": self.name,
            "key": list(self.key),
            "rows": self.rows,
            "new": self.counts.new,
            "changed": self.counts.changed,
            "gone": self.counts.gone,
        }

    def report(self, folder: Path) -> ObjectDelivery:
        """Return what the caller is told, with the paths of the final folder."""
        return ObjectDelivery(
            name=self.name,
            rows=self.rows,
            new=self.counts.new,
            changed=self.counts.changed,
            gone=self.counts.gone,
            unchanged=self.rows - self.counts.new - self.counts.changed,
            path=folder / f"{self.name}.csv" if self.crm_object else None,
        )


class RecordWriter:
    """Writes the data files of one delivery into its temporary folder."""

    def __init__(
        self,
        folder: Path,
        source: DuckDBPyConnection,
        engine: DuckDBPyConnection,
        last: Baseline | None,
        escape_formulas: bool,
    ) -> None:
        self.folder = folder
        self.source = source
        self.engine = engine
        self.last = last
        self.escape_formulas = escape_formulas

    def write(self, objects: Sequence[CrmObject]) -> list[Written]:
        """Write all objects and their changes; raises DeliveryError, duckdb.Error or OSError."""
        (self.folder / CHANGES).touch()
        written = [self._write_object(crm_object) for crm_object in objects]
        names = {o.name for o in objects}
        if self.last:
            retired = [name for name in self.last.keys if name not in names]
            written += [self._write_retired(name, self.last) for name in retired]
        return written

    def _write_object(self, crm_object: CrmObject) -> Written:
        unsorted = self._copy_out(crm_object)
        columns = self._columns(unsorted)
        self._check_keys(crm_object, unsorted)
        state = self.folder / STATE / f"{crm_object.name}.parquet"
        by_key = ", ".join(identifier(k) for k in crm_object.key)
        rows = self._copy(f"select * from {_parquet(unsorted)} order by {by_key}", state, _PARQUET)
        unsorted.unlink()
        cells = ", ".join(
            tabular.csv_expression(c, escape_formulas=self.escape_formulas) for c in columns
        )
        self._copy(
            f"select {cells} from {_parquet(state)}",
            self.folder / f"{crm_object.name}.csv",
            "format csv, header, nullstr ''",
        )
        counts = self._write_changes(crm_object, columns, state, rows)
        return Written(crm_object.name, crm_object.key, columns, rows, counts, crm_object)

    def _copy_out(self, crm_object: CrmObject) -> Path:
        """Run the object's SELECT once, on the caller's connection, into an unsorted file."""
        path = self.folder / STATE / f"{crm_object.name}.unsorted.parquet"
        select = crm_object.select.strip().rstrip(";")
        try:
            described = self.source.execute(f"describe {select}").fetchall()
            columns = [Column(row[0], row[1]) for row in described]
            _check_columns(crm_object, columns)
            kept = ", ".join(tabular.kept_expression(c, crm_object.name) for c in columns)
            self.source.execute(
                f"copy (select {kept} from (\n{select}\n)) to {literal(str(path))} ({_PARQUET})"
            )
        except duckdb.Error as error:
            raise DeliveryError(
                f"crm object {crm_object.name} cannot be read: {error}; nothing was replaced; "
                "publish the marts that it reads, or mend its SELECT"
            ) from error
        return path

    def _columns(self, path: Path) -> tuple[Column, ...]:
        described = self.engine.execute(f"describe select * from {_parquet(path)}").fetchall()
        return tuple(Column(row[0], row[1]) for row in described)

    def _check_keys(self, crm_object: CrmObject, path: Path) -> None:
        names = [identifier(k) for k in crm_object.key]
        empty = " or ".join(f"{name} is null" for name in names)
        nulls = self.engine.execute(
            f"select count(*) from {_parquet(path)} where {empty}"
        ).fetchall()[0][0]
        by_key = ", ".join(names)
        duplicates = self.engine.execute(
            f"select {by_key}, count(*) as times from {_parquet(path)} where not ({empty}) "
            f"group by {by_key} having count(*) > 1 order by {by_key} limit {SAMPLE_KEYS}"
        ).fetchall()
        if not nulls and not duplicates:
            return
        problems = [f"{nulls} rows with a null key"] if nulls else []
        problems += [f"{', '.join(map(repr, row[:-1]))} ({row[-1]} times)" for row in duplicates]
        raise DeliveryError(
            f"crm object {crm_object.name}: key {', '.join(crm_object.key)} must be there and "
            f"unique, but found: {'; '.join(problems)} (at most {SAMPLE_KEYS} keys are named); "
            "nothing was replaced; mend the mart or the object's SELECT"
        )

    def _write_changes(
        self, crm_object: CrmObject, columns: tuple[Column, ...], state: Path, rows: int
    ) -> Counts:
        name, key = crm_object.name, crm_object.key
        if self.last is None or name not in self.last.keys:
            self._append_records(name, "new", columns, key, state)
            return Counts(new=rows)
        old_state = self.last.state(name)
        old = self._columns(old_state)
        _check_same_key(crm_object, self.last.keys[name], old, columns)
        tables = (_parquet(old_state), _parquet(state))
        select = tabular.difference_select(name, key, old, columns, tables)
        self.engine.execute(f"create or replace temp table difference as {select}")
        counts = self.engine.execute(
            "select change, count(*) from difference group by change"
        ).fetchall()
        by_key = ", ".join(f"key_{i}" for i in range(len(key)))
        self._append(f"select line from difference order by {by_key}")
        self.engine.execute("drop table difference")
        return Counts(**dict(counts))

    def _write_retired(self, name: str, last: Baseline) -> Written:
        state, key = last.state(name), last.keys[name]
        logger.warning("crm object %s is delivered no more: all its records count as gone", name)
        gone = self._append_records(name, "gone", self._columns(state), key, state)
        return Written(name, key, (), 0, Counts(gone=gone))

    def _append_records(
        self,
        name: str,
        change: Literal["new", "gone"],
        columns: tuple[Column, ...],
        key: tuple[str, ...],
        state: Path,
    ) -> int:
        line = tabular.record_line(name, change, "r", columns, key)
        return self._append(f"select {line} as line from {_parquet(state)} as r")

    def _append(self, select: str) -> int:
        part = self.folder / f"{CHANGES}.part"
        rows = self._copy(select, part, _LINES)
        with part.open("rb") as lines, (self.folder / CHANGES).open("ab") as changes:
            shutil.copyfileobj(lines, changes, 1 << 20)
        part.unlink()
        return rows

    def _copy(self, select: str, path: Path, options: str) -> int:
        copied = self.engine.execute(f"copy ({select}) to {literal(str(path))} ({options})")
        return int(copied.fetchall()[0][0])


def _parquet(path: Path) -> str:
    # A glob character in the folder's name would be expanded, so each is put in brackets.
    escaped = re.sub(r"([*?\[])", r"[\1]", str(path))
    return f"read_parquet({literal(escaped)})"


def _check_columns(crm_object: CrmObject, columns: Sequence[Column]) -> None:
    names = [c.name for c in columns]
    missing = [k for k in crm_object.key if k not in names]
    if missing:
        raise DeliveryError(
            f"crm object {crm_object.name}: key column {', '.join(missing)} is not in its SELECT, "
            f"which gives {', '.join(names)}; add it or mend the key"
        )


def _check_same_key(
    crm_object: CrmObject, old_key: tuple[str, ...], old: Sequence[Column], new: Sequence[Column]
) -> None:
    before, after = {c.name: c for c in old}, {c.name: c for c in new}
    if old_key == crm_object.key and all(
        tabular.comparable(before[k], after[k]) for k in crm_object.key
    ):
        return
    was = ", ".join(f"{k} {before[k].type}" for k in old_key)
    now = ", ".join(f"{k} {after[k].type}" for k in crm_object.key)
    raise DeliveryError(
        f"crm object {crm_object.name}: its key was ({was}) at the last delivery and is ({now}), "
        "so records cannot be matched; keep the key, or deliver under a new object name"
    )
