"""Gamma-Gamma: what an order of a customer is worth on average, learnt from all customers.

The value of one order is Gamma(p, nu) around the customer's own mean, and nu is Gamma(q, v) over
customers, whatever the number of orders. P. Fader, B. Hardie, K. Lee (2005): RFM and CLV: Using
Iso-Value Curves for Customer Base Analysis. Journal of Marketing Research 42(4), 415-430; P. Fader,
B. Hardie (2013): The Gamma-Gamma Model of Monetary Value. x is the number of orders, m their
average value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from c360_assets.customers.lifetime_value.groups import (
    ROUGH_ROWS,
    Array,
    arrays,
    distinct,
    dot,
    sums,
)
from c360_assets.customers.lifetime_value.maximum import Maximum, maximise

STARTS: Final = ((4.0, 4.0), (1.0, 2.5), (25.0, 10.0))  # p, q


@dataclass(frozen=True)
class Values:
    """Customers with the same x and m as one row, in ascending order, and their `count`."""

    orders: Array
    average: Array
    count: Array

    @classmethod
    def of(cls, orders: ArrayLike, average: ArrayLike) -> Values:
        """Group customers, given as two arrays of one length: orders and their average value.

        Raises:
            ValueError: a customer has no order, or an average that is not positive.
        """
        rows = np.stack(arrays(orders, average))
        is_wrong = ~((rows[0] > 0) & (rows[1] > 0) & np.isfinite(rows[1]))
        if is_wrong.any():
            x, mean = rows[:, np.argmax(is_wrong)]
            raise ValueError(
                f"the average value {mean:g} of {x:g} orders cannot be modelled: both must be "
                "positive; leave this customer out"
            )
        (x, mean), place = distinct(rows)
        return cls(x, mean, np.bincount(place).astype(np.float64))

    def thinned(self, rows: int) -> Values:
        """About so many of the rows, from all over."""
        part = slice(None, None, max(len(self.count) // rows, 1))
        return Values(self.orders[part], self.average[part], self.count[part])


@dataclass(frozen=True)
class GammaGamma:
    """The model at some parameters, all positive; `v` is in the money of the values."""

    p: float
    q: float
    v: float

    def log_likelihood(self, orders: ArrayLike, average: ArrayLike) -> Array:
        """The log-likelihood of each customer's average (equation 1a of the note of 2013)."""
        x, mean = arrays(orders, average)
        return _log_likelihood(self.p, self.q, self.v, x, mean)

    @property
    def has_mean(self) -> bool:
        """Whether customers have an average value at all: with q <= 1 it is infinite."""
        return self.q > 1.0

    def expected_value(self, orders: ArrayLike, average: ArrayLike) -> Array:
        """What an order to come is worth (equation 5): the customers' mean, drawn to everybody's.

        Without an order the average counts for nothing (it may be NaN) and it is everybody's.

        Raises:
            ValueError: with q <= 1 everybody's mean is infinite.
        """
        if not self.has_mean:
            raise ValueError(
                f"with q = {self.q:g} the mean value is infinite: q must be above 1; "
                "ask `has_mean` first"
            )
        x, mean = arrays(orders, average)
        total = np.where(x > 0, x * np.where(x > 0, mean, 0.0), 0.0)
        return np.asarray(self.p * (self.v + total) / (self.p * x + self.q - 1.0))


def fit(values: Values) -> Maximum:
    """The parameters p, q, v of maximum likelihood; values may have any unit."""
    customers = float(values.count.sum())
    mean = dot(values.average, values.count) / customers
    starts = [(p, q, mean * (q - 1.0) / p) for p, q in STARTS]
    rough = None
    if len(values.count) > 2 * ROUGH_ROWS:
        rough = _Likelihood(values.thinned(ROUGH_ROWS))
    return maximise(_Likelihood(values), starts, customers, rough)


class _Likelihood:
    """The mean log-likelihood of grouped customers and its gradient, by log parameters."""

    def __init__(self, values: Values) -> None:
        self._share = values.count / values.count.sum()
        self._orders, self._average = values.orders, values.average
        self._x, self._place = np.unique(values.orders, return_inverse=True)
        self._share_of_x = sums(self._place, self._share)
        self._total = values.orders * values.average
        self._log_total = np.log(self._total)
        self._log_average = dot(self._share, np.log(values.average))

    def __call__(self, logs: Array) -> tuple[float, Array]:
        p, q, v = np.exp(logs)
        x, share, share_of_x = self._x, self._share, self._share_of_x
        shape = p * x + q
        log_sum = np.log(v + self._total)
        # by the number of orders, which has few values
        sum_of_x = sums(self._place, share * log_sum)
        total_of_x = sums(self._place, share * self._log_total)
        inverse_of_x = sums(self._place, share / (v + self._total))
        value = (
            dot(gammaln(shape) - gammaln(p * x) - gammaln(q) + q * np.log(v), share_of_x)
            + p * dot(x, total_of_x)
            - self._log_average
            - dot(shape, sum_of_x)
        )
        gradient = np.array(
            [
                dot((digamma(shape) - digamma(p * x)) * x, share_of_x)
                + dot(x, total_of_x - sum_of_x),
                dot(digamma(shape), share_of_x) - digamma(q) + np.log(v) - sum_of_x.sum(),
                q / v - dot(shape, inverse_of_x),
            ]
        )
        return float(value), gradient * np.exp(logs)


def _log_likelihood(p: float, q: float, v: float, x: Array, mean: Array) -> Array:
    shape = p * x + q
    return np.asarray(
        gammaln(shape)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(v)
        + p * x * np.log(x * mean)
        - np.log(mean)
        - shape * np.log(v + x * mean)
    )
