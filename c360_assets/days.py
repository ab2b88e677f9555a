"""Calendar days as the partitions use them. Imports none of the rest, like `errors`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """The days as runs of consecutive ones, each (first, last), in order."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
