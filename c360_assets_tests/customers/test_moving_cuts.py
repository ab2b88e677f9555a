"""Moving cut values against a population that is sorted anew in every hour."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.customers.moving_cuts import NO_VALUE, follow, members_below, moves_of
from c360_assets.customers.rfm_intervals import NOTHING, Told, folded

QUINTILES = (0.2, 0.4, 0.6, 0.8)


def percent_rank(value: int, population: list[int]) -> float:
    """The share of the others that lies below, as SQL defines it."""
    if len(population) == 1:
        return 0.0
    return sum(other < value for other in population) / (len(population) - 1)


def score(value: int, population: list[int], cuts) -> int:
    return 1 + sum(percent_rank(value, population) >= cut for cut in cuts)


def array(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@st.composite
def populations(draw) -> tuple[list[int], list[list[tuple[int, int]]]]:
    """Values of members at first, and per hour (member, new value); new members join at the end."""
    value = st.integers(0, draw(st.sampled_from([1, 3, 40, 300])))
    members = draw(st.lists(value, max_size=12))
    hours, size = [], len(members)
    for _ in range(draw(st.integers(1, 12))):
        joining = draw(st.integers(0, 3))
        movers = draw(st.lists(st.integers(0, size - 1), unique=True, max_size=4)) if size else []
        moved = [*movers, *range(size, size + joining)]
        size += joining
        hours.append([(member, draw(value)) for member in moved])
    return members, hours


@settings(max_examples=200, deadline=None)
@given(
    populations(),
    st.sampled_from([QUINTILES, (0.1, 0.3, 0.7, 0.9), (0.01, 0.02, 0.5, 0.99), (0.5,)]),
)
def test_limits_and_crossings_are_those_of_a_population_sorted_anew_every_hour(world, cuts):
    members, hours = world
    number_of_values = 301
    present = np.bincount(members, minlength=number_of_values) if members else np.zeros(301, int)
    hour, before, after = [], [], []
    values = list(members)
    told: dict[tuple[int, int], int] = {}
    states = []
    for index, moves in enumerate(hours):
        held = list(values)
        for member, new in moves:
            hour.append(index)
            before.append(values[member] if member < len(held) else NO_VALUE)
            after.append(new)
            if member < len(values):
                values[member] = new
            else:
                values.append(new)
        for value in set(held) & set(values):
            if score(value, held, cuts) != score(value, values, cuts):
                told[index, value] = score(value, values, cuts)
        states.append(list(values))
    found = follow(moves_of(array(*hour), array(*before), array(*after), len(hours), present), cuts)
    for limits, population in zip(found.limits, states, strict=True):
        for value in set(population):
            assert 1 + sum(value > limit for limit in limits) == score(value, population, cuts)
    crossed = {
        (int(h), int(v)): int(s)
        for h, v, s in zip(found.hour, found.value, found.score, strict=True)
    }
    assert len(crossed) == len(found.hour), "a value changes once in an hour"
    # a value that nobody had before may be told, too; nobody had it then
    assert told.items() <= crossed.items()
    for (index, value), now in crossed.items():
        assert score(value, states[index], cuts) == now


@pytest.mark.parametrize("cut", [*QUINTILES, 0.1, 0.3, 0.7, 0.001, 0.999, 1 / 3])
def test_as_many_must_lie_below_as_the_arithmetic_of_doubles_asks_for(cut):
    sizes = np.arange(2, 700)
    for size, needed in zip(sizes, members_below(cut, sizes), strict=True):
        assert needed == next(n for n in range(size) if n / (size - 1) >= cut)


def test_nobody_reaches_a_cut_alone():
    assert (members_below(0.2, array(0, 1)) > array(0, 1)).all()
    alone = follow(moves_of(array(0), array(NO_VALUE), array(2), 1, array(0, 0, 0)), QUINTILES)
    assert alone.limits.tolist() == [[3, 3, 3, 3]]
    assert alone.hour.tolist() == []


def test_of_two_the_upper_scores_five_and_equal_ones_score_one():
    two = follow(
        moves_of(array(0, 0, 1), array(NO_VALUE, NO_VALUE, 1), array(0, 1, 0), 2, array(0, 0)),
        QUINTILES,
    )
    assert two.limits.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert (1 + (two.limits[0] < 1).sum(), 1 + (two.limits[1] < 0).sum()) == (5, 1)


def test_without_moves_nothing_is_told():
    nothing = follow(moves_of(array(), array(), array(), 0, array(4, 4)), QUINTILES)
    assert nothing.limits.shape == (0, 4)
    assert len(nothing.hour) == 0


# --- intervals -----------------------------------------------------------------------------------


def told(*rows: tuple[int, ...]) -> Told:
    columns = zip(*rows, strict=True) if rows else [[]] * 6
    return Told(*(np.array(column, dtype=np.int32) for column in columns))


def test_what_is_not_told_stays_as_it_was_and_never_comes_from_another_customer():
    intervals, _ = folded(
        told((1, 10, 5, 1, 3, 1), (1, 12, 0, 2, 0, 0), (2, 11, 4, 4, 0, 2), (2, 13, 0, 0, 2, 3))
    )
    assert np.stack(
        [intervals.customer, intervals.start, intervals.end, intervals.recency,
         intervals.frequency, intervals.monetary]
    ).T.tolist() == [
        [1, 10, 12, 5, 1, 3],
        [1, 12, NOTHING, 5, 2, 3],
        [2, 11, 13, 4, 4, 0],
        [2, 13, NOTHING, 4, 4, 2],
    ]  # fmt: skip


def test_several_changes_of_one_hour_make_one_interval_and_none_makes_none():
    intervals, _ = folded(
        told((1, 10, 5, 1, 1, 1), (1, 12, 4, 0, 0, 0), (1, 12, 0, 3, 0, 0), (1, 15, 4, 3, 1, 2))
    )
    assert intervals.start.tolist() == [10, 12]
    assert (intervals.recency.tolist(), intervals.frequency.tolist()) == ([5, 4], [1, 3])


def test_midnight_belongs_to_the_day_that_it_ends():
    _, changes = folded(
        told((1, 24, 5, 1, 1, 1), (1, 25, 4, 0, 0, 0), (1, 48, 3, 0, 0, 0), (1, 49, 2, 0, 0, 0))
    )
    assert changes.day.tolist() == [0, 1, 2]
    assert changes.recency_before.tolist() == [NOTHING, 5, 3]
    assert changes.recency.tolist() == [5, 3, 2]


def test_nothing_told_gives_nothing():
    intervals, changes = folded(told())
    assert (len(intervals.start), len(changes.day)) == (0, 0)
