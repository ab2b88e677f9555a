"""The figures of every customer: both models fitted, and asked about each one.

Where a model cannot be fitted, or says nothing about a customer, there is a reason instead of a
figure. Not here: where the customers come from (`history`), or the models themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from c360_assets.contracts.lifetime_value import PROBABILITY_REASONS, VALUE_REASONS
from c360_assets.customer_rules import LifetimeValueRules
from c360_assets.customers.lifetime_value import bg_nbd, gamma_gamma
from c360_assets.customers.lifetime_value.bg_nbd import BgNbd, Purchases
from c360_assets.customers.lifetime_value.gamma_gamma import GammaGamma, Values
from c360_assets.customers.lifetime_value.groups import Array, dot

HORIZONS: Final = (30, 90, 365)
DAYS_A_YEAR: Final = 365.0
# of the integral over time that discounts; expected orders are smooth in time
_TIMES: Final = 16
Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Customers:
    """What is known of customers, in arrays of one length; times in days.

    `valued` is the number of repeat orders with known amounts, and `average` their average, NaN
    where there is none.
    """

    repeats: Array
    recency: Array
    age: Array
    valued: Array
    average: Array

    @property
    def has_value(self) -> NDArray[np.bool_]:
        """Who can enter the model of values."""
        return np.asarray((self.valued > 0) & (self.average > 0))


@dataclass(frozen=True)
class Scoring:
    """Figures by the contract's names (NaN is null), reasons as codes (-1 is none), the models."""

    figures: dict[str, Array]
    value_reason: Codes
    probability_reason: Codes
    models: dict[str, Any]


@dataclass(frozen=True)
class _Orders:
    model: BgNbd | None
    log_likelihood: float | None
    reason: str | None


@dataclass(frozen=True)
class _Values:
    model: GammaGamma | None
    log_likelihood: float | None
    reason: str | None


def score(customers: Customers, rules: LifetimeValueRules) -> Scoring:
    """Fit both models to the customers and say what each is expected to order and to be worth."""
    purchases = Purchases.of(customers.repeats, customers.recency, customers.age)
    orders = _fit_orders(customers, purchases, rules)
    values = _fit_values(customers, rules)
    expected, discounted, alive = _expected_orders(orders.model, purchases, rules)
    worth = _expected_value(values.model, customers)
    alive = np.where(customers.repeats > 0, alive, np.nan)
    value_reason = _value_reasons(customers, orders.reason or values.reason)
    figures = {f"expected_orders_{d}d": each for d, each in zip(HORIZONS, expected, strict=True)}
    figures |= {"probability_alive": alive, "expected_order_value": worth}
    for days, each in zip(HORIZONS, discounted, strict=True):
        figures[f"clv_{days}d"] = np.where(value_reason < 0, each * worth, np.nan)
    return Scoring(
        figures,
        value_reason,
        _probability_reasons(customers, orders.reason),
        _models(customers, orders, values, rules),
    )


def _fit_orders(customers: Customers, purchases: Purchases, rules: LifetimeValueRules) -> _Orders:
    if np.count_nonzero(customers.repeats) < rules.min_repeat_customers:
        return _Orders(None, None, "too_few_repeat_customers")
    top = bg_nbd.fit(purchases)
    if not top.is_top:
        return _Orders(None, None, "orders_not_converged")
    if not top.is_peak:
        # say, too short a history to tell whether few leave or nobody: a year hence hangs on it
        return _Orders(None, None, "orders_not_identified")
    return _Orders(BgNbd(*top.parameters), top.log_likelihood, None)


def _fit_values(customers: Customers, rules: LifetimeValueRules) -> _Values:
    chosen = customers.has_value
    if not (customers.valued > 0).any():
        return _Values(None, None, "no_amounts")
    if np.count_nonzero(chosen) < rules.min_repeat_customers:
        return _Values(None, None, "too_few_valued_customers")
    top = gamma_gamma.fit(Values.of(customers.valued[chosen], customers.average[chosen]))
    # a ridge will do: towards its end customers differ in nothing, and the mean is everybody's
    if not top.is_top:
        return _Values(None, None, "values_not_converged")
    model = GammaGamma(*top.parameters)
    return _Values(model, top.log_likelihood, None if model.has_mean else "mean_value_infinite")


def _expected_orders(
    model: BgNbd | None, purchases: Purchases, rules: LifetimeValueRules
) -> tuple[Array, Array, Array]:
    """Per customer: expected orders per horizon, the same discounted, the chance to be alive."""
    place = purchases.place
    if model is None:
        nothing = np.full((len(HORIZONS), len(place)), np.nan)
        return nothing, nothing, nothing[0]
    known = (purchases.repeats, purchases.recency, purchases.age)
    alive = model.probability_alive(*known)
    expected = alive * model.expected_orders_if_alive(HORIZONS, purchases.repeats, purchases.age)
    discounted = expected
    if rules.annual_discount_rate > 0:
        rate = np.log1p(rules.annual_discount_rate) / DAYS_A_YEAR
        discounted = np.stack([discounted_orders(model, days, rate, *known) for days in HORIZONS])
    return expected[:, place], discounted[:, place], alive[place]


def discounted_orders(
    model: BgNbd, within: float, rate: float, repeats: Array, recency: Array, age: Array
) -> Array:
    """Expected orders, one at time t counting exp(-rate t).

    The integral of exp(-rate t) dE(t), by parts: exp(-rate h) E(h) + rate times the integral of
    exp(-rate t) E(t) from 0 to the horizon h, by Gauss-Legendre.
    """
    points, weights = np.polynomial.legendre.leggauss(_TIMES)
    times = (points + 1.0) * within / 2.0
    discount = weights * np.exp(-rate * times) * rate * within / 2.0
    expected = model.expected_orders([*times.tolist(), within], repeats, recency, age)
    return np.asarray(
        np.exp(-rate * within) * expected[-1] + np.einsum("tc,t->c", expected[:-1], discount)
    )


def _expected_value(model: GammaGamma | None, customers: Customers) -> Array:
    """What an order to come is worth; everybody's mean for customers without a repeat order."""
    if model is None or not model.has_mean:
        return np.full(len(customers.repeats), np.nan)
    is_told = customers.has_value | (customers.repeats == 0)
    orders = np.where(customers.has_value, customers.valued, 0.0)
    return np.where(is_told, model.expected_value(orders, customers.average), np.nan)


def _value_reasons(customers: Customers, of_models: str | None) -> Codes:
    if of_models is not None:
        return _all(customers, VALUE_REASONS.index(of_models))
    reasons = _all(customers, -1)
    is_repeat = customers.repeats > 0
    reasons[is_repeat & (customers.valued == 0)] = VALUE_REASONS.index("amounts_unknown")
    is_priced = is_repeat & (customers.valued > 0)
    reasons[is_priced & ~customers.has_value] = VALUE_REASONS.index("average_not_positive")
    return reasons


def _probability_reasons(customers: Customers, of_model: str | None) -> Codes:
    if of_model is not None:
        return _all(customers, PROBABILITY_REASONS.index(of_model))
    reasons = _all(customers, -1)
    # 1 by construction, which says nothing of them
    reasons[customers.repeats == 0] = PROBABILITY_REASONS.index("no_repeat_order")
    return reasons


def _all(customers: Customers, code: int) -> Codes:
    return np.full(len(customers.repeats), code, dtype=np.int8)


def _models(
    customers: Customers, orders: _Orders, values: _Values, rules: LifetimeValueRules
) -> dict[str, Any]:
    """The columns of `lifetime_value_models` that follow from the customers."""
    chosen = customers.has_value
    correlation = correlation_of(customers.valued[chosen], customers.average[chosen])
    is_independent = None
    if correlation is not None:
        is_independent = abs(correlation) <= rules.max_value_correlation
    return {
        "customers": len(chosen),
        "repeat_customers": int(np.count_nonzero(customers.repeats)),
        "valued_customers": int(np.count_nonzero(chosen)),
        **_parameters(("r", "alpha", "a", "b"), orders.model),
        "orders_log_likelihood": orders.log_likelihood,
        "no_orders_reason": orders.reason,
        **_parameters(("p", "q", "v"), values.model),
        "values_log_likelihood": values.log_likelihood,
        "no_values_reason": values.reason,
        "frequency_value_correlation": correlation,
        "is_value_independent": is_independent,
    }


def _parameters(names: Sequence[str], model: BgNbd | GammaGamma | None) -> dict[str, float | None]:
    return {name: None if model is None else getattr(model, name) for name in names}


def correlation_of(left: Array, right: Array) -> float | None:
    """Pearson's correlation; None where either is the same for everybody, or there are too few."""
    if len(left) < 2 or (left == left[0]).all() or (right == right[0]).all():
        return None
    x, y = left - left.mean(), right - right.mean()
    return float(np.clip(dot(x, y) / np.sqrt(dot(x, x) * dot(y, y)), -1.0, 1.0))
