"""Merge files in: the folder of `merged_user*.csv` and `merged_company_domain*.csv` as rows.

Belongs here: which files count, whether each can be read at all, and its rows as they stand.
Not here: what the rows mean (`journal`), nor whether an address is one (`addresses`).

A file that cannot be read is named with its reason and leaves the others untouched. A row is
never lost: one with the wrong number of fields comes out with `problem` set. The standard
library's csv module reads, not pandas: `read_csv` cannot tell a short row from empty fields.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from c360_assets.errors import MergeFileError

Kind = Literal["user", "domain"]

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_FILE_ROWS: Final = 5_000_000
MAX_FILE_COLUMNS: Final = 100
OPTIONAL_COLUMNS: Final = ("decision", "decided_by", "decided_at", "reason")
ROW_COLUMNS: Final = ("source_file", "source_row", "old", "new", *OPTIONAL_COLUMNS, "problem")
_FIELD_COLUMNS: Final = ROW_COLUMNS[2:]
_PREFIXES: Final[dict[str, Kind]] = {"merged_user": "user", "merged_company_domain": "domain"}
_REQUIRED: Final[dict[Kind, tuple[str, str]]] = {
    "user": ("old_email", "new_email"),
    "domain": ("old_domain", "new_domain"),
}
_SHOWN_CHARACTERS: Final = 80
_BATCH_ROWS: Final = 65_536


@dataclass(frozen=True)
class MergeFile:
    """One file that was read: its name, kind, content hash and number of data rows."""

    name: str
    kind: Kind
    sha256: str
    rows: int


@dataclass(frozen=True)
class UnreadableFile:
    """One file that could not be read at all, with the reason and the remedy."""

    name: str
    reason: str


@dataclass(frozen=True)
class MergeFiles:
    """Everything that a folder of merge files says, as it stands in the files.

    `user_rows` and `domain_rows` have one row per data row and the columns ROW_COLUMNS: text
    (pandas `str`, so that a column without values is still VARCHAR to DuckDB; missing and blank
    fields are null) but for `source_row`, which counts the file's data rows from 1 (int64; blank
    lines do not count). `problem` is null except where a row has the wrong number of fields;
    `old` and `new` are null there.
    """

    user_rows: pd.DataFrame
    domain_rows: pd.DataFrame
    files: tuple[MergeFile, ...]
    unreadable: tuple[UnreadableFile, ...]


class _UnreadableError(Exception):
    """Why a file cannot be read, and the remedy; never leaves this module."""


class _Layout(NamedTuple):
    """Where the columns that matter stand in a file; the position `width` reads as missing."""

    width: int
    positions: tuple[int, ...]


def read_merge_files(folder: Path) -> MergeFiles:
    """Read every merge file directly in the folder, in the order of their names.

    Raises:
        MergeFileError: the folder itself is missing or cannot be listed. (Taking it for an
            empty one would silently take back every merge.)
    """
    frames: dict[Kind, list[pd.DataFrame]] = {"user": [], "domain": []}
    files: list[MergeFile] = []
    unreadable: list[UnreadableFile] = []
    for path, kind in merge_files_in(folder):
        try:
            frame, file = _parsed(path.name, kind, _content(path))
        except _UnreadableError as problem:
            unreadable.append(UnreadableFile(printable(path.name), str(problem)))
            continue
        frames[kind].append(frame)
        files.append(file)
    return MergeFiles(
        _stacked(frames["user"]), _stacked(frames["domain"]), tuple(files), tuple(unreadable)
    )


def read_merge_file(path: Path) -> MergeFiles:
    """Read one merge file, wherever it lies; its header tells the kind where its name does not.

    Raises:
        MergeFileError: it cannot be read; the text says why and what to do.
    """
    try:
        content = _content(path)
        kind = _kind_of(path.name, content)
        frame, file = _parsed(path.name, kind, content)
    except _UnreadableError as error:
        raise MergeFileError(f"merge file {path}: {error}") from error
    rows = {"user": _stacked([]), "domain": _stacked([]), kind: frame}
    return MergeFiles(rows["user"], rows["domain"], (file,), ())


def merge_rows(records: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Records of ROW_COLUMNS as the rows of `MergeFiles`; None where a text is missing."""
    dtypes = {name: "int64" if name == "source_row" else "str" for name in ROW_COLUMNS}
    return pd.DataFrame(records, columns=list(ROW_COLUMNS)).astype(dtypes)


def _parsed(name: str, kind: Kind, content: bytes) -> tuple[pd.DataFrame, MergeFile]:
    frame = _rows(name, kind, content)
    return frame, MergeFile(name, kind, hashlib.sha256(content).hexdigest(), len(frame))


def _kind_of(name: str, content: bytes) -> Kind:
    """The kind that the file's name tells, else that whose first column its header has."""
    for prefix, kind in _PREFIXES.items():
        if name.startswith(prefix):
            return kind
    header = _text(content).partition("\n")[0].lower()
    return "domain" if "domain" in header else "user"


def merge_files_in(folder: Path) -> list[tuple[Path, Kind]]:
    """What lies directly in the folder under the name of a merge file, in the order of names.

    Raises:
        MergeFileError: the folder is missing or cannot be listed.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise MergeFileError(
            f"the folder of merge files {folder} cannot be listed ({error.strerror}); "
            "create it, or point C360_MERGES at the right one"
        ) from error
    return [
        (path, kind)
        for path in paths
        for prefix, kind in _PREFIXES.items()
        if path.name.startswith(prefix) and path.name.endswith(".csv")
    ]


def _content(path: Path) -> bytes:
    """The bytes of a regular file of acceptable size, without NUL bytes."""
    if printable(path.name) != path.name:
        raise _UnreadableError("its name is no valid UTF-8; rename it")
    try:
        if path.is_symlink():
            raise _UnreadableError("it is a symbolic link; put the file itself into the folder")
        if not path.is_file():
            raise _UnreadableError("it is no regular file; rename it, or put a CSV in its place")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _UnreadableError(
            f"it cannot be opened ({error.strerror}); check its rights"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise _UnreadableError(f"it is larger than {MAX_FILE_BYTES:,} bytes; split it into several")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnreadableError("it is UTF-16; save it as CSV UTF-8")
    if b"\0" in content:
        raise _UnreadableError("it holds NUL bytes; it is damaged or no CSV: save it as CSV UTF-8")
    return content


def _rows(name: str, kind: Kind, content: bytes) -> pd.DataFrame:
    """The frame of one file: columns ROW_COLUMNS, one row per data row."""
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    try:
        rows = _picked(reader, _layout(kind, _header(kind, reader)))
        frame = _stacked([_text_frame(batch) for batch in _batches(rows)])
    except csv.Error as error:
        raise _UnreadableError(
            f"line {reader.line_num} is no CSV ({error}); "
            "close every quote, double quotes inside quoted fields, and keep fields short"
        ) from error
    frame["source_file"] = pd.Series([name] * len(frame), dtype="str")
    frame["source_row"] = np.arange(1, len(frame) + 1, dtype=np.int64)
    return frame[list(ROW_COLUMNS)]


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _UnreadableError(
            f"line {line} is no UTF-8 (byte {error.object[error.start]:#04x}); save it as CSV UTF-8"
        ) from error


def _header(kind: Kind, reader: Iterator[list[str]]) -> list[str]:
    """The column names, trimmed, lower case, checked."""
    raw = next((row for row in reader if not _is_blank(row)), None)
    old, new = _REQUIRED[kind]
    if raw is None:
        raise _UnreadableError(f"it is empty; its first line must be {old},{new}")
    if len(raw) > MAX_FILE_COLUMNS:
        raise _UnreadableError(
            f"it has {len(raw):,} columns, and at most {MAX_FILE_COLUMNS} are read; "
            f"keep {old},{new} and the optional {','.join(OPTIONAL_COLUMNS)}"
        )
    header = [name.strip().lower() for name in raw]
    missing = [column for column in (old, new) if column not in header]
    if missing:
        found = ",".join(header)[:_SHOWN_CHARACTERS]
        raise _UnreadableError(
            f'its header lacks {" and ".join(missing)}; it has "{found}" and must have '
            f"{old},{new}, separated by commas"
        )
    twice = [column for column in (old, new, *OPTIONAL_COLUMNS) if header.count(column) > 1]
    if twice:
        raise _UnreadableError(f"its header names {' and '.join(twice)} more than once; keep one")
    return header


def _layout(kind: Kind, header: list[str]) -> _Layout:
    width = len(header)
    wanted = (*_REQUIRED[kind], *OPTIONAL_COLUMNS)
    return _Layout(width, tuple(header.index(n) if n in header else width for n in wanted))


def _picked(reader: Iterator[list[str]], layout: _Layout) -> Iterator[tuple[str, ...]]:
    """The columns _FIELD_COLUMNS of every data row; empty text where there is nothing."""
    width, pick = layout.width, itemgetter(*layout.positions, layout.width)
    for row in reader:
        if len(row) == width:
            row.append("")  # what a column reads that the file does not have
            yield pick(row)
        elif not _is_blank(row):
            padded = [*row[:width], *[""] * (width + 1 - len(row[:width]))]
            yield ("", "", *pick(padded)[2:-1], _wrong_width(row, width))


def _batches(rows: Iterator[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    """The rows some at a time, so that few are held as Python objects."""
    count = 0
    while batch := list(islice(rows, _BATCH_ROWS)):
        count += len(batch)
        if count > MAX_FILE_ROWS:
            raise _UnreadableError(
                f"it has more than {MAX_FILE_ROWS:,} rows; split it into several"
            )
        yield batch


def _text_frame(batch: list[tuple[str, ...]]) -> pd.DataFrame:
    columns = zip(_FIELD_COLUMNS, zip(*batch, strict=True), strict=True)
    return pd.DataFrame({column: _text_series(values) for column, values in columns})


def _wrong_width(row: list[str], width: int) -> str:
    shown = ",".join(row)
    cut = shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…"
    return f'has {len(row)} fields where the header has {width}: "{cut}"'


def _is_blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _text_series(values: tuple[str, ...]) -> Any:
    """A `str` Series in which blank fields are null and the others stay as they are."""
    if not any(values):
        return pd.Series([None] * len(values), dtype="str")
    series = pd.Series(values, dtype="str")
    return series.mask(series.str.strip() == "")


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else merge_rows([])


def printable(name: str) -> str:
    """The name as text that can be stored: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
