"""Landing: text files become Parquet twins once, and `raw.<table>` becomes a view over Parquet.

Parquet files are read where they lie. A CSV or JSON-lines file is parsed once into a twin under
`landing/` that holds the file's own columns as text, so that an unchanged file is never parsed
again. The view types the columns as the contract says: what cannot be typed is null there, and
`judging` tells why. Lines that are no rows at all are kept in `ops.malformed_rows`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb

from c360_assets.contracts import Table
from c360_assets.errors import SourceError
from c360_assets.sources.casts import typed_expression
from c360_assets.sources.erased_rows import (
    PERSONAL,
    note_erased,
    tag_of,
    view_without,
    without_erased,
)
from c360_assets.sources.folder import Mapping, SourceFile, SourceFolder
from c360_assets.sources.parquet_files import parquet_rows, parquet_types
from c360_assets.sources.sql_text import identifier, literal
from c360_assets.sources.text_files import Parsed, parse_text
from c360_assets.sources.tombstones import NOBODY, Tombstones

RawValues = Literal["without", "as they are", "as text"]


@dataclass(frozen=True)
class Landed:
    """What landing one raw table did: counts of files and rows."""

    table: str
    files: int
    new_files: int
    removed_files: int
    rows_read: int
    malformed_rows: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileGroup:
    """Registered files of one table that can be read by one scan."""

    is_landed: bool
    columns: tuple[str, ...]
    types: tuple[str, ...]
    names: tuple[str, ...]
    paths: tuple[str, ...]


def land(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    landing_dir: Path,
    only: Sequence[str] | None = None,
    erased: Tombstones = NOBODY,
) -> Landed:
    """Register the table's files, parse new text files, and (re)create its raw view.

    Runs inside the caller's transaction. Twins of replaced files stay until `sweep`. With `only`
    (names of files) the others are left out, as if they were not there. Rows of `erased` people
    are left out, and count as never read.

    Raises:
        SourceError: a required file or column is missing or unreadable.
    """
    files = tuple(f for f in folder.files(table.name) if only is None or f.name in only)
    known = _registered(connection, table.name, folder)
    tag = _mapping_tag(folder.mapping(table.name)) + tag_of(table, erased)
    current = {file.name: f"{file.fingerprint}{tag}" for file in files}
    gone = [name for name in known if name not in current]
    changed = [file for file in files if known.get(file.name) != current[file.name]]
    _forget(connection, table.name, [*gone, *(file.name for file in changed)])
    unreadable = []
    for file in changed:
        try:
            parsed, path, types = _read(
                connection, folder, table, file, current, landing_dir, erased
            )
            _register(connection, table, file, current[file.name], parsed, path, types)
        except SourceError as error:
            if len(files) == 1:
                raise
            unreadable.append(f"{file.name}: {error}")
            _register_unreadable(connection, table, file, current[file.name], str(error))
    create_view(connection, folder, table)
    return _summary(connection, table.name, len(changed), len(gone), tuple(unreadable))


def create_view(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    only_files: Iterable[str] | None = None,
) -> None:
    """(Re)create `raw.<table>` over the registered files, or over `only_files` of them."""
    selects = [
        view_select(connection, folder, table, group)
        for group in file_groups(connection, table.name, only_files)
    ]
    body = "\nunion all by name\n".join(selects) if selects else _empty_select(table)
    connection.execute(f"create or replace view {table.qualified_name} as\n{body}")


def sweep(connection: duckdb.DuckDBPyConnection, landing_dir: Path) -> int:
    """Delete landed twins that no registered file uses; returns how many. Call after a commit."""
    rows = connection.execute("select data_path from ops.source_files where is_landed").fetchall()
    used = {row[0] for row in rows}
    stale = [path for path in landing_dir.glob("*/*") if str(path) not in used]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def file_groups(
    connection: duckdb.DuckDBPyConnection, table: str, only_files: Iterable[str] | None = None
) -> tuple[FileGroup, ...]:
    """The readable registered files of a table, grouped by what one scan can read together."""
    rows = connection.execute(
        "select source_file, data_path, is_landed, file_columns, file_types from ops.source_files"
        # a file in which no line is a row has no columns
        " where source_table = ? and problem is null and len(file_columns) > 0"
        " order by source_file",
        [table],
    ).fetchall()
    wanted = None if only_files is None else set(only_files)
    groups: dict[tuple[bool, tuple[str, ...], tuple[str, ...]], dict[str, str]] = {}
    for name, path, is_landed, columns, types in rows:
        if wanted is None or name in wanted:
            groups.setdefault((is_landed, tuple(columns), tuple(types)), {})[name] = path
    return tuple(
        FileGroup(*key, tuple(files), tuple(files.values())) for key, files in groups.items()
    )


def view_select(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    group: FileGroup,
    raw_values: RawValues = "without",
) -> str:
    """The SELECT that types one group of files; with `<column>__raw` beside each on request."""
    expressions = column_expressions(folder.mapping(table.name), table, group)
    # the engine's own name for the file's path, unless the file has such a column
    filename = "c360_filename" if "filename" in map(str.lower, group.columns) else "filename"
    named = "" if filename == "filename" else f", filename = '{filename}'"
    scan = f"read_parquet([{', '.join(literal(path) for path in group.paths)}]{named})"
    types = _physical_types(connection, expressions, group)
    typed = [
        f"{typed_expression(expressions[c.name], types[c.name], c, group.is_landed)}"
        f" as {identifier(c.name)}"
        for c in table.columns
    ]
    as_read = expressions
    if raw_values == "as text":
        as_read = {name: f"cast({sql} as varchar)" for name, sql in expressions.items()}
    raw = [f"{as_read[c.name]} as {identifier(c.name + '__raw')}" for c in table.columns]
    raw = raw if raw_values != "without" else []
    origin = (
        ["source_file", "source_row"]
        if group.is_landed
        else [
            f"replace({filename}, {literal(f'{folder.path}/')}, '') as source_file",
            "file_row_number + 1 as source_row",
        ]
    )
    chosen = [*typed, *raw, *origin]
    select = "select\n    " + ",\n    ".join(chosen) + f"\nfrom {scan}"
    if group.is_landed:
        return select
    names = [*table.column_names, *(f"{c}__raw" for c in table.column_names if raw)]
    return view_without(connection, table, select, names)


def rows_as_read(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    only_files: Iterable[str] | None = None,
) -> str:
    """The SELECT of all files' rows, or of `only_files`, typed and as read; "" for no file."""
    groups = file_groups(connection, table.name, only_files)
    # one column may be a UUID in this file and an integer in that one
    raw_values: RawValues = "as they are" if len(groups) == 1 else "as text"
    return "\nunion all by name\n".join(
        view_select(connection, folder, table, group, raw_values) for group in groups
    )


def column_expressions(mapping: Mapping, table: Table, group: FileGroup) -> dict[str, str]:
    """Per contract column the SQL expression over the file's columns.

    Raises:
        SourceError: a required column is neither mapped nor in the file.
    """
    found = {name.strip().lower(): name for name in group.columns}
    expressions = {}
    missing = []
    for column in table.columns:
        if column.name in mapping.columns:
            expressions[column.name] = f"({mapping.columns[column.name]})"
        elif column.name in found:
            expressions[column.name] = identifier(found[column.name])
        elif column.is_optional:
            expressions[column.name] = f"cast(null as {column.type})"
        else:
            missing.append(column.name)
    if missing:
        raise SourceError(
            f"{group.names[0]} ({table.name}) lacks {', '.join(missing)}; it has "
            f"{', '.join(group.columns) or 'no column'}. Rename a column or map it in sources.toml"
        )
    return expressions


def _mapping_tag(mapping: Mapping) -> str:
    if not mapping.columns:
        return ""
    content = json.dumps(mapping.columns, sort_keys=True)
    return "-" + hashlib.sha256(content.encode()).hexdigest()[:8]


def _registered(
    connection: duckdb.DuckDBPyConnection, table: str, folder: SourceFolder
) -> dict[str, str]:
    """Fingerprints by file; none that fits where the twin is lost or the file lay elsewhere."""
    rows = connection.execute(
        "select source_file, fingerprint, data_path, is_landed from ops.source_files"
        " where source_table = ?",
        [table],
    ).fetchall()
    return {
        name: fingerprint
        if (Path(path).exists() if is_landed else path == str(folder.path / name))
        else ""
        for name, fingerprint, path, is_landed in rows
    }


def _forget(connection: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> None:
    for relation in ("source_files", "malformed_rows", "erased_rows"):
        connection.execute(
            f"delete from ops.{relation} where source_table = ? and source_file in"
            " (select unnest(?::varchar[]))",
            [table, list(names)],
        )


def _read(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    file: SourceFile,
    fingerprints: dict[str, str],
    landing_dir: Path,
    erased: Tombstones,
) -> tuple[Parsed, Path, dict[str, str]]:
    """What a file holds, where its rows lie, and the types of its columns (of Parquet alone)."""
    if file.format == "parquet":
        path, types = file.path, parquet_types(connection, file)
        parsed = Parsed(tuple(types), parquet_rows(connection, file), ())
    else:
        path, types = _twin_path(table, file, fingerprints[file.name], landing_dir), {}
        parsed = parse_text(connection, file, path)
    if not erased or table.name not in PERSONAL or not parsed.columns:
        return parsed, path, types
    group = FileGroup(not types, parsed.columns, (), (file.name,), (str(path),))
    expressions = column_expressions(folder.mapping(table.name), table, group)
    if not types:
        return without_erased(connection, table, expressions, path, parsed, erased), path, types
    left_out = note_erased(connection, table, expressions, (file.name, path), erased)
    return replace(parsed, rows=parsed.rows - left_out), path, types


def _register(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    file: SourceFile,
    fingerprint: str,
    parsed: Parsed,
    path: Path,
    types: dict[str, str],
) -> None:
    connection.execute(
        "insert into ops.source_files values (?, ?, ?, ?, ?, ?, ?, ?, null, ?)",
        [
            table.name,
            file.name,
            fingerprint,
            str(path),
            file.format != "parquet",
            list(parsed.columns),
            parsed.rows + len(parsed.malformed),
            len(parsed.malformed),
            list(types.values()),
        ],
    )
    connection.execute(
        "insert into ops.malformed_rows select ?, ?, unnest(?::bigint[]), 'malformed_row',"
        " unnest(?::varchar[])",
        [
            table.name,
            file.name,
            [row for row, _ in parsed.malformed],
            [text for _, text in parsed.malformed],
        ],
    )


def _register_unreadable(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    file: SourceFile,
    fingerprint: str,
    problem: str,
) -> None:
    connection.execute(
        "insert into ops.source_files values (?, ?, ?, ?, false, [], 1, 1, ?, [])",
        [table.name, file.name, fingerprint, str(file.path), problem],
    )
    connection.execute(
        "insert into ops.malformed_rows values (?, ?, null, 'unreadable_file', ?)",
        [table.name, file.name, json.dumps({"problem": problem})],
    )


def _twin_path(table: Table, file: SourceFile, fingerprint: str, landing_dir: Path) -> Path:
    stem = re.sub(r"[^A-Za-z0-9]+", "_", file.name)
    digest = hashlib.sha256(f"{file.path}|{fingerprint}".encode()).hexdigest()[:12]
    target = landing_dir / table.name / f"{stem}-{digest}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _physical_types(
    connection: duckdb.DuckDBPyConnection, expressions: dict[str, str], group: FileGroup
) -> dict[str, str]:
    chosen = ", ".join(f"{sql} as {identifier(name)}" for name, sql in expressions.items())
    try:
        rows = connection.execute(
            f"describe select {chosen} from read_parquet({literal(group.paths[0])})"
        ).fetchall()
    except duckdb.Error as error:
        raise SourceError(
            f"an expression of sources.toml does not fit {group.names[0]}: {_first_line(error)}"
        ) from error
    return {row[0]: str(row[1]) for row in rows}


def _empty_select(table: Table) -> str:
    typed = ", ".join(f"cast(null as {c.type}) as {identifier(c.name)}" for c in table.columns)
    origin = "cast(null as varchar) as source_file, cast(null as bigint) as source_row"
    return f"select {typed}, {origin} where false"


def _summary(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    new_files: int,
    removed: int,
    unreadable: tuple[str, ...],
) -> Landed:
    files, rows, malformed = connection.execute(
        "select count(*), coalesce(sum(rows_read), 0)::bigint,"
        " coalesce(sum(malformed_rows), 0)::bigint from ops.source_files where source_table = ?",
        [table],
    ).fetchall()[0]
    return Landed(table, files, new_files, removed, rows, malformed, unreadable)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
