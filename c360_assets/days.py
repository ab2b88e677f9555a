"""Calendar days as the partitions use them. Imports none of the rest, like `errors`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta


def spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """The days as runs of consecutive ones, each (first, last), in order."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def in_days(column: str, days: Iterable[date]) -> str:
    """SQL: the column is one of these days, written as ranges so that storage can be skipped."""
    ranges = [f"{column} between date '{first}' and date '{last}'" for first, last in spans(days)]
    return " or ".join(ranges) or "false"


def joined(ranges: list[tuple[date, date]], at_most: int) -> list[tuple[date, date]]:
    """As `at_most` ranges that cover the same days: the smallest gaps are closed first."""
    gaps = [(ranges[i + 1][0] - ranges[i][1], i) for i in range(len(ranges) - 1)]
    closed = {i for _, i in sorted(gaps)[: max(len(ranges) - at_most, 0)]}
    found: list[tuple[date, date]] = []
    for i, (first, last) in enumerate(ranges):
        if i - 1 in closed:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def days_in(ranges: Iterable[tuple[date, date]]) -> list[date]:
    """Every day of the ranges, in their order."""
    return [
        first + timedelta(days=n) for first, last in ranges for n in range((last - first).days + 1)
    ]


def write_spans(ranges: Iterable[tuple[date, date]]) -> str:
    """The ranges as text, such as `2021-11-03..2021-11-05 2021-11-09`."""
    return " ".join(f"{first}" if first == last else f"{first}..{last}" for first, last in ranges)


def read_spans(text: str) -> list[tuple[date, date]]:
    """The ranges that `write_spans` wrote.

    Raises:
        ValueError: a part is no day and no range of days.
    """
    found = []
    for part in text.split():
        first, _, last = part.partition("..")
        try:
            span = (date.fromisoformat(first), date.fromisoformat(last or first))
        except ValueError as error:
            raise ValueError(
                f"{part!r} is no range of days; write 2021-11-03 or 2021-11-03..2021-11-05"
            ) from error
        found.append(span)
    return found
