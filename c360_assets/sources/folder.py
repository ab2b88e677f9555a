"""A source folder: which file holds which raw table, and how its columns map to the contract.

Belongs here: finding files and reading `sources.toml`. Not here: reading rows (see `landing`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from c360_assets import contracts
from c360_assets.errors import SourceError

FORMATS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}
MAPPING_FILE = "sources.toml"


@dataclass(frozen=True)
class SourceFile:
    """One file of a raw table. `name` is its path relative to the source folder."""

    path: Path
    name: str
    format: str
    size: int
    mtime_ns: int

    @property
    def fingerprint(self) -> str:
        """Changes whenever the file was written again."""
        return f"{self.size}-{self.mtime_ns}"


@dataclass(frozen=True)
class Mapping:
    """An entry of `sources.toml`: the file (or folder) and SQL expressions per contract column."""

    file: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


class SourceFolder:
    """The files of every raw table in one folder.

    Raises:
        SourceError: the folder or `sources.toml` cannot be read; the text tells what to mend.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise SourceError(
                f"the source folder {path} does not exist; set C360_SOURCE to a folder with "
                "raw_user.csv in it, or run `c360 demo` to write the demo data"
            )
        self.path = path
        self._mappings = _load_mappings(path / MAPPING_FILE)

    def mapping(self, table: str) -> Mapping:
        """The table's entry in `sources.toml`; an empty one where there is none."""
        return self._mappings.get(table, Mapping())

    @property
    def mapping_fingerprint(self) -> str:
        """Changes whenever `sources.toml` was written again."""
        path = self.path / MAPPING_FILE
        return f"{path.stat().st_size}-{path.stat().st_mtime_ns}" if path.exists() else ""

    def files(self, table: str) -> tuple[SourceFile, ...]:
        """Every file of the table, by name; empty where an optional table is missing.

        Raises:
            SourceError: a required table is missing, or two candidates compete.
        """
        mapped = self.mapping(table).file
        found = self._mapped(table, mapped) if mapped else self._candidates(table)
        if not found and contracts.table(table).is_required:
            present = ", ".join(sorted(entry.name for entry in self.path.iterdir())) or "nothing"
            raise SourceError(
                f"{self.path} has no {table}: write {table}.csv, {table}.csv.gz, {table}.parquet, "
                f"{table}.jsonl or a folder {table}/, or map it in {MAPPING_FILE}; found: {present}"
            )
        return found

    def _candidates(self, table: str) -> tuple[SourceFile, ...]:
        paths = [self.path / f"{table}{suffix}" for suffix in FORMATS]
        present = [path for path in (*paths, self.path / table) if path.exists()]
        if len(present) > 1:
            names = ", ".join(path.name for path in present)
            raise SourceError(
                f"{self.path} holds {table} more than once ({names}); keep one of them, "
                f"or name one as file in {MAPPING_FILE}"
            )
        return self._expand(present[0]) if present else ()

    def _mapped(self, table: str, name: str) -> tuple[SourceFile, ...]:
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise SourceError(f"{MAPPING_FILE} maps {table} to {name!r}, outside {self.path}")
        if not path.exists():
            raise SourceError(f"{MAPPING_FILE} maps {table} to {name!r}, which does not exist")
        return self._expand(self.path / name)

    def _expand(self, path: Path) -> tuple[SourceFile, ...]:
        if path.is_dir():
            members = (entry for entry in sorted(path.rglob("*")) if entry.is_file())
            return tuple(self._file(entry) for entry in members if format_of(entry) is not None)
        if format_of(path) is None:
            raise SourceError(f"{path} is none of {', '.join(FORMATS)}")
        return (self._file(path),)

    def _file(self, path: Path) -> SourceFile:
        stat = path.stat()
        return SourceFile(
            path=path,
            name=path.relative_to(self.path).as_posix(),
            format=format_of(path) or "",
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
        )


def format_of(path: Path) -> str | None:
    """`csv`, `parquet` or `jsonl`; None for anything else and for hidden or partial files."""
    if path.name.startswith((".", "_")):
        return None
    for suffix, name in FORMATS.items():
        if path.name.lower().endswith(suffix):
            return name
    return None


def _load_mappings(path: Path) -> dict[str, Mapping]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is no valid TOML: {error}") from error
    problems = list(_mapping_problems(content))
    if problems:
        raise SourceError(f"{path}: " + "; ".join(problems))
    return {
        table: Mapping(entry.get("file"), dict(entry.get("columns", {})))
        for table, entry in content.items()
    }


def _mapping_problems(content: dict[str, Any]) -> Iterable[str]:
    known = {table.name: table for table in contracts.RAW_TABLES}
    for table, entry in content.items():
        if table not in known:
            yield f"[{table}] is no raw table; there are {', '.join(sorted(known))}"
            continue
        if not isinstance(entry, dict):
            yield f"{table} must be a table with `file` and `columns`"
            continue
        for key in sorted(set(entry) - {"file", "columns"}):
            yield f"[{table}] has the unknown entry {key!r}; allowed are file and columns"
        if not isinstance(entry.get("file", ""), str):
            yield f"[{table}] file must be a name in quotes"
        mapped = entry.get("columns", {})
        if not isinstance(mapped, dict):
            yield f"[{table}] columns must be a table of SQL expressions"
            continue
        names = known[table].column_names
        for column, expression in mapped.items():
            if column not in names:
                yield f"[{table}.columns] {column} is no column; there are {', '.join(names)}"
            elif not isinstance(expression, str):
                yield f"[{table}.columns] {column} must be an SQL expression in quotes"
