"""What each `order_placed` event holds: items, cost, promo, delivery, refund.

Amounts are whole cents. What does NOT belong here: how often somebody orders (`activity`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c360_assets.sources.demo import clock
from c360_assets.sources.demo.activity import Events
from c360_assets.sources.demo.catalogue import PRODUCTS, PROMOS

Ints = NDArray[np.int64]

NONE = -1
"""Stands for a null number: no promo, not delivered, no address."""

MOST_ITEMS = 4

_PROMO_SHARE = 0.115  # some orders are too small for their promo, which leaves a tenth
_REFUND_SHARE = 0.04
_FULL_REFUNDS = 0.45
_HOUR = 3_600


@dataclass(frozen=True)
class Orders:
    """Orders of a block and period; `event` is the place of the order's event in `Events`.

    Times are seconds, amounts cents, and `NONE` is null. Items are one row per product, with
    `item_order` the place of the order.
    """

    event: Ints
    created: Ints
    cost: Ints
    shipping: Ints
    total: Ints
    promo: Ints
    refund: Ints
    status: Ints
    estimated: Ints
    delivered: Ints
    service: Ints
    item_order: Ints
    item_product: Ints
    item_quantity: Ints


STATUSES = ("preparing", "shipped", "delivered")
SERVICES = ("usps", "ups", "fedex", "dhl")


def draw_orders(
    rng: np.random.Generator, events: Events, snapshot: int, refunded: int | None
) -> Orders:
    """Draw one order per `order_placed` event, as the source stood at second `snapshot`.

    The first order of the user `refunded` is refunded in part.
    """
    event = np.flatnonzero(events.name == clock.ORDERED)
    item_order, item_product, item_quantity = _items(rng, events, event)
    prices = np.array([price for _, price, _ in PRODUCTS])
    cost = _sum(item_order, prices[item_product] * item_quantity, len(event))
    shipping = np.where(cost > 6_000, 0, rng.integers(290, 1_190, len(event)))
    promo = _promos(rng, cost, shipping)
    discounts = np.array([discount * 100 for _, discount, _ in PROMOS])
    total = cost + shipping - np.where(promo == NONE, 0, discounts[promo])
    created = events.second[event] + (rng.random(len(event)) < 0.25)
    status, delivered = _delivery(rng, created, snapshot)
    refund = _refunds(rng, total, status)
    if refunded is not None:
        own = np.flatnonzero(events.user[event] == refunded)
        oldest = own[np.argmin(created[own])]
        refund[oldest] = max(1, int(total[oldest]) // 2)
    return Orders(
        event, created, cost, shipping, total, promo, refund, status,
        created + rng.integers(3, 6, len(event)) * clock.DAY_SECONDS, delivered,
        rng.choice(len(SERVICES), len(event), p=(0.42, 0.3, 0.18, 0.1)),
        item_order, item_product, item_quantity,
    )  # fmt: skip


def _items(rng: np.random.Generator, events: Events, event: Ints) -> tuple[Ints, Ints, Ints]:
    """Draw 1 to 4 distinct products per order; the first is mostly what was just looked at."""
    count = rng.choice(MOST_ITEMS, len(event), p=(0.42, 0.32, 0.17, 0.09)) + 1
    anything = rng.integers(0, len(PRODUCTS), len(event))
    looked_at = events.product[event - 1]  # a visit never opens with an order
    first = np.where(looked_at >= 0, looked_at, anything)
    # steps of 1 to 9 round the list of 30 never come back to where they started
    steps = rng.integers(1, len(PRODUCTS) // (MOST_ITEMS - 1), (len(event), MOST_ITEMS))
    steps[:, 0] = 0
    products = (first[:, None] + np.cumsum(steps, axis=1)) % len(PRODUCTS)
    quantities = rng.choice(3, products.shape, p=(0.74, 0.19, 0.07)) + 1
    used = np.arange(MOST_ITEMS)[None, :] < count[:, None]
    order = np.repeat(np.arange(len(event)), count)
    return order, products[used], quantities[used].astype(np.int64)


def _sum(group: Ints, values: Ints, groups: int) -> Ints:
    totals = np.zeros(groups, dtype=np.int64)
    np.add.at(totals, group, values)
    return totals


def _promos(rng: np.random.Generator, cost: Ints, shipping: Ints) -> Ints:
    promo = rng.integers(0, len(PROMOS), len(cost))
    discount = np.array([discount * 100 for _, discount, _ in PROMOS])[promo]
    used = (rng.random(len(cost)) < _PROMO_SHARE) & (cost > discount + shipping)
    return np.where(used, promo, NONE)


def _delivery(rng: np.random.Generator, created: Ints, snapshot: int) -> tuple[Ints, Ints]:
    """Return the place in `STATUSES` and the second of delivery, by the order's age."""
    shipped = created + rng.integers(6 * _HOUR, 40 * _HOUR, len(created))
    arrived = shipped + rng.integers(24 * _HOUR, 120 * _HOUR, len(created))
    status = (shipped <= snapshot).astype(np.int64) + (arrived <= snapshot)
    return status, np.where(arrived <= snapshot, arrived, NONE)


def _refunds(rng: np.random.Generator, total: Ints, status: Ints) -> Ints:
    """Draw refunds in whole or in part of some orders that were at least shipped."""
    part = np.maximum(1, (total * rng.uniform(0.1, 0.9, len(total))).astype(np.int64))
    amount = np.where(rng.random(len(total)) < _FULL_REFUNDS, total, part)
    return np.where((rng.random(len(total)) < _REFUND_SHARE) & (status > 0), amount, 0)
