"""The segments of customers at the clock or at any full hour before: grid, days, moves, cohorts.

Belongs here: answers about all customers. Not here: what a URL chooses of them (`segments_choice`),
and the customers one by one (the listing of `pages.segments_people`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from c360_assets.ui.copies import Copy

PROSPECTS = "prospects"  # those without an order; the contract reserves the name
MOST_DAYS = 370  # of a chart: more are no wider than a pixel or two each
COHORT_MONTHS = 18


@dataclass(frozen=True)
class Cell:
    """A pair of scores, its segment, and who has them; `monetary` is None without amounts."""

    recency_score: int
    frequency_score: int
    segment: str
    customers: int = 0
    monetary: Decimal | None = None

    @property
    def key(self) -> str:
        """As URLs name it: `r5f3`."""
        return f"r{self.recency_score}f{self.frequency_score}"


@dataclass(frozen=True)
class Total:
    """Some people, and the sum of their sales; `monetary` is None without amounts."""

    customers: int = 0
    monetary: Decimal | None = None


@dataclass(frozen=True)
class History:
    """What there is to choose from: hours (naive UTC), segments, and whether amounts are known.

    `as_of` is the clock; it and the hours are None where nobody ordered. `rules` are all pairs of
    scores with their segments.
    """

    first_hour: datetime | None
    last_hour: datetime | None
    as_of: datetime | None
    has_money: bool
    rules: tuple[Cell, ...]

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The names, from those of the highest scores on average to those of the lowest."""
        scores: dict[str, list[int]] = {}
        for cell in self.rules:
            scores.setdefault(cell.segment, []).append(cell.recency_score + cell.frequency_score)
        return tuple(
            sorted(scores, key=lambda name: (-sum(scores[name]) / len(scores[name]), name))
        )

    @property
    def top_segment(self) -> str:
        """The segment of the highest pair of scores."""
        top = max(self.rules, key=lambda cell: (cell.recency_score, cell.frequency_score))
        return top.segment

    @property
    def last_day(self) -> date | None:
        """The day of the last hour; midnight ends a day."""
        return None if self.last_hour is None else day_of(self.last_hour)


@dataclass(frozen=True)
class Flow:
    """How many were in one segment before and in the other after; those who stayed: the same."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True)
class Day:
    """The segments at the end of a day, prospects among them."""

    day: date
    totals: dict[str, Total]


@dataclass(frozen=True)
class CohortMonth:
    """What a cohort did in a month; `retention_rate` is the part of it that ordered, 0 to 1."""

    active_customers: int
    orders: int
    monetary: Decimal | None
    retention_rate: float


@dataclass(frozen=True)
class Cohort:
    """Those whose first order was in a month, and their months since, from 0 on."""

    month: date
    customers: int
    months: tuple[CohortMonth, ...]


@dataclass(frozen=True)
class Cohorts:
    """Some cohorts, the oldest first; `first_month` and `last_month` are those of all."""

    first_month: date
    last_month: date
    cohorts: tuple[Cohort, ...]


def day_of(hour: datetime) -> date:
    """The day that an hour belongs to: midnight ends the day before it."""
    return (hour - timedelta(microseconds=1)).date()


def history(copy: Copy) -> History:
    """What there is to choose from."""
    rules = tuple(
        Cell(row["recency_score"], row["frequency_score"], row["rfm_segment"])
        for row in copy.rows("segments/rules")
    )
    return History(**copy.one("segments/span"), rules=rules)


def grid(copy: Copy, there: History, at: datetime | None) -> tuple[Cell, ...]:
    """Every pair of scores at an hour, or at the clock, the highest recency score first."""
    found = {
        (row["recency_score"], row["frequency_score"]): row
        for row in copy.rows("segments/cells", at=at)
    }
    made = []
    for rule in there.rules:
        row = found.get((rule.recency_score, rule.frequency_score), {})
        people = row.get("customers", 0), row.get("monetary")
        made.append(Cell(rule.recency_score, rule.frequency_score, rule.segment, *people))
    return tuple(made)


def prospects(copy: Copy, there: History, at: datetime | None) -> int:
    """How many contacts were known at an hour, or at the clock, and had ordered nothing."""
    time = at or there.as_of or copy.published_at
    return int(copy.one("segments/prospects", at=time)["prospects"])


def by_segment(cells: Iterable[Cell]) -> dict[str, Total]:
    """The cells added up."""
    made: dict[str, Total] = {}
    for cell in cells:
        made[cell.segment] = _sum(made.get(cell.segment, Total()), cell)
    return made


def whole(parts: Iterable[Total | Cell]) -> Total:
    """Everybody of these."""
    made = Total()
    for part in parts:
        made = _sum(made, part)
    return made


def _sum(one: Total, other: Total | Cell) -> Total:
    known = [part.monetary for part in (one, other) if part.monetary is not None]
    return Total(one.customers + other.customers, sum(known, Decimal(0)) if known else None)


def on_day(copy: Copy, day: date) -> dict[str, Total]:
    """The segments at the end of a day, prospects among them; empty before the first order."""
    return {
        row["rfm_segment"]: Total(row["customers"], row["monetary"])
        for row in copy.rows("segments/day", day=day)
    }


def days(copy: Copy, there: History, number_of_days: int | None) -> tuple[list[Day], int]:
    """The last days, or all of them; and of how many days each one stands for all.

    At most MOST_DAYS are given: of more, every n-th back from the last one.
    """
    if there.first_hour is None or there.last_day is None:
        return [], 1
    first = day_of(there.first_hour)
    if number_of_days is not None:
        first = max(first, there.last_day - timedelta(days=number_of_days - 1))
    every = -(-((there.last_day - first).days + 1) // MOST_DAYS)
    made: dict[date, dict[str, Total]] = {}
    for row in copy.rows("segments/days", since=first, every=every):
        totals = made.setdefault(row["day"], {})
        totals[row["rfm_segment"]] = Total(row["customers"], row["monetary"])
    return [Day(day, totals) for day, totals in made.items()], every


def flows(copy: Copy, since: datetime, until: datetime | None) -> list[Flow]:
    """Who went from where to where between two hours, or to the clock; the most first.

    Who had no order at the start was a prospect, be the contact known then or not.
    """
    return [
        Flow(row["from_segment"], row["to_segment"], row["customers"])
        for row in copy.rows("segments/moves", since=since, until=until)
    ]


def cohorts(copy: Copy, last_month: date | None = None) -> Cohorts | None:
    """COHORT_MONTHS cohorts up to a month, or up to the last; None where nobody ordered."""
    span = copy.one("segments/cohort_span")
    if span["last_month"] is None:
        return None
    last = min(max(last_month or span["last_month"], span["first_month"]), span["last_month"])
    found: dict[date, list[dict[str, Any]]] = {}
    for row in copy.rows("segments/cohorts", last_month=last, months=COHORT_MONTHS):
        found.setdefault(row["cohort_month"], []).append(row)
    made = tuple(_cohort(month, rows) for month, rows in found.items())
    return Cohorts(span["first_month"], span["last_month"], made)


def _cohort(month: date, rows: list[dict[str, Any]]) -> Cohort:
    names = ("active_customers", "orders", "monetary", "retention_rate")
    months = tuple(CohortMonth(*(row[name] for name in names)) for row in rows)
    return Cohort(month, rows[0]["cohort_customers"], months)
