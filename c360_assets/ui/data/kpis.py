"""The figures of the dashboard: of a period and the one before, over time, by country and so on.

People are counted once each over the whole period; sums of days are added up, and rates are
divided from them (docs/guides/kpis.md). Not here: the list of KPIs (`kpi_list`), dates
(`kpi_range`).
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data.kpi_list import BY_KEY, DIMENSIONS, KPIS, Kpi, value_of
from c360_assets.ui.data.kpi_range import Chosen

Grain = Literal["day", "week", "month"]
FILTERS = ("country", "promo", "product")
BARS = 10
# a copy never changes, and counting customers takes a while: its last answers are kept with it
REMEMBERED = 256
_answers: weakref.WeakKeyDictionary[Copy, dict[Any, list[dict[str, Any]]]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()
_ACTIVE = ("active_users", "active_gaggles")


@dataclass(frozen=True)
class Filter:
    """What is shown: everything, or one value of a dimension; `label` names it for people."""

    dimension: str = "all"
    value: str = "all"
    label: str = ""

    @property
    def is_any(self) -> bool:
        """Whether it leaves anything out."""
        return self.dimension != "all"

    def has(self, kpi: Kpi) -> bool:
        """Whether a KPI is known of it."""
        if not self.is_any:
            return True
        # whose customers days do not add up, and whose order lines the copy does not have
        return self.dimension in kpi.splits


@dataclass(frozen=True)
class Compared:
    """A KPI in the period (`now`) and the one before; None: not known, or not to be compared."""

    kpi: Kpi
    now: Any
    before: Any

    @property
    def difference(self) -> Any:
        """How much it changed."""
        return None if self.now is None or self.before is None else self.now - self.before

    @property
    def is_good(self) -> bool | None:
        """Whether the change is to the better; None where there is none, or it is neither."""
        difference = self.difference
        if not difference or not self.kpi.better:
            return None
        return bool((difference > 0) == (self.kpi.better > 0))


@dataclass(frozen=True)
class Stretch:
    """A day, week or month of the period, or what of it lies in the period: its days and values.

    `before` is the value of the days of the period before in the same places.
    """

    first: date
    last: date
    now: Any
    before: Any


@dataclass(frozen=True)
class Step:
    """How many sessions got at least this far; `of_last` and `of_all` are shares, None at first."""

    name: str
    how: str
    now: int
    before: int | None
    of_last: float | None
    of_all: float | None


@dataclass(frozen=True)
class Question:
    """What the dashboard is asked for: the period, and the filter."""

    chosen: Chosen
    only: Filter = field(default_factory=Filter)

    @property
    def is_compared(self) -> bool:
        """Whether there is a period before to compare with."""
        return self.chosen.before is not None

    @property
    def range(self) -> dict[str, Any]:
        """The range in SQL; `earliest` is the first day that is read at all.

        Facts later than the last day that the data covers are of days that have not come.
        """
        now, before = self.chosen.now, self.chosen.before
        earliest = before.first if before else now.first
        last = min(now.last, self.chosen.span.last)
        return {"first": now.first, "last": last, "earliest": earliest}

    @property
    def parameters(self) -> dict[str, Any]:
        """The range and the filter in SQL."""
        return {**self.range, "dimension": self.only.dimension, "value": self.only.value}

    def stretches(self, grain: str) -> dict[str, Any]:
        """How periods are cut, in SQL."""
        return {"grain": grain, "length": self.chosen.now.days}


def filter_label(copy: Copy, dimension: str, value: str) -> str | None:
    """The name of a country, promotion or product for people; None where no day has it."""
    row = copy.row("kpis/value", dimension=dimension, value=value)
    return None if row is None else str(row["dimension_label"])


def totals(copy: Copy, question: Question) -> dict[str, Compared]:
    """Every KPI whose days add up, by its key."""
    rows = {row["is_now"]: row for row in copy.rows("kpis/totals", **question.parameters)}
    return {
        kpi.key: Compared(kpi, value_of(kpi, rows.get(True)), value_of(kpi, rows.get(False)))
        for kpi in KPIS
        if kpi.how != "people" and question.only.has(kpi)
    }


def people(copy: Copy, question: Question) -> dict[str, Compared]:
    """Every KPI that counts people once each over the period, by its key."""
    wanted = [kpi for kpi in KPIS if kpi.how == "people" and question.only.has(kpi)]
    found: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    cut = question.stretches("period")
    if any(kpi.key not in _ACTIVE for kpi in wanted):
        for row in _counted(copy, "kpis/customers", {**question.parameters, **cut}):
            found[row["is_now"]].update(row)
    if any(kpi.key in _ACTIVE for kpi in wanted):
        for row in copy.rows("kpis/active", **question.range, **cut):
            found[row["is_now"]].update(row)
    chosen = question.chosen
    has_data = {True: chosen.span.covered_days(chosen.now) > 0, False: question.is_compared}
    for is_now in (each for each, has in has_data.items() if has):
        # who is in no row was not there
        for name in ("customers", *_ACTIVE):
            found[is_now].setdefault(name, 0)
    return {
        kpi.key: Compared(kpi, value_of(kpi, found[True]), value_of(kpi, found[False]))
        for kpi in wanted
    }


def trend(copy: Copy, question: Question, kpi: Kpi, grain: Grain) -> list[Stretch]:
    """A KPI over the period, by day, week (from Monday) or month, beside the period before."""
    cut = question.stretches(grain)
    rows = copy.rows("kpis/trend", **question.parameters, **cut)
    values = {(row["is_now"], row["stretch"]): value_of(kpi, row) for row in rows}
    if kpi.how == "people" and grain != "day":
        values = _people_over_time(copy, question, kpi, cut, list(values))
    return [
        Stretch(
            row["first_day"],
            row["last_day"],
            values[True, row["stretch"]],
            values.get((False, row["stretch"])),
        )
        for row in rows
        if row["is_now"]
    ]


def is_counted(kpi: Kpi, grain: Grain) -> bool:
    """Whether people must be counted in the orders, which takes a while."""
    return kpi.how == "people" and grain != "day" and kpi.key not in _ACTIVE


def _people_over_time(
    copy: Copy,
    question: Question,
    kpi: Kpi,
    cut: Mapping[str, Any],
    stretches: list[tuple[bool, date]],
) -> dict[tuple[bool, date], Any]:
    if kpi.key in _ACTIVE:
        rows = copy.rows("kpis/active", **question.range, **cut)
    else:
        rows = _counted(copy, "kpis/customers", {**question.parameters, **cut})
    found = {(row["is_now"], row["stretch"]): value_of(kpi, row) for row in rows}
    nobody = None if kpi.is_rate else 0
    return {place: found.get(place, nobody) for place in stretches}


def _counted(copy: Copy, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a question that takes long, asked once of each copy."""
    key = (name, *sorted(parameters.items()))
    with _lock:
        known = _answers.setdefault(copy, {})
        if key in known:
            return known[key]
    rows = copy.rows(name, **parameters)
    with _lock:
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[key] = rows
    return rows


def splits(question: Question, kpi: Kpi) -> tuple[str, ...]:
    """The dimensions by which a KPI can be split; what is filtered is not split further."""
    return () if question.only.is_any else tuple(name for name in DIMENSIONS if name in kpi.splits)


def breakdown_question(kpi: Kpi) -> str:
    """The question that splits a KPI."""
    return "kpis/customers_by" if kpi.how == "people" else "kpis/breakdown"


def breakdown_parameters(question: Question, kpi: Kpi, dimension: str) -> dict[str, Any]:
    """The parameters of `breakdown_question`."""
    parameters = {
        **question.range,
        "dimension": dimension,
        "kpi": kpi.key,
        "is_compared": question.is_compared,
    }
    if kpi.how == "people":
        return parameters
    return {
        **parameters,
        "is_ratio": kpi.how == "ratio",
        "adds_up": dimension in kpi.adds_up,
    }


def largest(copy: Copy, question: Question, kpi: Kpi, dimension: str) -> list[dict[str, Any]]:
    """The values of a dimension with most of a KPI, at most BARS, the largest first."""
    return copy.page(
        breakdown_question(kpi),
        Order("value", True, ("dimension_value",)),
        BARS,
        **breakdown_parameters(question, kpi, dimension),
    ).rows


_STEPS = (
    ("sessions", "Visit", "every session that started in the period"),
    ("with_product", "Product looked at", "an event that names a product, or a later step"),
    ("with_cart", "Put into a cart", "a cart among the events, or a later step"),
    ("with_checkout", "Checkout", "a checkout among the events, or an order"),
    ("with_order", "Order", "an order that a checkout of the session names"),
)
_PRODUCT_STEPS = (
    ("sessions", "Looked at it", "sessions with an event that names the product"),
    (
        "converted_sessions",
        "Ordered it",
        "sessions with an order of it, whether they looked or not",
    ),
)


def funnel(copy: Copy, question: Question) -> list[Step]:
    """How far sessions got; of a product, those that looked at it and those that ordered it.

    Countries and promotions have none: sessions have neither. A step that is not known of these
    days (carts, where no event tells of one) is left out.
    """
    if question.only.dimension in ("country", "promo"):
        return []
    is_product = question.only.dimension == "product"
    steps = _PRODUCT_STEPS if is_product else _STEPS
    name = "kpis/totals" if is_product else "kpis/funnel"
    parameters = question.parameters if is_product else question.range
    rows = {row["is_now"]: row for row in copy.rows(name, **parameters)}
    now, before = rows.get(True, {}), rows.get(False, {})
    found: list[Step] = []
    for column, label, how in steps:
        if now and now[column] is None:
            continue
        count = int(now.get(column) or 0)
        all_of_them = found[0].now if found else count
        last = found[-1].now if found else None
        earlier = int(before.get(column) or 0) if question.is_compared else None
        found.append(
            Step(
                *(label, how, count, earlier),
                count / last if last else None,
                count / all_of_them if found and all_of_them else None,
            )
        )
    return found


def kpi_of(query: Mapping[str, str], only: Filter) -> Kpi:
    """The KPI that a URL names; else the first that is known of what is shown."""
    wanted = BY_KEY.get(query.get("kpi", ""))
    if wanted is not None and only.has(wanted):
        return wanted
    return next(kpi for kpi in KPIS if only.has(kpi))


def grain_of(query: Mapping[str, str], days: int) -> Grain:
    """The grain that a URL names; else days, or weeks where these would be too many to see."""
    match query.get("grain"):
        case "day":
            return "day"
        case "week":
            return "week"
        case "month":
            return "month"
    return "day" if days <= 100 else "week"
