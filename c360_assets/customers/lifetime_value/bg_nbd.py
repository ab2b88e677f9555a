"""BG/NBD: how many orders customers will place, and whether they still are customers.

While alive, a customer orders at random at a rate of their own; after each order they leave for
good with a chance of their own. Rates are Gamma(r, alpha) over customers, chances Beta(a, b).
P. Fader, B. Hardie, K. Lee (2005): "Counting Your Customers" the Easy Way. Marketing Science 24(2),
275-284; the numbers of equations are theirs. x is the number of repeat orders, t_x the time of the
last one, T the age of the customer; times count from the first order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, expit, gammaln, polygamma

from c360_assets.customers.lifetime_value.groups import (
    ROUGH_ROWS,
    Array,
    Places,
    arrays,
    distinct,
    dot,
    sums,
)
from c360_assets.customers.lifetime_value.maximum import Maximum, maximise

STARTS: Final = ((0.5, 0.5, 2.0), (2.0, 1.0, 5.0), (1.0, 0.1, 3.0))  # r, a, b
# of the quadrature: what is smaller than the greatest weight by e to this is left out
_DIGITS: Final = 36.0
# numbers in memory at a time
_CHUNK: Final = 2_000_000


@dataclass(frozen=True)
class Purchases:
    """Customers with the same x, t_x and T as one row, in ascending order, and their `count`.

    So the likelihood costs what differs, and no order of the customers changes its last digit.
    `place` is the row of each customer.
    """

    repeats: Array
    recency: Array
    age: Array
    count: Array
    place: Places

    @classmethod
    def of(cls, repeats: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Purchases:
        """Group customers, given as three arrays of one length, with 0 <= t_x <= T.

        Raises:
            ValueError: a customer is impossible; the text shows the first such one.
        """
        rows = np.stack(arrays(repeats, recency, age))
        _require_possible(rows)
        (x, last, oldest), place = distinct(rows)
        return cls(x, last, oldest, np.bincount(place).astype(np.float64), place)

    def thinned(self, rows: int) -> Purchases:
        """About so many of the rows, from all over."""
        part = slice(None, None, max(len(self.count) // rows, 1))
        x, last, oldest, count = self.repeats, self.recency, self.age, self.count
        return Purchases(x[part], last[part], oldest[part], count[part], self.place[:0])


def _require_possible(rows: Array) -> None:
    repeats, recency, age = rows
    is_wrong = ~((repeats >= 0) & (recency >= 0) & (recency <= age) & np.isfinite(age))
    is_wrong |= (repeats == 0) & (recency > 0)
    if is_wrong.any():
        x, last, oldest = rows[:, np.argmax(is_wrong)]
        raise ValueError(
            f"no customer has x = {x:g} repeat orders, t_x = {last:g} and T = {oldest:g}: allowed "
            "are x >= 0 and 0 <= t_x <= T, with t_x = 0 where x = 0; mend the summary of orders"
        )


@dataclass(frozen=True)
class BgNbd:
    """The model at some parameters, all positive; `alpha` is in the unit of the times."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, repeats: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Array:
        """The log-likelihood of each customer (equation 6)."""
        x, last, oldest = arrays(repeats, recency, age)
        return _log_likelihood(self, x, last, oldest)

    def probability_alive(self, repeats: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Array:
        """The chance of each customer not to have left.

        1 for whoever has no repeat order, by construction: customers leave after repeat orders.
        B. Hardie, P. Fader (2008): Computing P(alive) Using the BG/NBD Model.
        """
        x, last, oldest = arrays(repeats, recency, age)
        log_odds = (
            np.log(self.a)
            - np.log(self.b + np.maximum(x, 1.0) - 1.0)
            + (self.r + x) * np.log((self.alpha + oldest) / (self.alpha + last))
        )
        return np.where(x > 0, expit(-log_odds), 1.0)

    def expected_orders(
        self, within: Sequence[float], repeats: ArrayLike, recency: ArrayLike, age: ArrayLike
    ) -> Array:
        """The orders that each customer is expected to place within each time (equation 10).

        One row per time, one column per customer.
        """
        x, last, oldest = arrays(repeats, recency, age)
        alive = self.probability_alive(x, last, oldest)
        return alive * self.expected_orders_if_alive(within, x, oldest)

    def expected_orders_if_alive(
        self, within: Sequence[float], repeats: ArrayLike, age: ArrayLike
    ) -> Array:
        """The same of customers who have not left.

        The paper has (a+b+x-1)/(a-1) [1 - F(r+x, a-1; a+b+x-1; -s)] with Gauss's F and
        s = within/(alpha+T), after Pfaff's transformation. Evaluated so, digits cancel where a is
        near 1 or s is small, and F overflows where x is large. It is the mean of
        [1 - (1+ps)^-(r+x)]/p over the chance p to leave, Beta(a, b+x); that has neither trouble,
        and quadrature gives it to about ten digits.
        """
        (x, oldest), place = distinct(np.stack(arrays(repeats, age)))
        found = np.empty((len(within), len(x)))
        for part in _same(x):
            leaving = _Leaving.of(self.a, self.b + float(x[part][0]))
            for row, time in enumerate(within):
                scale = time / (self.alpha + oldest[part])
                found[row, part] = leaving.orders(scale, self.r + float(x[part][0]))
        return np.asarray(found[:, place])


@dataclass(frozen=True)
class _Leaving:
    """The chance to leave after an order: Beta, as points and weights for means over it.

    The weights are right for functions that are 0 at 0 and at 1; `mean` is the mean chance.
    """

    chance: Array
    weight: Array
    mean: float

    @classmethod
    def of(cls, first: float, second: float) -> _Leaving:
        """Points for Beta(first, second), whatever the size of the two.

        The trapezoidal rule in the log-odds of the chance, where smooth functions that die out
        at both ends need few points (L. Trefethen, J. Weideman 2014: The Exponentially Convergent
        Trapezoidal Rule).
        """
        spread = float(np.sqrt(polygamma(1, first + 1.0) + polygamma(1, second + 1.0)))
        middle = np.log(first + 1.0) - np.log(second + 1.0)
        left, right = (_DIGITS / (end + 1.0) + 8.5 * spread for end in (first, second))
        step = min(0.35, 0.75 * spread)
        odds = middle + np.arange(-np.ceil(left / step), np.ceil(right / step) + 1.0) * step
        chance, stays = expit(odds), expit(-odds)
        logs = -first * np.logaddexp(0.0, -odds) - second * np.logaddexp(0.0, odds)
        # what is weighed is about chance * stays at most: scaled to the known mean of that
        sizes = logs + np.log(chance) + np.log(stays)
        is_seen = sizes > sizes.max() - _DIGITS
        chance, stays = chance[is_seen], stays[is_seen]
        weight = np.exp(logs[is_seen] - logs[is_seen].max())
        total = first + second
        weight *= first / total * (second / (total + 1.0)) / dot(weight, chance * stays)
        return cls(chance, weight, first / total)

    def orders(self, scale: Array, shape: float) -> Array:
        """The mean of [1 - (1 + p scale)^-shape]/p over the chance p, for each scale.

        Weighed is what differs from the straight line between the ends, whose mean is known.
        """
        at_0, at_1 = shape * scale, -np.expm1(-shape * np.log1p(scale))
        found = at_0 - (at_0 - at_1) * self.mean
        step = max(_CHUNK // len(self.chance), 1)
        for start in range(0, len(scale), step):
            part = slice(start, start + step)
            orders = -np.expm1(-shape * np.log1p(np.outer(scale[part], self.chance)))
            line = np.outer(at_0[part] - at_1[part], self.chance)
            above = at_0[part, None] - line - orders / self.chance
            found[part] -= np.einsum("cp,p->c", above, self.weight)
        return np.asarray(found)


def _same(ascending: Array) -> Iterator[slice]:
    """The stretches of equal values."""
    edges = np.flatnonzero(np.diff(ascending)) + 1
    starts = [0, *edges.tolist()]
    yield from (slice(at, to) for at, to in zip(starts, [*starts[1:], len(ascending)], strict=True))


def fit(purchases: Purchases) -> Maximum:
    """The parameters r, alpha, a, b of maximum likelihood; times may have any unit."""
    customers = float(purchases.count.sum())
    orders = dot(purchases.repeats, purchases.count)
    exposure = dot(purchases.age, purchases.count)
    between = exposure / max(orders, 1.0) or 1.0
    starts = [(r, r * between, a, b) for r, a, b in STARTS]
    rough = None
    if len(purchases.count) > 2 * ROUGH_ROWS:
        rough = _Likelihood(purchases.thinned(ROUGH_ROWS))
    return maximise(_Likelihood(purchases), starts, customers, rough)


class _Likelihood:
    """The mean log-likelihood of grouped customers and its gradient, by log parameters."""

    def __init__(self, purchases: Purchases) -> None:
        self._rows = purchases
        self._share = purchases.count / purchases.count.sum()
        self._x, self._place = np.unique(purchases.repeats, return_inverse=True)
        self._share_of_x = sums(self._place, self._share)
        self._is_repeat = purchases.repeats > 0

    def __call__(self, logs: Array) -> tuple[float, Array]:
        r, alpha, a, b = np.exp(logs)
        rows, x, place, share = self._rows, self._x, self._place, self._share
        to_age, to_last = np.log(alpha + rows.age), np.log(alpha + rows.recency)
        stays = -(r + rows.repeats) * to_age
        leaves = (np.log(a) - np.log(b + np.maximum(x, 1.0) - 1.0))[place]
        leaves = np.where(self._is_repeat, leaves - (r + rows.repeats) * to_last, -np.inf)
        both = np.logaddexp(stays, leaves)
        value = dot(_of_repeats(r, alpha, a, b, x), self._share_of_x) + dot(both, share)

        left = np.exp(leaves - both)
        weight_left, weight_stayed = left * share, (1.0 - left) * share
        left_of_x = sums(place, weight_left)
        pull = weight_stayed / (alpha + rows.age) + weight_left / (alpha + rows.recency)
        in_common = digamma(a + b) - digamma(a + b + x)
        gradient = np.array(
            [
                dot(digamma(r + x) - digamma(r), self._share_of_x)
                + np.log(alpha)
                - dot(weight_stayed, to_age)
                - dot(weight_left, to_last),
                r / alpha - dot(r + rows.repeats, pull),
                dot(in_common, self._share_of_x) + left_of_x.sum() / a,
                dot(in_common + digamma(b + x) - digamma(b), self._share_of_x)
                - (left_of_x / (b + np.maximum(x, 1.0) - 1.0)).sum(),
            ]
        )
        return float(value), gradient * np.exp(logs)


def _of_repeats(r: float, alpha: float, a: float, b: float, x: Array) -> Array:
    """The part of the log-likelihood that depends on x alone."""
    return np.asarray(
        gammaln(r + x)
        - gammaln(r)
        + r * np.log(alpha)
        + gammaln(a + b)
        - gammaln(a + b + x)
        + gammaln(b + x)
        - gammaln(b)
    )


def _log_likelihood(model: BgNbd, x: Array, last: Array, oldest: Array) -> Array:
    stays = -(model.r + x) * np.log(model.alpha + oldest)
    leaves = np.where(
        x > 0,
        np.log(model.a)
        - np.log(model.b + np.maximum(x, 1.0) - 1.0)
        - (model.r + x) * np.log(model.alpha + last),
        -np.inf,
    )
    of_repeats = _of_repeats(model.r, model.alpha, model.a, model.b, x)
    return of_repeats + np.logaddexp(stays, leaves)
