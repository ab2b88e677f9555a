"""What surrounds the users of a block: phones, addresses, deals, tickets, campaigns' targets.

What does NOT belong here: events and orders (`activity`, `orders`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c360_assets.sources.demo import catalogue, clock
from c360_assets.sources.demo.planting import Truth
from c360_assets.sources.demo.population import COMPANIES, PERSONAL, Population, old_domains

Ints = NDArray[np.int64]
Column = NDArray[np.generic]
Columns = dict[str, Column]
"""Columns of one staged table, all of one length."""

# stage, amount, plan, number
_DEALS = (
    ("Won", "$10,000", "Business", 42),
    ("Won", "$40,000", "Enterprise", 20),
    ("Lost", "$10,000", "Business", 48),
    ("Lost", "$40,000", "Enterprise", 13),
)
TICKETS = 300
_TICKETS_OF_MERGED = 10
_REACHED = 0.08  # of the users that exist, per execution of a plan
_EXCLUDED = 0.09
_CONTROL = 0.12


@dataclass(frozen=True)
class Homes:
    """Where the users of a block live: `number` is the address of each user, or -1."""

    number: Ints
    rows: Columns


def text(values: list[str | None]) -> Column:
    """Return a column of text with nulls."""
    return np.array(values, dtype=object)


def draw_homes(rng: np.random.Generator, population: Population) -> Homes:
    """Draw an address for most households; a gaggle's people live in the same region."""
    regions = len(catalogue.REGIONS)
    gaggle_region = (rng.random(clock.GAGGLES) ** 1.7 * regions).astype(np.int64)
    homeless = rng.random(len(population.created)) < 0.07
    number = np.where(homeless[population.household], -1, population.household)
    lived_in = np.unique(number[number >= 0])
    region = gaggle_region[population.gaggle[lived_in]].tolist()
    streets = rng.integers(0, len(catalogue.STREETS), len(lived_in)).tolist()
    houses = (rng.random(len(lived_in)) ** 3 * 9_000).astype(np.int64).tolist()
    marks = rng.integers(0, 260, (len(lived_in), 8)).tolist()
    places = [catalogue.REGIONS[place] for place in region]
    rows: Columns = {
        "number": lived_in,
        "address": text(
            [f"{h + 1} {catalogue.STREETS[s]}" for h, s in zip(houses, streets, strict=True)]
        ),
        "zipcode": text([_zipcode(p[2], m) for p, m in zip(places, marks, strict=True)]),
        "state": text([place[0] for place in places]),
        "country": text([place[1] for place in places]),
    }
    return Homes(number, rows)


def draw_phones(rng: np.random.Generator, population: Population) -> Column:
    """Draw a phone per person, which some accounts leave out."""
    lines = rng.integers(2_000_000_000, 9_999_999_999, len(population.created))
    missing = (rng.random(len(lines)) < 0.14).tolist()
    own = [f"{line:010d}" for line in lines[population.person].tolist()]
    return text([
        None if gone else f"+1-{line[:3]}-{line[3:6]}-{line[6:]}"
        for line, gone in zip(own, missing, strict=True)
    ])  # fmt: skip


def draw_updates(rng: np.random.Generator, population: Population) -> Ints:
    """Draw when each account was last changed, in seconds; many never were."""
    # of the original's length whatever the history, so that its users stay the same
    latest = clock.snapshot_second(clock.HISTORY_DAYS)
    room = np.maximum(0, latest - population.created)
    changed = (room * rng.random(len(room))).astype(np.int64)
    return population.created + np.where(rng.random(len(room)) < 0.45, changed, 0)


def draw_deals(rng: np.random.Generator, population: Population, truth: Truth) -> Columns:
    """Draw deals of different companies, each with somebody of the company."""
    company = _present_company(population)
    # the middle of a chain, and somebody on a domain given up: deals must follow merges
    special = [truth.merges[0][1], int(np.flatnonzero(population.domain_number >= COMPANIES)[0])]
    count = sum(number for *_, number in _DEALS)
    others = [number for number in np.unique(company).tolist() if number != PERSONAL]
    chosen = [
        number for number in rng.permutation(others).tolist() if number not in company[special]
    ]
    staff = {number: np.flatnonzero(company == number) for number in chosen[: count - 2]}
    users = special + [int(rng.choice(people)) for people in staff.values()]
    kinds = [kind[:3] for kind in _DEALS for _ in range(kind[3])]
    kinds = [kinds[place] for place in rng.permutation(count).tolist()]
    joined = population.created[users] // clock.DAY_SECONDS
    days = joined + (rng.random(count) * (clock.HISTORY_DAYS - joined)).astype(np.int64)
    titles = [
        f"{population.company(int(company[user])).name} - {kind[2]} Deal"
        for user, kind in zip(users, kinds, strict=True)
    ]
    return {
        "day": days,
        "amount": text([kind[1] for kind in kinds]),
        "deal_name": text(list(titles)),
        "deal_stage": text([kind[0] for kind in kinds]),
        "email": text([population.email[user] for user in users]),
    }


def draw_tickets(
    rng: np.random.Generator, population: Population, truth: Truth, history_days: int
) -> Columns:
    """Draw tickets of users, some of them under an address merged away."""
    merged = [left for left, _ in truth.merges]
    users = rng.integers(0, len(population.created), TICKETS)
    users[:_TICKETS_OF_MERGED] = np.resize(merged, _TICKETS_OF_MERGED)
    snapshot = clock.snapshot_second(history_days)
    opened = population.created[users]
    opened = opened + ((snapshot - opened) * rng.random(TICKETS)).astype(np.int64)
    fresh = np.clip(1 - (snapshot - opened) / (12 * clock.DAY_SECONDS), 0, 1)
    luck = rng.random(TICKETS)
    status = np.where(luck < 0.1 + 0.6 * fresh, 0, np.where(luck < 0.2 + 0.75 * fresh, 1, 2))
    subjects = rng.integers(0, len(catalogue.TICKET_SUBJECTS), TICKETS).tolist()
    return {
        "number": np.arange(TICKETS),
        "email": text([population.email[user] for user in users.tolist()]),
        "second": opened,
        "subject": text([catalogue.TICKET_SUBJECTS[subject] for subject in subjects]),
        "status": text([("open", "pending", "closed")[place] for place in status.tolist()]),
    }


def draw_targets(
    rng: np.random.Generator, population: Population, history_days: int, printed: int | None
) -> Columns:
    """Draw whom each execution of each plan reached, or left out and why.

    The user `printed` is in every fourth plan that starts after they joined.
    """
    parts = [
        _execution(rng, population.created, plan, day, printed if place % 4 == 0 else None)
        for place, plan in enumerate(catalogue.plans(history_days))
        for day in plan.days
        if day < history_days - 1
    ]
    return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def _execution(
    rng: np.random.Generator, created: Ints, plan: catalogue.Plan, day: int, printed: int | None
) -> Columns:
    exists = created < day * clock.DAY_SECONDS
    reached = rng.random(len(created)) < _REACHED
    if printed is not None:
        reached[printed] = True
    users = np.flatnonzero(reached & exists)
    luck = rng.random(len(users))
    actions = np.array(plan.detail_ids, dtype=object)
    detail = actions[rng.integers(1, len(actions), len(users))]
    detail[luck < _EXCLUDED + _CONTROL] = actions[0]
    excluded = luck < _EXCLUDED
    detail[excluded] = None
    reasons = rng.integers(0, len(catalogue.EXCLUSION_REASONS), len(users))
    known = np.array(catalogue.EXCLUSION_REASONS, dtype=object)[reasons]
    known[~excluded] = None
    return {
        "day": np.full(len(users), day),
        "user": users,
        "plan_id": np.full(len(users), plan.plan_id, dtype=object),
        "plan_detail_id": detail,
        "exclusion_reason_id": known[:, 0],
        "exclusion_reason": known[:, 1],
        "second": day * clock.DAY_SECONDS + rng.integers(21_600, 80_000, len(users)),
    }


def _present_company(population: Population) -> Ints:
    """Return the company of every user, old domains resolved; `PERSONAL` where there is none."""
    company = population.domain_number.copy()
    for old, new in old_domains(population):  # in the order of the chain
        company[company == old] = new
    return company


def _zipcode(form: str, marks: list[int]) -> str:
    """Fill a form of digits (#) and letters (?); other signs stand as they are."""
    filled = (
        str(mark % 10) if sign == "#" else chr(65 + mark % 26) if sign == "?" else sign
        for sign, mark in zip(form, marks + marks, strict=False)
    )
    return "".join(filled)
