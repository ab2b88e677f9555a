"""Landing: text files become Parquet twins once, and `raw.<table>` becomes a view over Parquet.

Parquet files are read where they lie. A CSV or JSON-lines file is parsed once into a twin under
`landing/` that holds the file's own columns as text, so that an unchanged file is never parsed
again. The view types the columns as the contract says: what cannot be typed is null there, and
`judging` tells why. Lines that are no rows at all are kept in `ops.malformed_rows`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from c360_assets import contracts
from c360_assets.contracts import Column, Table
from c360_assets.errors import SourceError
from c360_assets.sources.folder import Mapping, SourceFile, SourceFolder

MAX_HEADER_BYTES = 1024 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024



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
    paths: tuple[str, ...]


def land(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    landing_dir: Path,
    only: Sequence[str] | None = None,
) -> Landed:
    """Register the table's files, parse new text files, and (re)create its raw view.

    Runs inside the caller's transaction. Twins of replaced files stay until `sweep`. With `only`
    (names of files) the others are left out, as if they were not there.

    Raises:
        SourceError: a required file or column is missing or unreadable.
    """
    files = tuple(f for f in folder.files(table.name) if only is None or f.name in only)
    known = _registered(connection, table.name)
    tag = _mapping_tag(folder.mapping(table.name))
    current = {file.name: f"{file.fingerprint}{tag}" for file in files}
    gone = [name for name in known if name not in current]
    changed = [file for file in files if known.get(file.name) != current[file.name]]
    _forget(connection, table.name, [*gone, *(file.name for file in changed)])
    unreadable = []
    for file in changed:
        try:
            _register(connection, table, file, current[file.name], landing_dir)
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
        "select source_file, data_path, is_landed, file_columns from ops.source_files"
        " where source_table = ? and problem is null order by source_file",
        [table],
    ).fetchall()
    wanted = None if only_files is None else set(only_files)
    groups: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
    for name, path, is_landed, columns in rows:
        if wanted is None or name in wanted:
            groups.setdefault((is_landed, tuple(columns)), []).append(path)
    return tuple(FileGroup(*key, tuple(paths)) for key, paths in groups.items())


def view_select(
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    group: FileGroup,
    with_raw_values: bool = False,
) -> str:
    """The SELECT that types one group of files; with `<column>__raw` beside each on request."""
    expressions = column_expressions(folder.mapping(table.name), table, group)
    scan = f"read_parquet([{', '.join(_quote(path) for path in group.paths)}])"
    types = _physical_types(connection, expressions, group)
    typed = [
        f"{typed_expression(expressions[c.name], types[c.name], c, group.is_landed)} as {_name(c.name)}"
        for c in table.columns
    ]
    raw = [f"{expressions[c.name]} as {_name(c.name + '__raw')}" for c in table.columns]
    origin = (
        ["source_file", "source_row"]
        if group.is_landed
        else [
            f"replace(filename, {_quote(f'{folder.path}/')}, '') as source_file",
            "file_row_number + 1 as source_row",
        ]
    )
    chosen = [*typed, *(raw if with_raw_values else []), *origin]
    return "select\n    " + ",\n    ".join(chosen) + f"\nfrom {scan}"


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
            expressions[column.name] = _name(found[column.name])
        elif column.is_optional:
            expressions[column.name] = f"cast(null as {column.type})"
        else:
            missing.append(column.name)
    if missing:
        raise SourceError(
            f"{Path(group.paths[0]).name} ({table.name}) lacks {', '.join(missing)}; it has "
            f"{', '.join(group.columns) or 'no column'}. Rename a column or map it in sources.toml"
        )
    return expressions


def typed_expression(expression: str, physical: str, column: Column, is_text: bool) -> str:
    """The expression cast to the column's contract type; what cannot be cast becomes null."""
    if column.type == "VARCHAR":
        if is_text:
            return f"nullif(trim({expression}), '')"
        return expression if physical == "VARCHAR" else f"cast({expression} as varchar)"
    if column.type in ("TIMESTAMP", "DATE"):
        if physical == "VARCHAR":
            # a cast straight to timestamp would drop an offset such as +02:00
            return f"try_cast(try_cast({expression} as timestamptz) as {column.type})"
        is_time = physical.startswith(("TIMESTAMP", "DATE")) or physical == '"NULL"'
        return f"cast({expression if is_time else 'null'} as {column.type})"
    if physical == "VARCHAR":
        plain = f"replace(replace(trim({expression}), '$', ''), ',', '')"
        if column.type == "BIGINT":
            whole = f"regexp_full_match({plain}, '[+-]?[0-9]+([.]0+)?')"
            return f"case when {whole} then try_cast({plain} as bigint) end"
        return f"try_cast({plain} as {column.type})"
    return f"try_cast({expression} as {column.type})"


def _mapping_tag(mapping: Mapping) -> str:
    if not mapping.columns:
        return ""
    return "-" + hashlib.sha256(json.dumps(mapping.columns, sort_keys=True).encode()).hexdigest()[:8]


def _registered(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(
        "select source_file, fingerprint from ops.source_files where source_table = ?", [table]
    ).fetchall()
    return dict(rows)


def _forget(connection: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> None:
    for relation in ("source_files", "malformed_rows"):
        connection.execute(
            f"delete from ops.{relation} where source_table = ? and source_file in"
            " (select unnest(?::varchar[]))",
            [table, list(names)],
        )


def _register(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    file: SourceFile,
    fingerprint: str,
    landing_dir: Path,
) -> None:
    if file.format == "parquet":
        data_path, columns, rows, malformed = _inspect_parquet(connection, file)
    else:
        data_path, columns, rows, malformed = _land_text(
            connection, table, file, fingerprint, landing_dir
        )
    connection.execute(
        "insert into ops.source_files values (?, ?, ?, ?, ?, ?, ?, ?, null)",
        [
            table.name,
            file.name,
            fingerprint,
            data_path,
            file.format != "parquet",
            columns,
            rows + malformed,
            malformed,
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
        "insert into ops.source_files values (?, ?, ?, ?, false, [], 1, 1, ?)",
        [table.name, file.name, fingerprint, str(file.path), problem],
    )
    connection.execute(
        "insert into ops.malformed_rows values (?, ?, null, 'unreadable_file', ?)",
        [table.name, file.name, json.dumps({"problem": problem})],
    )


def _inspect_parquet(
    connection: duckdb.DuckDBPyConnection, file: SourceFile
) -> tuple[str, list[str], int, int]:
    try:
        described = connection.execute(
            "describe select * from read_parquet(?)", [str(file.path)]
        ).fetchall()
        rows = connection.execute(
            "select sum(num_rows)::bigint from parquet_file_metadata(?)", [str(file.path)]
        ).fetchall()[0][0]
    except duckdb.Error as error:
        raise SourceError(
            f"{file.path} is no readable Parquet file: {_first_line(error)}; write it again"
        ) from error
    return str(file.path), [row[0] for row in described], int(rows or 0), 0


def _land_text(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    file: SourceFile,
    fingerprint: str,
    landing_dir: Path,
) -> tuple[str, list[str], int, int]:
    stem = re.sub(r"[^A-Za-z0-9]+", "_", file.name)
    digest = hashlib.sha256(f"{file.path}|{fingerprint}".encode()).hexdigest()[:12]
    target = landing_dir / table.name / f"{stem}-{digest}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    reader = _land_csv if file.format == "csv" else _land_jsonl
    try:
        columns, malformed = reader(connection, table.name, file, target)
    except duckdb.Error as error:
        raise SourceError(
            f"{file.path} cannot be read as {file.format}: {_first_line(error)}"
        ) from error
    rows = connection.execute(
        "select sum(num_rows)::bigint from parquet_file_metadata(?)", [str(target)]
    ).fetchall()[0][0]
    return str(target), columns, int(rows or 0), malformed


def _land_csv(
    connection: duckdb.DuckDBPyConnection, table: str, file: SourceFile, target: Path
) -> tuple[list[str], int]:
    columns = csv_header(file.path)
    spec = ", ".join(f"{_quote(name)}: 'VARCHAR'" for name in columns)
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    connection.execute(
        f"copy (select {_quote(file.name)} as source_file, row_number() over () as source_row, *"
        f" from read_csv({_quote(str(file.path))}, header = true, auto_detect = false,"
        f" columns = {{{spec}}}, delim = ',', quote = '\"', escape = '\"', comment = '',"
        f" max_line_size = {MAX_LINE_BYTES}, store_rejects = true))"
        f" to {_quote(str(target))} (format parquet)"
    )
    connection.execute(
        "insert into ops.malformed_rows select ?, ?, null, 'malformed_row',"
        " to_json({line: line, text: trim(any_value(csv_line), chr(13) || chr(10)),"
        " problem: any_value(error_message)}) from reject_errors group by line",
        [table, file.name],
    )
    return columns, _malformed(connection, table, file.name)


def csv_header(path: Path) -> list[str]:
    """The column names of a CSV file, made unique; plain or gzip.

    Raises:
        SourceError: the file is empty, binary, not UTF-8, or its header is no header.
    """
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            head = stream.read(MAX_HEADER_BYTES)
    except (OSError, EOFError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    if not head.strip():
        raise SourceError(f"{path} is empty; write at least its header line, or remove it")
    if b"\x00" in head[:4096]:
        raise SourceError(f"{path} is a binary file, not CSV; was it renamed?")
    text = head.decode("utf-8-sig", errors="replace")
    first = next(csv.reader(text.splitlines(keepends=True)))
    if "�" in "".join(first):
        raise SourceError(f"{path}: the header is not UTF-8; save the file as UTF-8")
    return _unique(first)


def _unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for position, raw in enumerate(names, start=1):
        name = raw.strip() or f"column_{position}"
        count = seen.get(name.lower(), 0)
        seen[name.lower()] = count + 1
        unique.append(name if count == 0 else f"{name}_{count + 1}")
    return unique


def _land_jsonl(
    connection: duckdb.DuckDBPyConnection, table: str, file: SourceFile, target: Path
) -> tuple[list[str], int]:
    lines = f"read_ndjson_objects({_quote(str(file.path))}, ignore_errors = true)"
    keys = connection.execute(
        f"select distinct unnest(json_keys(json)) as key from {lines}"
        " where json_type(json) = 'OBJECT' order by key"
    ).fetchall()
    columns = [key for (key,) in keys]
    fields = "".join(f", json ->> {_quote(_json_path(key))} as {_name(key)}" for key in columns)
    numbered = f"(select row_number() over () as source_row, json from {lines})"
    connection.execute(
        f"copy (select {_quote(file.name)} as source_file, source_row{fields} from {numbered}"
        f" where json_type(json) = 'OBJECT') to {_quote(str(target))} (format parquet)"
    )
    connection.execute(
        "insert into ops.malformed_rows select ?, ?, source_row, 'malformed_row',"
        f" coalesce(json::varchar, '{{}}') from {numbered}"
        " where json_type(json) is distinct from 'OBJECT'",
        [table, file.name],
    )
    return columns, _malformed(connection, table, file.name)


def _malformed(connection: duckdb.DuckDBPyConnection, table: str, file: str) -> int:
    rows = connection.execute(
        "select count(*) from ops.malformed_rows where source_table = ? and source_file = ?",
        [table, file],
    ).fetchall()
    return int(rows[0][0])


def _physical_types(
    connection: duckdb.DuckDBPyConnection, expressions: dict[str, str], group: FileGroup
) -> dict[str, str]:
    chosen = ", ".join(f"{sql} as {_name(name)}" for name, sql in expressions.items())
    try:
        rows = connection.execute(
            f"describe select {chosen} from read_parquet({_quote(group.paths[0])})"
        ).fetchall()
    except duckdb.Error as error:
        raise SourceError(
            f"an expression of sources.toml does not fit {Path(group.paths[0]).name}: "
            f"{_first_line(error)}"
        ) from error
    return {row[0]: str(row[1]) for row in rows}


def _empty_select(table: Table) -> str:
    typed = ", ".join(f"cast(null as {c.type}) as {_name(c.name)}" for c in table.columns)
    return f"select {typed}, cast(null as varchar) as source_file, cast(null as bigint) as source_row where false"


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


def _json_path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


