"""CSV and JSON-lines files to Parquet, every column as text; lines that are no rows are kept apart.

Belongs here: telling rows from lines that are none. Not here: what a column means (see `landing`).
The engine reads a file on a connection of its own, since an error there aborts a transaction.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import IO

import duckdb

from c360_assets.errors import SourceError
from c360_assets.sources.csv_salvage import MAX_LINE_BYTES, salvage
from c360_assets.sources.folder import SourceFile
from c360_assets.sources.sql_text import identifier, literal

MAX_HEADER_BYTES = 1024 * 1024
MAX_KEPT_CHARACTERS = 10_000  # of a line that is no row; the engine keeps as many
ORIGIN = ("source_file", "source_row")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Parsed:
    """What a text file held: columns, number of rows, and (row or None, JSON) per line lost."""

    columns: tuple[str, ...]
    rows: int
    malformed: tuple[tuple[int | None, str], ...]


def parse_text(connection: duckdb.DuckDBPyConnection, file: SourceFile, target: Path) -> Parsed:
    """Write the file's rows to `target` with `source_file` and `source_row` (from 1) before them.

    Raises:
        SourceError: the file is empty, binary or damaged, or has no usable header.
    """
    parse = _parse_csv if file.format == "csv" else _parse_jsonl
    try:
        with connection.cursor() as scratch:
            columns, malformed = parse(scratch, file, target)
            rows = scratch.execute(
                "select sum(num_rows)::bigint from parquet_file_metadata(?)", [str(target)]
            ).fetchall()[0][0]
    except (duckdb.Error, OSError, EOFError, zlib.error) as error:
        first_line = str(error).strip().splitlines()[0]
        raise SourceError(f"{file.path} cannot be read as {file.format}: {first_line}") from error
    return Parsed(tuple(columns), int(rows or 0), tuple(malformed))


def csv_header(path: Path) -> tuple[list[str], int]:
    """The column names of a CSV file, made unique, and how many blank lines stand before them.

    Raises:
        SourceError: the file is empty, binary, not UTF-8, or its header is no header.
    """
    try:
        with _opened(path) as stream:
            head = stream.read(MAX_HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    if not head.strip():
        raise SourceError(f"{path} is empty; write at least its header line, or remove it")
    if b"\x00" in head[:4096]:
        raise SourceError(f"{path} is a binary file, not CSV; was it renamed?")
    text = io.StringIO(head.decode("utf-8-sig", errors="replace"), newline="")
    blank_lines = len(list(takewhile(lambda line: not line.strip(), text)))
    text.seek(0)
    try:
        rows = csv.reader(text, strict=True)
        first = next(row for row in rows if any(name.strip() for name in row))
    except (csv.Error, StopIteration) as error:
        raise SourceError(f"{path}: the header cannot be read: {error}") from error
    if "�" in "".join(first):
        raise SourceError(f"{path}: the header is not UTF-8; save the file as UTF-8")
    return unique_names(first), blank_lines


def unique_names(names: Sequence[str]) -> list[str]:
    """Names trimmed and told apart, whatever their case: a second `id` becomes `id_2`."""
    taken = set(ORIGIN)
    unique = []
    for position, raw in enumerate(names, start=1):
        name = candidate = raw.strip() or f"column_{position}"
        number = 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def _opened(path: Path) -> IO[bytes]:
    is_packed = path.name.lower().endswith(".gz")
    return gzip.open(path, "rb") if is_packed else path.open("rb")  # type: ignore[return-value]


def _parse_csv(
    scratch: duckdb.DuckDBPyConnection, file: SourceFile, target: Path
) -> tuple[list[str], list[tuple[int | None, str]]]:
    columns, blank_lines = csv_header(file.path)
    try:
        _copy_csv(scratch, file.path, file.name, columns, target, blank_lines)
        rejects = list(_rejects(scratch))
        if not any(_swallowed_others(text, problem) for _, text, problem in rejects):
            return columns, [(None, _as_json(*reject)) for reject in rejects]
    except duckdb.InvalidInputException:
        pass  # line breaks of several kinds, among others; the slow way takes them
    mended = target.with_suffix(".csv")
    try:
        with _opened(file.path) as stream, mended.open("w", encoding="utf-8", newline="") as out:
            lost = salvage(stream, out, columns, blank_lines)
        _copy_csv(scratch, mended, file.name, columns, target)
        rejects = [*lost, *_rejects(scratch)]
    finally:
        mended.unlink(missing_ok=True)
    return columns, [(None, _as_json(*reject)) for reject in rejects]


def _copy_csv(
    scratch: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    columns: Sequence[str],
    target: Path,
    blank_lines: int = 0,
) -> None:
    spec = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    scratch.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    scratch.execute(
        f"copy (select {literal(name)} as source_file, row_number() over () as source_row, *"
        f" from read_csv({literal(str(path))}, header = true, auto_detect = false,"
        f" columns = {{{spec}}}, delim = ',', quote = '\"', escape = '\"', comment = '',"
        f" skip = {blank_lines}, max_line_size = {MAX_LINE_BYTES}, store_rejects = true))"
        f" to {literal(str(target))} (format parquet)"
    )


def _rejects(scratch: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, str]]:
    """(line, text, problem) of each line that the engine could not read."""
    rows = scratch.execute(
        "select line, trim(any_value(csv_line), chr(13) || chr(10)), any_value(error_message)"
        " from reject_errors group by line order by line"
    ).fetchall()
    yield from ((int(line), text or "", problem) for line, text, problem in rows)


def _swallowed_others(text: str, problem: str) -> bool:
    """Whether a quote that nobody closed took the lines after it along."""
    is_long = "\n" in text or "\r" in text or len(text) >= MAX_KEPT_CHARACTERS
    return "unterminated quote" in problem and is_long


def _as_json(line: int, text: str, problem: str) -> str:
    kept = {"line": line, "text": text[:MAX_KEPT_CHARACTERS], "problem": problem}
    return json.dumps(kept, ensure_ascii=False)


def _parse_jsonl(
    scratch: duckdb.DuckDBPyConnection, file: SourceFile, target: Path
) -> tuple[list[str], list[tuple[int | None, str]]]:
    with file.path.open("rb") as stream:
        head = stream.read(MAX_HEADER_BYTES)
    if not head.removeprefix(_BOM).strip():
        raise SourceError(f"{file.path} is empty; write a JSON object a line, or remove it")
    if not head.startswith(_BOM):
        return _copy_jsonl(scratch, file.path, file.name, target)
    without_mark = target.with_suffix(".jsonl")
    try:
        without_mark.write_bytes(file.path.read_bytes().removeprefix(_BOM))
        return _copy_jsonl(scratch, without_mark, file.name, target)
    finally:
        without_mark.unlink(missing_ok=True)


def _copy_jsonl(
    scratch: duckdb.DuckDBPyConnection, path: Path, name: str, target: Path
) -> tuple[list[str], list[tuple[int | None, str]]]:
    lines = f"read_ndjson_objects({literal(str(path))}, ignore_errors = true)"
    keys = scratch.execute(
        f"select distinct unnest(json_keys(json)) as key from {lines}"
        " where json_type(json) = 'OBJECT' order by key"
    ).fetchall()
    columns = _merged_keys(key for (key,) in keys)
    fields = "".join(
        f", coalesce({', '.join(f'json ->> {literal(_json_path(key))}' for key in spellings)})"
        f" as {identifier(column)}"
        for column, spellings in columns.items()
    )
    numbered = f"(select row_number() over () as source_row, json from {lines})"
    scratch.execute(
        f"copy (select {literal(name)} as source_file, source_row{fields} from {numbered}"
        f" where json_type(json) = 'OBJECT') to {literal(str(target))} (format parquet)"
    )
    broken = scratch.execute(
        f"select source_row from {numbered} where json_type(json) is distinct from 'OBJECT'"
    ).fetchall()
    return list(columns), list(_broken_lines(path, {row for (row,) in broken}))


def _merged_keys(keys: Iterable[str]) -> dict[str, list[str]]:
    """Column names, and the keys that are spellings of each: `ID` and ` id ` are one column."""
    spellings: dict[str, list[str]] = {}
    for key in keys:
        spellings.setdefault(key.strip().lower(), []).append(key)
    return dict(zip(unique_names(list(spellings)), spellings.values(), strict=True))


def _broken_lines(path: Path, rows: set[int]) -> Iterator[tuple[int | None, str]]:
    """The text of these rows; blank lines are none."""
    if not rows:
        return
    with path.open("rb") as stream:
        number = 0
        for line, content in enumerate(stream, start=1):
            number += bool(content.strip())
            if content.strip() and number in rows:
                text = content[: 4 * MAX_KEPT_CHARACTERS].decode("utf-8", "replace").strip()
                yield number, _as_json(line, text, "This is no JSON object.")


def _json_path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'
