"""One block of the demo from its draws into the scratch database.

A block is the whole demo at scale 1; scale N is N blocks, each of its own random stream. What
does NOT belong here: the draws themselves, and files.
"""

import numpy as np
from numpy.typing import NDArray

from c360_assets.sources.demo import activity, clock, engagement, orders, planting, population
from c360_assets.sources.demo.engagement import text
from c360_assets.sources.demo.staging import Staging

_ROOM = 1_000_000
"""Numbers of events and sessions that one block and period may use."""


class _Streams:
    """Random streams by name: a new use of one changes no other."""

    def __init__(self, seed: int, block: int) -> None:
        self._key = (seed, block)

    def __call__(self, name: str, part: int = 0) -> np.random.Generator:
        letters = int.from_bytes(name.encode(), "big")
        return np.random.default_rng(np.random.SeedSequence([*self._key, letters, part]))


def add_block(staging: Staging, seed: int, block: int, history_days: int) -> int | None:
    """Draw one block and stage it; return the user of the printed id, which the first has."""
    streams = _Streams(seed, block)
    people = population.populate(streams("population"), block, seed)
    truth = planting.plant(streams("planting"), people)
    population.address_everyone(streams("addresses"), people)
    homes = engagement.draw_homes(streams("homes"), people)
    _add_people(staging, streams, people, homes)
    _add_identity(staging, people, truth)
    habits = activity.draw_habits(streams("habits"), people)
    printed: int | None = None
    for period in range(clock.period_count(history_days)):
        days = clock.period_days(period, history_days)
        events = activity.draw_events(
            streams("events", period), people.created, habits, period, days
        )
        if block == 0 and period == 0:
            printed = _printed_user(people, homes, events)
        drawn = orders.draw_orders(
            streams("orders", period), events, clock.snapshot_second(history_days),
            printed if period == 0 else None,
        )  # fmt: skip
        _add_activity(staging, block, period, events, drawn, homes.number)
    _add_engagement(staging, streams, people, truth, history_days, printed)
    return printed


def _printed_user(
    people: population.Population, homes: engagement.Homes, events: activity.Events
) -> int:
    """Choose the customer of the printed id: nobody planted, at home, a handful of orders."""
    buyers = events.user[events.name == clock.ORDERED]
    count = np.bincount(buyers, minlength=len(people.created))
    early = people.created < 40 * clock.DAY_SECONDS
    good = np.flatnonzero((count >= 6) & (count <= 14) & early).tolist()
    free = [
        user for user in good if user and user not in people.planted and homes.number[user] >= 0
    ]
    if not free:
        raise ValueError("no user has from 6 to 14 orders; use another seed")
    return int(free[0])


def _add_people(
    staging: Staging, streams: _Streams, people: population.Population, homes: engagement.Homes
) -> None:
    first = people.block * clock.USERS
    gaggles = people.block * clock.GAGGLES
    staging.add("gaggle", {
        "number": gaggles + np.arange(clock.GAGGLES),
        "name": text(list(people.gaggle_name)),
        "created": people.gaggle_created,
    })  # fmt: skip
    staging.add("person", {
        "number": first + np.arange(clock.USERS),
        "name": text([" ".join(name) for name in people.name]),
        "email": text(list(people.email)),
        "gaggle": gaggles + people.gaggle,
        "created": people.created,
        "phone": engagement.draw_phones(streams("phones"), people),
        "home": _offset(homes.number, first),
        "updated": engagement.draw_updates(streams("updates"), people),
    })  # fmt: skip
    staging.add("home", {**homes.rows, "number": first + homes.rows["number"].astype(np.int64)})


def _add_identity(staging: Staging, people: population.Population, truth: planting.Truth) -> None:
    merges = [(people.email[left], people.email[right]) for left, right in truth.merges]
    domains = [
        (people.company(old).domain, people.company(new).domain)
        for old, new in population.old_domains(people)
    ]
    planted = planting.truth_rows(people, truth)
    staging.add_rows("merge", ("old_email", "new_email"), merges)
    staging.add_rows("domain_merge", ("old_domain", "new_domain"), domains)
    staging.add_rows("truth", ("left_email", "right_email", "kind", "is_same"), planted)


def _add_activity(
    staging: Staging, block: int, period: int, events: activity.Events, drawn: orders.Orders,
    homes: NDArray[np.int64],
) -> None:  # fmt: skip
    base = (period * _ROOM + block) * _ROOM
    first = block * clock.USERS
    user = events.user[drawn.event]
    number = base + drawn.event
    staging.add("event", {
        "number": base + np.arange(len(events.user)), "person": first + events.user,
        "second": events.second, "name": events.name, "product": events.product,
        "session": base + events.session,
    })  # fmt: skip
    staging.add("purchase", {
        "number": number, "person": first + user, "created": drawn.created,
        "cost": drawn.cost, "shipping": drawn.shipping, "total": drawn.total,
        "promo": drawn.promo, "refund": drawn.refund, "status": drawn.status,
        "estimated": drawn.estimated, "delivered": drawn.delivered, "service": drawn.service,
        "home": _offset(homes[user], first),
    })  # fmt: skip
    staging.add("item", {
        "purchase": number[drawn.item_order], "product": drawn.item_product,
        "quantity": drawn.item_quantity,
    })  # fmt: skip


def _add_engagement(
    staging: Staging, streams: _Streams, people: population.Population, truth: planting.Truth,
    history_days: int, printed: int | None,
) -> None:  # fmt: skip
    staging.add("deal", engagement.draw_deals(streams("deals"), people, truth))
    tickets = engagement.draw_tickets(streams("tickets"), people, truth, history_days)
    tickets["number"] = people.block * engagement.TICKETS + tickets["number"].astype(np.int64)
    staging.add("ticket", tickets)
    targets = engagement.draw_targets(streams("targets"), people, history_days, printed)
    targets["user"] = people.block * clock.USERS + targets["user"].astype(np.int64)
    targets["person"] = targets.pop("user")
    staging.add("target", targets)


def _offset(numbers: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Shift numbers that count within a block; -1 stays null."""
    return np.where(numbers >= 0, numbers + first, -1)
