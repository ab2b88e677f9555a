"""What campaigns did to a person: their KPIs added up day by day, and the days that reached them.

Belongs here: which KPIs there are, the days of the chart, the curves. Not here: how it is drawn
(`pages.contact_marketing`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.kpi_range import ONE_DAY, Period
from c360_assets.ui.data.url_values import day_of

Amount = int | Decimal
# beyond this a point of the curves stands for several days
MOST_POINTS = 1_500
# the attributes of a person that a question asks for, where it is not user_id alone
_ASKED_BY: Mapping[str, tuple[str, ...]] = {
    "event_days": ("accounts",),
    "session_days": ("user_id", "accounts"),
    "ticket_days": ("emails",),
}


@dataclass(frozen=True)
class Kpi:
    """A figure that adds up: the column `name` of a question of `ui/sql/contact_marketing`.

    `table` and `column` are where it comes from, and `note` what is done with that.
    """

    name: str
    label: str
    kind: Literal["number", "money"]
    question: str
    table: str
    column: str
    note: str


_COUNTED = "counted by day"
_ADDED = "added up by day of the order"
KPIS = (
    Kpi("orders", "Orders", "number", "order_days", "fct_orders", "order_id", _COUNTED),
    Kpi(
        *("items", "Items ordered", "number", "order_days"),
        *("fct_orders", "total_products_ordered", _ADDED),
    ),
    Kpi("gross_sales", "Gross sales", "money", "order_days", "fct_orders", "order_cost", _ADDED),
    Kpi(
        *("net_sales", "Net sales", "money", "order_days", "fct_orders", "order_cost"),
        f"less discounts and refunds, {_ADDED}",
    ),
    Kpi("refunds", "Refunds", "money", "order_days", "fct_orders", "refund_amount", _ADDED),
    Kpi("discounts", "Discounts", "money", "order_days", "fct_orders", "promo_discount", _ADDED),
    Kpi(
        *("events", "Events", "number", "event_days"),
        *("user_event_name_days", "number_of_events", "added up over all their accounts"),
    ),
    Kpi("sessions", "Sessions", "number", "session_days", "fct_sessions", "session_id", _COUNTED),
    Kpi(
        *("campaigns", "Campaign messages", "number", "reached_days"),
        *("campaign_targets", "plan_id", "those that were sent, counted by day"),
    ),
    Kpi("tickets", "Tickets", "number", "ticket_days", "stg_tickets", "ticket_id", _COUNTED),
)
USUAL = ("orders", "net_sales")


@dataclass(frozen=True)
class Choice:
    """What a URL asks for: KPIs in the order of KPIS, and days; None is open.

    `notes` are sentences for people on what made no sense.
    """

    kpis: tuple[Kpi, ...]
    first: date | None
    last: date | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """As `kpis` (names with commas), `from` and `to` say."""
        named = query.get("kpis", ",".join(USUAL)).split(",")
        kpis = tuple(kpi for kpi in KPIS if kpi.name in named)
        notes: list[str] = []
        first, last = (day_of(query.get(name), name, notes) for name in ("from", "to"))
        if first and last and first > last:
            first, last = last, first
        return cls(kpis, first, last, tuple(notes))

    def toggled(self, kpi: Kpi) -> str:
        """The `kpis` of a URL with that one added, or taken away."""
        names = {each.name for each in self.kpis} ^ {kpi.name}
        # none is a choice, too, and no URL parameter is the usual one
        return ",".join(each.name for each in KPIS if each.name in names) or "none"


@dataclass(frozen=True)
class Mark:
    """A point of the curves by which campaigns reached the person.

    `actions` are what was sent, in words; `kept_from` the campaigns that had them in the control
    group, and sent them nothing. `first` to `last` are the days of the point.
    """

    first: date
    last: date
    actions: tuple[str, ...]
    kept_from: tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """The curves: for each KPI by name what it came to at the end of each of `days`.

    `before` is what it had come to before the first of them. A value is None as long as none is
    known: orders may lack amounts. `days` is empty where nothing ever happened. `clock` is the day
    up to which the data goes, `whole` all days that could be shown.
    """

    choice: Choice
    clock: date | None
    whole: Period | None
    days: tuple[date, ...]
    curves: Mapping[str, tuple[Amount | None, ...]]
    before: Mapping[str, Amount | None]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]


def impact(copy: Copy, person: Person, choice: Choice) -> Impact:
    """The curves and marks of a choice."""
    questions = {kpi.question for kpi in choice.kpis} | {"reached_days"}
    found = {question: _ask(copy, question, person) for question in sorted(questions)}
    clock: date | None = copy.one("contact_marketing/clock")["day"]
    seen = [row["day"] for rows in found.values() for row in rows]
    if not seen:
        return Impact(choice, clock, None, (), {}, {}, (), choice.notes)
    # campaigns may be ahead of the clock
    whole = Period(min(seen), max([*seen, *([clock] if clock else [])]))
    period, notes = _period(choice, whole)
    days = points(period)
    curves, before = {}, {}
    for kpi in choice.kpis:
        steps = [(row["day"], row[kpi.name]) for row in found[kpi.question]]
        before[kpi.name], *curve = _added_up(steps, [period.first - ONE_DAY, *days])
        curves[kpi.name] = tuple(curve)
    marks = _marks(found["reached_days"], period, days)
    return Impact(choice, clock, whole, days, curves, before, marks, (*choice.notes, *notes))


def points(period: Period) -> tuple[date, ...]:
    """The days at whose end the curves have a value: all, or of many each nth up to the last."""
    step = -(-period.days // MOST_POINTS)
    return tuple(
        period.last - back * ONE_DAY for back in range((period.days - 1) // step * step, -1, -step)
    )


def treatments(copy: Copy, person: Person) -> dict[str, Any]:
    """How often campaigns were sent to them (`sent`), spared them (`control`), left them out
    (`excluded`), and the last day on which one was sent (`last_sent`)."""
    return copy.one("contact_marketing/treatments", user_id=person.user_id)


def asked_by(person: Person, names: Sequence[str]) -> dict[str, Any]:
    """These attributes of a person as parameters of a question."""
    values = {name: getattr(person, name) for name in names}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _ask(copy: Copy, question: str, person: Person) -> list[dict[str, Any]]:
    by = _ASKED_BY.get(question, ("user_id",))
    return copy.rows(f"contact_marketing/{question}", **asked_by(person, by))


def _period(choice: Choice, whole: Period) -> tuple[Period, tuple[str, ...]]:
    """The days to show: those chosen as far as there is anything to show."""
    first = max(choice.first or whole.first, whole.first)
    last = min(choice.last or whole.last, whole.last)
    if first <= last:
        return Period(first, last), ()
    return whole, (f"There is nothing in the days chosen; these are all, {whole}.",)


def _added_up(
    steps: Sequence[tuple[date, Amount | None]], days: Sequence[date]
) -> list[Amount | None]:
    """The sum of the amounts up to the end of each of these days."""
    sums: list[Amount | None] = []
    total: Amount | None = None if any(amount is None for _, amount in steps) else 0
    left = iter(steps)
    step = next(left, None)
    for day in days:
        while step is not None and step[0] <= day:
            if step[1] is not None:
                total = (total or 0) + step[1]
            step = next(left, None)
        sums.append(total)
    return sums


def _marks(
    reached: Sequence[Mapping[str, Any]], period: Period, days: Sequence[date]
) -> tuple[Mark, ...]:
    here: dict[int, list[Mapping[str, Any]]] = {}
    for row in reached:
        if period.first <= row["day"] <= period.last:
            here.setdefault(bisect_left(days, row["day"]), []).append(row)
    return tuple(
        Mark(
            days[nth - 1] + ONE_DAY if nth else period.first,
            days[nth],
            tuple(each for row in rows for each in row["actions"] or ()),
            tuple(each for row in rows for each in row["kept_from"] or ()),
        )
        for nth, rows in here.items()
    )
