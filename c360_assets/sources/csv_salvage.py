"""The slow way through a damaged CSV file: what is a row is kept, line by line.

One quote that nobody closes makes a parser take the rest of the file for one value. Here such a
line alone is lost: a row may go over several lines only if it then has the header's number of
fields. Line breaks may be of any kind, even of several in one file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_ROW_LINES = 100  # lines of one row whose values hold line breaks

Lost = tuple[int, str, str]


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the csv module take fields as long as a line may be; its limit is the process's own."""
    before = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def salvage(
    stream: IO[bytes], out: IO[str], columns: Sequence[str], blank_lines: int = 0
) -> list[Lost]:
    """Write header and rows to `out` as clean CSV; returns (line, text, problem) of each lost line.

    `blank_lines` stand before the header.
    """
    # a byte that is no UTF-8 becomes a lone surrogate, which no valid text has
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    lines = _Lines(text)
    for _ in range(blank_lines):
        lines.take(1)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    with long_fields():
        return _copy_rows(lines, writer.writerow, len(columns))


def _copy_rows(lines: _Lines, write: Callable[[Sequence[str]], object], width: int) -> list[Lost]:
    lost = []
    is_header = True
    while lines.peek(1):
        number = lines.number
        row, length, problem = _next_row(lines, width)
        taken = "".join(lines.take(length))
        if is_header:
            is_header = False
        elif row is not None:
            write(row)
        elif taken.strip("\r\n"):
            lost.append((number, _printable(taken.strip("\r\n")), problem))
    return lost


class _Lines:
    """Lines that can be looked at before they are taken; `number` is that of the next one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._seen: list[str] = []
        self.number = 1

    def peek(self, count: int) -> list[str]:
        while len(self._seen) < count and (line := next(self._lines, None)) is not None:
            self._seen.append(line)
        return self._seen[:count]

    def take(self, count: int) -> list[str]:
        taken = self.peek(count)
        del self._seen[:count]
        self.number += len(taken)
        return taken


def _next_row(lines: _Lines, width: int) -> tuple[list[str] | None, int, str]:
    """The row that starts at the next line, its number of lines, and the problem if it is none."""
    first = lines.peek(1)[0]
    if len(first) > MAX_LINE_BYTES:
        return None, 1, f"The line is longer than {MAX_LINE_BYTES} bytes."
    if _printable(first) != first:
        return None, 1, "The line is not UTF-8."
    problem = "A quote is not closed."
    for length in range(1, MAX_ROW_LINES + 1):
        taken = lines.peek(length)
        if len(taken) < length:
            break
        if length > 1 and '"' not in taken[-1]:
            continue
        try:
            (row,) = csv.reader(["".join(taken)], strict=True)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                continue
            return None, 1, str(error)
        except ValueError:
            return None, 1, ""
        if len(row) == width and "".join(taken) == _printable("".join(taken)):
            return row, length, ""
        if length == 1:
            problem = f"Expected Number of Columns: {width} Found: {len(row)}"
        return None, 1, problem
    return None, 1, problem


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
