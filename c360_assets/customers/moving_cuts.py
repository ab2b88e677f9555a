"""Cut values of a population that moves: which values score what, hour by hour.

A population of values (one per customer) is cut by its percentiles. A value scores 1, and one more
for each cut that its percentile reaches. Only the members that move are touched from one hour to
the next, and only the values that change their score are told.

The percentile is SQL's `percent_rank`: of the other members of the population, the share that lies
below. It reaches a cut as soon as enough members lie below, so that a cut comes down to one member
of the ordered population: whoever is above that member's value has reached the cut. Members are
found by counts per value, added up in blocks of about the square root of the number of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]
# stands for "no value" where somebody joins the population
NO_VALUE = -1
SMALLEST_BLOCK = 16


@dataclass(frozen=True)
class Moves:
    """What moves in each of several hours.

    Values are numbered from 0 in rising order, and `present` counts the members of each before the
    first hour. In hour i members leave the values `leaving[leaving_starts[i]:leaving_starts[i+1]]`
    and enter the values cut out of `entering` in the same way.
    """

    present: Integers
    leaving: Integers
    leaving_starts: Integers
    entering: Integers
    entering_starts: Integers

    @property
    def number_of_hours(self) -> int:
        """The hours in which anything may move."""
        return len(self.entering_starts) - 1


@dataclass(frozen=True)
class Cuts:
    """What came of the moves.

    `limits[i, j]` is the largest value that has not reached cut j in hour i; where none can reach
    it, the number of values. `hour`, `value` and `score` tell of each value that some member had
    while its score changed: the hour (its index) from which on it has the score.
    """

    limits: Integers
    hour: Integers
    value: Integers
    score: Integers


def moves_of(
    hour: Integers, before: Integers, after: Integers, number_of_hours: int, present: Integers
) -> Moves:
    """The moves of members from the value `before` to the value `after`, either may be NO_VALUE.

    `hour` is the index of the hour of each move, rising. Shapes: one entry per move.
    """
    edges = np.arange(number_of_hours + 1)
    leaves, enters = before != NO_VALUE, after != NO_VALUE
    return Moves(
        present,
        before[leaves],
        np.searchsorted(hour[leaves], edges),
        after[enters],
        np.searchsorted(hour[enters], edges),
    )


def follow(moves: Moves, cuts: Sequence[float]) -> Cuts:
    """Follow the limits of the rising `cuts` (shares between 0 and 1) through all moves."""
    population = _Population(moves.present)
    sizes = int(moves.present.sum()) + moves.entering_starts[1:] - moves.leaving_starts[1:]
    needed = np.stack([members_below(cut, sizes) for cut in cuts], axis=1)
    limits = np.empty(needed.shape, dtype=np.int64)
    size = np.array([moves.present.sum()])
    before = population.limits(np.concatenate([members_below(cut, size) for cut in cuts]))
    crossings = _Crossings()
    for hour in range(moves.number_of_hours):
        left, entered = (
            moves.leaving_starts[hour : hour + 2],
            moves.entering_starts[hour : hour + 2],
        )
        population.move(moves.leaving[left[0] : left[1]], moves.entering[entered[0] : entered[1]])
        now = population.limits(needed[hour])
        limits[hour] = now
        if (before != now).any():
            values = population.between(before, now)
            crossings.add(hour, values, 1 + np.searchsorted(now, values, side="left"))
        before = now
    return crossings.told(limits)


def members_below(cut: float, sizes: Integers) -> Integers:
    """How many of populations of these sizes must lie below a member that reaches the cut.

    The smallest number whose share of the other members is at least `cut`, in the arithmetic of
    doubles in which engines compute `percent_rank`: 3 / 10 reaches the cut 0.3, and 0.1 * 3 would
    not be the same number. A single member has the percentile 0 and reaches no cut: the answer is
    more than there are.
    """
    others = np.maximum(sizes - 1, 1)
    needed = np.maximum(np.floor(cut * others).astype(np.int64) - 1, 0)
    while (is_short := needed / others < cut).any():
        needed += is_short
    return np.where(sizes < 2, sizes + 1, needed)


class _Population:
    """Counts per value, and sums of them per block of values."""

    def __init__(self, present: Integers) -> None:
        self._values = len(present)
        self._block = max(SMALLEST_BLOCK, isqrt(len(present)))
        blocks = len(present) // self._block + 1
        self._counts = np.zeros(blocks * self._block, dtype=np.int64)
        self._counts[: len(present)] = present
        self._by_block = self._counts.reshape(blocks, self._block)
        self._sums = self._by_block.sum(axis=1)

    def move(self, leaving: Integers, entering: Integers) -> None:
        """Take some values out and put others in."""
        for values, sign in ((leaving, -1), (entering, 1)):
            np.add.at(self._counts, values, sign)
            np.add.at(self._sums, values // self._block, sign)

    def limits(self, nth: Integers) -> Integers:
        """The values of the nth members, from 1; beyond the last, the number of values."""
        up_to_block = np.cumsum(self._sums)
        block = np.searchsorted(up_to_block, nth, side="left")
        is_there = block < len(up_to_block)
        block = np.minimum(block, len(up_to_block) - 1)
        inside = np.cumsum(self._by_block[block], axis=1)
        rest = nth - up_to_block[block] + self._sums[block]
        value = block * self._block + (inside < rest[:, None]).sum(axis=1)
        return np.where(is_there, value, self._values)

    def between(self, before: Integers, now: Integers) -> Integers:
        """The values, each once, that members have and that lie on another side of a limit now."""
        spans = [
            low + 1 + np.flatnonzero(self._counts[low + 1 : high + 1])
            for low, high in zip(np.minimum(before, now), np.maximum(before, now), strict=True)
            if low < high
        ]
        return spans[0] if len(spans) == 1 else np.unique(np.concatenate(spans))


class _Crossings:
    """Values that changed their score, collected hour by hour."""

    def __init__(self) -> None:
        nothing = np.empty(0, dtype=np.int64)
        self._parts: list[tuple[Integers, Integers, Integers]] = [(nothing, nothing, nothing)]

    def add(self, hour: int, values: Integers, scores: Integers) -> None:
        """Remember the values whose score is another from that hour on."""
        self._parts.append((np.full(len(values), hour, dtype=np.int64), values, scores))

    def told(self, limits: Integers) -> Cuts:
        """All that was remembered."""
        hours, values, scores = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return Cuts(limits, hours, values, scores)
