"""The days that a dashboard shows: what the data covers, presets, and the period before.

Belongs here: dates alone. Not here: any figure (`kpis`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from c360_assets.ui.copies import Copy
from c360_assets.ui.data.url_values import day_of

ONE_DAY = timedelta(days=1)
USUAL_DAYS = 30
# by default the clock is the newest event, which is hardly ever of a day's last second
LATE_ENOUGH = time(23)


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both counted."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def before(self) -> Period | None:
        """The period of equal length that ends the day before; None where no calendar has it."""
        try:
            return Period(self.first - self.days * ONE_DAY, self.first - ONE_DAY)
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"{self.first}" if self.days == 1 else f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Span:
    """What the data covers: its first and last day, and the clock (naive UTC)."""

    first: date
    last: date
    clock: datetime

    @property
    def whole(self) -> Period:
        """All of it."""
        return Period(self.first, self.last)

    @property
    def last_whole_day(self) -> date:
        """The last day that the clock has seen to its end, give or take LATE_ENOUGH."""
        is_over = self.clock.date() > self.last or self.clock.time() >= LATE_ENOUGH
        return self.last if is_over else max(self.last - ONE_DAY, self.first)

    def covers(self, period: Period) -> bool:
        """Whether there is data of every day of it."""
        return self.first <= period.first and period.last <= self.last

    def covered_days(self, period: Period) -> int:
        """Of how many of its days there is data."""
        first, last = max(self.first, period.first), min(self.last, period.last)
        return max((last - first).days + 1, 0)


@dataclass(frozen=True)
class Preset:
    """A period that is offered by name."""

    name: str
    period: Period


@dataclass(frozen=True)
class Chosen:
    """The period that is shown, the one before it, and what must be said of them.

    `before` is None where the data does not cover all of it, or not all of `now`: figures of
    unequally many days are not compared. `notes` are sentences for people.
    """

    span: Span
    now: Period
    before: Period | None
    notes: tuple[str, ...]

    @property
    def short(self) -> str:
        """The period for the narrow legend of a chart."""
        return self._short(self.now)

    @property
    def short_before(self) -> str:
        """The same of the one before; empty where there is none."""
        return self._short(self.before) if self.before else ""

    def _short(self, period: Period) -> str:
        earliest = self.before or self.now
        day = "%d %b" if earliest.first.year == self.now.last.year else "%d %b %Y"
        if period.days == 1:
            return f"{period.first:{day}}"
        return f"{period.first:{day}} to {period.last:{day}}"


def span(copy: Copy) -> Span | None:
    """What the data covers; None where there is no day."""
    row = copy.one("kpis/span")
    if row["first_day"] is None:
        return None
    clock = row["clock"] or datetime.combine(row["last_day"], time.max)
    return Span(row["first_day"], row["last_day"], clock)


def presets(span: Span) -> list[Preset]:
    """The periods on offer, counted back from the last whole day."""
    end = span.last_whole_day
    month = end.replace(day=1)
    last_of_previous = month - ONE_DAY
    return [
        *(Preset(f"Last {days} days", _ending(end, days)) for days in (7, 30, 90)),
        Preset("Month to date", Period(month, end)),
        Preset("Previous month", Period(last_of_previous.replace(day=1), last_of_previous)),
        Preset("All", span.whole),
    ]


def chosen(span: Span, query: Mapping[str, str]) -> Chosen:
    """The period that a URL asks for with `from` and `to`; else the usual one."""
    notes: list[str] = []
    given = [day_of(query.get(name), name, notes) for name in ("from", "to")]
    now = _period(span, given[0], given[1], notes)
    covered = span.covered_days(now)
    if covered < now.days:
        notes.append(f"The data covers {span.whole}: {covered:,} of the {now.days:,} days chosen.")
    before = now.before()
    if covered == now.days and before and span.covers(before):
        return Chosen(span, now, before, tuple(notes))
    if covered == now.days and now != span.whole:
        there = span.covered_days(before) if before else 0
        notes.append(
            f"There is nothing to compare with: of the {now.days:,} days before ({before}) "
            f"{'none has' if not there else f'only {there:,} have'} data, which begins on "
            f"{span.first}."
        )
    return Chosen(span, now, None, tuple(notes))


def _period(span: Span, first: date | None, last: date | None, notes: list[str]) -> Period:
    if first is None and last is None:
        usual = _ending(span.last_whole_day, USUAL_DAYS)
        return Period(max(usual.first, span.first), usual.last)
    last = last or max(span.last_whole_day, first or span.first)
    first = first or min(span.first, last)
    if first > last:
        notes.append(f"The range from {first} to {last} runs backwards, and was turned round.")
        first, last = last, first
    return Period(first, last)


def _ending(last: date, days: int) -> Period:
    return Period(last - (days - 1) * ONE_DAY, last)
