"""From what is told of customers' scores, hour by hour, to intervals and to movements by day.

Belongs here: filling forward and folding rows of one number each. Not here: where the rows come
from (`rfm_scores`), nor dates: hours and days are numbers above 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
# a score, a state or an end that is not told
NOTHING = 0
HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Told:
    """What became of customers, sorted by customer and hour; all columns of one length.

    Each row tells at least one of the three scores (1 to 5) or the number of the customer's state
    (from 1), and NOTHING of what stays as it was. The first row of a customer tells all; only the
    monetary score may be NOTHING until there is an amount. An hour may have several rows.
    """

    customer: Integers
    hour: Integers
    recency: Integers
    frequency: Integers
    monetary: Integers
    state: Integers


@dataclass(frozen=True)
class Intervals:
    """Hours through which the three scores of a customer stayed the same.

    From `start` up to and without `end`; NOTHING where it has not ended.
    """

    customer: Integers
    start: Integers
    end: Integers
    recency: Integers
    frequency: Integers
    monetary: Integers


@dataclass(frozen=True)
class DayChanges:
    """Days that changed the scores or the state of a customer: how they were before and after.

    Where a customer was none before, what was before is NOTHING.
    """

    day: Integers
    recency_before: Integers
    frequency_before: Integers
    state_before: Integers
    recency: Integers
    frequency: Integers
    state: Integers


def folded(told: Told) -> tuple[Intervals, DayChanges]:
    """The intervals and the changes by day that follow from what was told."""
    whole = _filled(told)
    is_new = _differs(whole.customer)
    last_of_hour = np.roll(is_new | _differs(whole.hour), -1)
    whole = _rows(whole, last_of_hour)
    return _intervals(whole), _day_changes(whole)


def day_of(hour: Integers) -> Integers:
    """The day whose events an hour sums up: midnight ends the day before it."""
    return (hour - 1) // HOURS_PER_DAY


def _filled(told: Told) -> Told:
    """Every row tells everything: what it leaves out is taken from the rows before it."""
    starts = np.flatnonzero(_differs(told.customer)).astype(np.int32)
    lengths = np.diff(np.append(starts, len(told.customer)))
    first = np.repeat(starts, lengths)
    position = np.arange(len(told.customer), dtype=np.int32)

    def fill(column: Integers) -> Integers:
        where = np.where(column == NOTHING, 0, position)
        # no further back than to the customer's own first row
        return column[np.maximum(np.maximum.accumulate(where), first)]

    return Told(
        told.customer,
        told.hour,
        fill(told.recency),
        fill(told.frequency),
        fill(told.monetary),
        fill(told.state),
    )


def _intervals(whole: Told) -> Intervals:
    changes = _differs(whole.customer)
    for column in (whole.recency, whole.frequency, whole.monetary):
        changes |= _differs(column)
    kept = _rows(whole, changes)
    is_last = np.roll(_differs(kept.customer), -1)
    end = np.where(is_last, NOTHING, np.roll(kept.hour, -1)).astype(np.int32)
    return Intervals(kept.customer, kept.hour, end, kept.recency, kept.frequency, kept.monetary)


def _day_changes(whole: Told) -> DayChanges:
    day = day_of(whole.hour)
    last_of_day = np.roll(_differs(whole.customer) | _differs(day), -1)
    ends = _rows(whole, last_of_day)
    is_first = _differs(ends.customer)

    def before(column: Integers) -> Integers:
        return np.where(is_first, NOTHING, np.roll(column, 1)).astype(np.int32)

    return DayChanges(
        day_of(ends.hour),
        before(ends.recency),
        before(ends.frequency),
        before(ends.state),
        ends.recency,
        ends.frequency,
        ends.state,
    )


def _differs(column: Integers) -> Flags:
    """Where a row differs from the one before it; the first always does."""
    return np.concatenate([np.ones(min(1, len(column)), dtype=bool), column[1:] != column[:-1]])


def _rows(told: Told, chosen: Flags) -> Told:
    return Told(
        told.customer[chosen],
        told.hour[chosen],
        told.recency[chosen],
        told.frequency[chosen],
        told.monetary[chosen],
        told.state[chosen],
    )
