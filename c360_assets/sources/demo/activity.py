"""What users do: visits, and in every visit a burst of events.

A user is active on a minority of days; how often is heavy-tailed between users, some never come
and some stay away for good. What does NOT belong here: what an order holds (`orders`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c360_assets.sources.demo import clock
from c360_assets.sources.demo.catalogue import PRODUCTS
from c360_assets.sources.demo.population import Population

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_IDLE_USERS = 0.05
_IDLE_GAGGLES = 0.02
_BROWSERS = 0.06  # who look and never order
_CHURN = 0.4
_LONGEST_BURST = 40
_LONGEST_GAP = 900
_BURST_SHAPE, _BURST_CHANCE = 1.4, 0.3
_MEAN_BURST = 1 + _BURST_SHAPE * (1 - _BURST_CHANCE) / _BURST_CHANCE
_SPARE = 1.15  # sessions are drawn this much beyond the number of events, then cut


@dataclass(frozen=True)
class Habits:
    """How much each user does: weight of visits (0: never comes), and chance to order."""

    weight: Floats
    ordering: Floats


@dataclass(frozen=True)
class Events:
    """Events of a block and period, in the order of users and visits.

    `second` counts from the first midnight; `session` is numbered within block and period;
    `product` is -1 for an order.
    """

    user: Ints
    session: Ints
    second: Ints
    name: Ints
    product: Ints


def draw_habits(rng: np.random.Generator, population: Population) -> Habits:
    """Draw what distinguishes the users of a block from one another."""
    count = len(population.created)
    weight = rng.lognormal(0.0, 0.9, count)
    weight[rng.random(count) < _IDLE_USERS] = 0
    idle = rng.random(clock.GAGGLES) < _IDLE_GAGGLES
    weight[idle[population.gaggle]] = 0
    weight[0] = max(weight[0], 1.0)  # the first user makes the first day's first event
    ordering = rng.beta(4.0, 8.2, count)
    ordering[rng.random(count) < _BROWSERS] = 0
    return Habits(weight, ordering)


def draw_events(
    rng: np.random.Generator, created: Ints, habits: Habits, period: int, days: int
) -> Events:
    """Draw the events of one period of `days` days: exactly the original's number per day.

    In the first period nobody comes before they are `created`; in later ones all are there.
    """
    total = round(clock.EVENTS * days / clock.HISTORY_DAYS)
    start = created if period == 0 else np.zeros_like(created)
    user, day, size = _sessions(rng, start, habits, days, total, late=period > 0)
    gap = np.minimum(rng.exponential(75.0, total).astype(np.int64) + 4, _LONGEST_GAP)
    first = np.cumsum(size) - size
    session = np.repeat(np.arange(len(size)), size)
    gap[first] = 0
    elapsed = np.cumsum(gap)
    elapsed -= elapsed[first][session]
    begin = _begin(rng, start[user], day, elapsed[first + size - 1], days)
    place = np.arange(total) - first[session]
    name = _names(rng, place, size[session], habits.ordering[user][session])
    second = period * clock.HISTORY_DAYS * clock.DAY_SECONDS + begin[session] + elapsed
    return Events(user[session], session, second, name, _products(rng, name, place))


def _sessions(
    rng: np.random.Generator, start: Ints, habits: Habits, days: int, total: int, *, late: bool
) -> tuple[Ints, Ints, Ints]:
    """Return user, day and size of visits whose sizes add up to `total`, ordered by user."""
    first_day = start // clock.DAY_SECONDS
    life = np.where(rng.random(len(start)) < _CHURN, rng.beta(1.2, 1.6, len(start)), 1.0)
    window = np.maximum(1, np.ceil((days - first_day) * life)).astype(np.int64)
    weight = habits.weight * window**0.8
    if late:  # some of the old hands skip a whole period
        weight = weight * (rng.random(len(start)) < 0.75)
    wanted = total * _SPARE / _MEAN_BURST
    while True:
        visits = _visits(rng, weight, window, wanted)
        user = np.repeat(np.arange(len(start)), visits)
        more = rng.negative_binomial(_BURST_SHAPE, _BURST_CHANCE, len(user))
        size = 1 + np.minimum(more, _LONGEST_BURST - 1)
        if size.sum() >= total:
            break
        wanted *= 1.1
    day = first_day[user] + (rng.random(len(user)) * window[user]).astype(np.int64)
    opening = np.zeros(len(user), dtype=bool)
    opening[np.unique(user, return_index=True)[1]] = True
    if not late:
        day[0] = first_day[user[0]]
    kept, size = _cut(rng, size, opening, total)
    return user[kept], day[kept], size


def _visits(rng: np.random.Generator, weight: Floats, window: Ints, wanted: float) -> Ints:
    """Draw visits per user: at least one of whoever comes, on less than half of the days."""
    mean = weight * (wanted / weight.sum())
    most = np.maximum(1, (0.5 * window).astype(np.int64) + 1)
    least = np.minimum(rng.integers(1, 4, len(weight)), most)
    return np.where(weight > 0, np.clip(rng.poisson(mean), least, most), 0)


def _cut(
    rng: np.random.Generator, size: Ints, opening: NDArray[np.bool_], total: int
) -> tuple[Ints, Ints]:
    """Keep every user's opening visit and of the others as many as make up `total` events."""
    order = np.argsort(np.where(opening, -1.0, rng.random(len(size))), kind="stable")
    running = np.cumsum(size[order])
    last = int(np.searchsorted(running, total))
    kept = order[: last + 1]
    sizes = size[kept]
    sizes[-1] -= running[last] - total
    back = np.argsort(kept, kind="stable")
    return kept[back], sizes[back]


def _begin(rng: np.random.Generator, start: Ints, day: Ints, length: Ints, days: int) -> Ints:
    """Draw the second at which each visit begins, such that it ends before midnight."""
    opened = day * clock.DAY_SECONDS
    earliest = np.where(start >= opened, start - opened + 30, 0)
    latest = clock.DAY_SECONDS - 10 - length
    tomorrow = earliest >= latest  # too late on the day of joining
    day = np.where(tomorrow, np.minimum(day + 1, days - 1), day)
    earliest = np.where(tomorrow, 0, earliest)
    within = rng.beta(1.7, 1.4, len(day)) * (latest - earliest)
    return day * clock.DAY_SECONDS + earliest + within.astype(np.int64)


def _names(rng: np.random.Generator, place: Ints, size: Ints, ordering: Floats) -> Ints:
    """Draw what each event is: a visit opens with a look, and orders come towards its end."""
    chance = ordering * np.where(place == size - 1, 1.9, 0.65)
    order = (rng.random(len(place)) < chance) & (place > 0)
    favorite = rng.random(len(place)) < np.where(place > 0, 0.24, 0.0)
    return np.where(order, clock.ORDERED, np.where(favorite, clock.FAVORITED, clock.VIEWED))


def _products(rng: np.random.Generator, name: Ints, place: Ints) -> Ints:
    """Draw what was looked at; whoever favours something has mostly just looked at it."""
    popular = (rng.random(len(name)) ** 1.6 * len(PRODUCTS)).astype(np.int64)
    same = (name == clock.FAVORITED) & (place > 0) & (rng.random(len(name)) < 0.8)
    before = np.flatnonzero(same) - 1
    popular[before + 1] = popular[before]
    return np.where(name == clock.ORDERED, -1, popular)
