"""`python -m benchmarks.lifetime_value`: seconds to fit and to score simulated customers.

Both models are fitted to customers of the parameters published for CDNOW (in days instead of
weeks), who were watched for one to two years: whole days, as the pipeline counts them. Scoring is
all that `customer_lifetime_value` computes: fits, expectations for three horizons, reasons.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from c360_assets.customer_rules import LifetimeValueRules
from c360_assets.customers.lifetime_value import bg_nbd, gamma_gamma
from c360_assets.customers.lifetime_value.bg_nbd import BgNbd, Purchases
from c360_assets.customers.lifetime_value.gamma_gamma import GammaGamma, Values
from c360_assets.customers.lifetime_value.scoring import Customers, score

ORDERS = BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426)
VALUES = GammaGamma(p=6.25, q=3.74, v=15.44)


def main() -> None:
    """Measure each size so many times, in turns, and print the medians."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lifetime_value", description=__doc__
    )
    parser.add_argument("--customers", default="5000,50000,500000", help="comma separated")
    parser.add_argument("--repeat", type=int, default=5, help="medians are over this many")
    options = parser.parse_args()
    table = Table("customers", "alike as one", "BG/NBD", "Gamma-Gamma", "both fits", "scoring")
    for people in map(int, options.customers.split(",")):
        customers = simulated(people, seed=people)
        rows = [_seconds(customers) for _ in range(options.repeat)]
        orders, values, whole = (float(np.median(column)) for column in zip(*rows, strict=True))
        both = float(np.median([row[0] + row[1] for row in rows]))
        alike = len(Purchases.of(customers.repeats, customers.recency, customers.age).count)
        seconds = (f"{each:.3f} s" for each in (orders, values, both, whole))
        table.add_row(f"{people:,}", f"{alike:,}", *seconds)
    Console().print(table)


def simulated(people: int, seed: int) -> Customers:
    """Customers as the two models have them, summarised as the pipeline does."""
    random = np.random.default_rng(seed)
    age = random.integers(365, 731, people).astype(np.float64)
    rate = random.gamma(ORDERS.r, 1 / ORDERS.alpha, people)
    leaving = random.beta(ORDERS.a, ORDERS.b, people)
    now, repeats, recency = np.zeros(people), np.zeros(people), np.zeros(people)
    goes_on = np.ones(people, dtype=bool)
    while goes_on.any():
        now[goes_on] += random.exponential(1 / rate[goes_on])
        goes_on &= now <= age
        # several orders of one day are one
        repeats += goes_on & (np.floor(now) > recency)
        recency = np.where(goes_on, np.floor(now), recency)
        goes_on &= random.random(people) >= leaving
    inverse = random.gamma(VALUES.q, 1 / VALUES.v, people)
    totals = random.gamma(VALUES.p * np.maximum(repeats, 1), 1 / inverse).round(2) + 0.01
    average = np.where(repeats > 0, totals / np.maximum(repeats, 1), np.nan)
    return Customers(repeats, recency, age, repeats, average)


def _seconds(customers: Customers) -> tuple[float, float, float]:
    """Of the fit of orders, that of values, and the scoring with both in it."""
    chosen = customers.has_value
    return (
        _timed(
            lambda: bg_nbd.fit(Purchases.of(customers.repeats, customers.recency, customers.age))
        ),
        _timed(
            lambda: gamma_gamma.fit(Values.of(customers.valued[chosen], customers.average[chosen]))
        ),
        _timed(lambda: score(customers, LifetimeValueRules())),
    )


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
