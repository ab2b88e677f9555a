"""Cut values of a population that moves: which values score what, hour by hour.

A population of values (one per customer) is cut by its percentiles. A value scores 1, and one more
for each cut that its percentile reaches. The percentile is SQL's `percent_rank`: of the other
members of the population, the share that lies below. It reaches a cut as soon as enough members lie
below, so that a cut comes down to one member of the ordered population: whoever is above that
member's value has reached the cut.

The moves of all hours lie in one sequence, and the population of an hour is a prefix of it. The
nth members of all prefixes are found together, bit by bit of their values, as in a wavelet matrix
("The wavelet matrix", Information Systems 47, 2015): the work grows with moves times bits, not
with hours times members.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]
# stands for "no value" where somebody joins the population
NO_VALUE = -1
# of pairs of an hour and a value that are looked at together
PAIRS_PER_CHUNK = 1_000_000


@dataclass(frozen=True)
class Moves:
    """Members who come to a value (`weight` 1) and leave one (-1), one after the other.

    Values are numbered from 0 in rising order. The first `ends[0]` entries are from before the
    first hour, and the first `ends[1 + i]` from before the end of hour i.
    """

    number_of_values: int
    value: Integers
    weight: Integers
    ends: Integers


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

    `hour` is the index of the hour of each move, rising; `present` counts the members of each value
    before the first hour. Shapes: one entry per move; one per value.
    """
    held = np.repeat(np.arange(len(present)), present)
    leaves, enters = before != NO_VALUE, after != NO_VALUE
    moved = np.concatenate([hour[leaves], hour[enters]])
    order = np.argsort(moved, kind="stable")
    leaving = np.full(np.count_nonzero(leaves), -1)
    entering = np.ones(len(moved) - len(leaving), dtype=int)
    weight = np.concatenate([leaving, entering])
    value = np.concatenate([before[leaves], after[enters]])
    ends = np.searchsorted(moved[order], np.arange(number_of_hours + 1))
    return Moves(
        len(present),
        np.concatenate([held, value[order]]).astype(np.int32),
        np.concatenate([np.ones(len(held), dtype=int), weight[order]]).astype(np.int32),
        len(held) + ends,
    )


def follow(moves: Moves, cuts: Sequence[float]) -> Cuts:
    """Follow the limits of the rising `cuts` (shares between 0 and 1) through all moves."""
    sizes = np.concatenate([[0], np.cumsum(moves.weight)])[moves.ends]
    needed = np.stack([members_below(cut, sizes) for cut in cuts], axis=1)
    limits = _nth_members(moves, needed)
    limits[needed > sizes[:, None]] = moves.number_of_values
    members = _Members(moves)
    nothing: Integers = np.empty(0, dtype=np.int64)
    hours, values = [nothing], [nothing]
    for hour, value in _passed(moves, limits):
        is_there = members.count(hour, value) > 0
        hours.append(hour[is_there])
        values.append(value[is_there])
    hour, value = np.concatenate(hours), np.concatenate(values)
    score = 1 + (limits[1:][hour] < value[:, None]).sum(axis=1)
    return Cuts(limits[1:], hour, value, score)


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


def _nth_members(moves: Moves, nth: Integers) -> Integers:
    """The value of the nth member (from 1) of each prefix; shapes as `nth`, a row per prefix.

    Where there are fewer members the answer is of no use.
    """
    # the lowest bit says who leaves; entries stay in order within each half
    entry = moves.value << 1 | (moves.weight < 0)
    low = np.zeros(nth.shape, dtype=np.int64)
    high = np.broadcast_to(moves.ends[:, None], nth.shape)
    found = np.zeros(nth.shape, dtype=np.int64)
    lower = np.zeros(len(entry) + 1, dtype=np.int32)
    weights = np.zeros(len(entry) + 1, dtype=np.int32)
    for bit in reversed(range(1, max(moves.number_of_values - 1, 0).bit_length() + 1)):
        upper = (entry >> bit) & 1
        is_lower = upper == 0
        np.cumsum(is_lower, dtype=np.int32, out=lower[1:])
        np.cumsum((1 - 2 * (entry & 1)) * is_lower, dtype=np.int32, out=weights[1:])
        below = weights[high] - weights[low]
        goes_up = nth > below
        nth = nth - np.where(goes_up, below, 0)
        low, high = (
            np.where(goes_up, lower[-1] + edge - lower[edge], lower[edge]) for edge in (low, high)
        )
        found |= goes_up.astype(np.int64) << (bit - 1)
        entry = entry[np.concatenate([np.flatnonzero(is_lower), np.flatnonzero(upper)])]
    return found


def _passed(moves: Moves, limits: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Pairs of an hour and a value between a limit then and the hour before, each pair once.

    Far jumps of a limit are those of few members: only the values that anybody ever had until then
    are told. All values in between are, where that is less.
    """
    low, high = np.minimum(limits[:-1], limits[1:]), np.maximum(limits[:-1], limits[1:])
    high = np.minimum(high, moves.number_of_values - 1)
    width = np.maximum(high - low, 0).sum(axis=1)
    is_far = width > moves.ends[1:]
    for hour in np.flatnonzero(is_far):
        ever = np.unique(moves.value[: moves.ends[hour + 1]]).astype(np.int64)
        is_between = ((ever[:, None] > low[hour]) & (ever[:, None] <= high[hour])).any(axis=1)
        yield np.full(np.count_nonzero(is_between), hour), ever[is_between]
    near = np.flatnonzero(~is_far & (width > 0))
    chunk = np.cumsum(width[near]) // PAIRS_PER_CHUNK
    for hours in np.split(near, np.flatnonzero(np.diff(chunk)) + 1):
        if len(hours):
            yield _between(hours, low[hours], high[hours], moves.number_of_values)


def _between(
    hours: Integers, low: Integers, high: Integers, number_of_values: int
) -> tuple[Integers, Integers]:
    """All pairs of an hour and a value above `low` and up to `high`, of any of the cuts."""
    width = np.maximum(high - low, 0).ravel()
    starts = np.cumsum(width) - width
    steps = np.arange(width.sum()) - np.repeat(starts, width)
    value = np.repeat(low.ravel() + 1, width) + steps
    hour = np.repeat(np.repeat(hours, low.shape[1]), width)
    pairs = np.sort(hour * number_of_values + value)
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]
    return pairs // number_of_values, pairs % number_of_values


class _Members:
    """How many members have a value at the end of an hour."""

    def __init__(self, moves: Moves) -> None:
        self._periods = len(moves.ends) + 1
        period = np.searchsorted(moves.ends, np.arange(len(moves.value)), side="right")
        order = np.argsort(moves.value, kind="stable")
        value = moves.value[order].astype(np.int64)
        self._moments = value * self._periods + period[order]
        self._weights = np.concatenate([[0], np.cumsum(moves.weight[order])])
        self._before = np.searchsorted(value, np.arange(moves.number_of_values))

    def count(self, hour: Integers, value: Integers) -> Integers:
        """The members of each pair of an hour (its index) and a value."""
        until = np.searchsorted(self._moments, value * self._periods + hour + 1, side="right")
        return np.asarray(self._weights[until] - self._weights[self._before[value]])
