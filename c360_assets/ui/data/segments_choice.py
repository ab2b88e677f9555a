"""What the URL of the segments chooses: an hour, a measure, people, a movement.

Belongs here: reading query parameters, and what is said of those that make no sense. Not here: any
answer (`segments`).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, cast, get_args

from c360_assets.ui.copies import Copy
from c360_assets.ui.data.search import as_indexed, folded_words
from c360_assets.ui.data.segments import PROSPECTS, History, day_of, history

Measure = Literal["customers", "money"]
Unit = Literal["hour", "day"]
CohortMeasure = Literal["retention", "customers", "orders", "money"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# a calendar month has no length
SPANS: dict[str, timedelta | None] = {
    "1d": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
    "month": None,
}
USUAL_SPAN = "30d"
CHART_DAYS: dict[str, int | None] = {"30": 30, "90": 90, "365": 365, "all": None}
USUAL_CHART_DAYS = "90"
_CELL = re.compile(r"r([1-5])f([1-5])")
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,4})?")


@dataclass(frozen=True)
class People:
    """Which customers are listed: those who fit all that is not None.

    `at` is the hour, None the clock. `moved_from` is where they were at `since`.
    """

    at: datetime | None = None
    recency_score: int | None = None
    frequency_score: int | None = None
    segment: str | None = None
    moved_from: str | None = None
    since: datetime | None = None
    text: str | None = None
    min_orders: int | None = None
    min_money: float | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether a text or a minimum leaves some out."""
        return any(each is not None for each in (self.text, self.min_orders, self.min_money))


@dataclass(frozen=True)
class Choice:
    """What is shown. `at` is a full hour, None the clock; `since` and `until` are a movement's.

    `since` is None where nobody ordered. `problems` tell what made no sense and was left out.
    """

    at: datetime | None
    unit: Unit
    measure: Measure
    span: str
    since: datetime | None
    until: datetime | None
    has_own_span: bool
    people: People
    chart_days: str
    cohort_measure: CohortMeasure
    cohort_month: date | None
    problems: tuple[str, ...] = ()


def choice_of(there: History, query: Mapping[str, str]) -> Choice:
    """What a URL chooses; what makes no sense counts as not said, and is told."""
    problems: list[str] = []
    at = _hour(query.get("at"), there, problems)
    span = _one_of(query.get("span"), SPANS, USUAL_SPAN)
    own = _own_span(query, there, at, problems)
    since, until = own or (_before(at or there.last_hour, span), at)
    money = ("customers", "money") if there.has_money else ("customers",)
    cohort_measures = [
        name for name in get_args(CohortMeasure) if name != "money" or there.has_money
    ]
    return Choice(
        at=at,
        unit=cast(Unit, _one_of(query.get("by"), get_args(Unit), "hour")),
        measure=cast(Measure, _one_of(query.get("measure"), money, "customers")),
        span=span,
        since=since,
        until=until,
        has_own_span=own is not None,
        people=_people(query, there, at, since, until, problems),
        chart_days=_one_of(query.get("days"), CHART_DAYS, USUAL_CHART_DAYS),
        cohort_measure=cast(
            CohortMeasure, _one_of(query.get("cohorts"), cohort_measures, "retention")
        ),
        cohort_month=_month(query.get("cohort_month")),
        problems=tuple(problems),
    )


def parameters_of(copy: Copy, people: People) -> dict[str, Any]:
    """What the questions about people bind."""
    known = copy.one("segments/known_by", at=people.at)
    text = people.text and as_indexed(folded_words(copy, people.text.split()))
    return {**vars(people), "text": text, **known}


def chosen_people(copy: Copy, query: Mapping[str, str]) -> dict[str, Any]:
    """The same, from a URL."""
    return parameters_of(copy, choice_of(history(copy), query).people)


def compared_day(there: History, choice: Choice) -> date | None:
    """The day whose end figures are compared with: one span before; None where nothing was then."""
    now = choice.at or there.as_of
    if now is None or there.first_hour is None:
        return None
    before = _before(datetime.combine(day_of(now), time()), choice.span)
    day = None if before is None else before.date()
    return day if day is not None and day >= day_of(there.first_hour) else None


def hour_text(at: datetime) -> str:
    """An hour as URLs have it: `2021-11-15T13`."""
    return f"{at:%Y-%m-%dT%H}"


def move_text(before: str, after: str) -> str:
    """A movement as URLs have it."""
    return f"{before}>{after}"


def _people(
    query: Mapping[str, str],
    there: History,
    at: datetime | None,
    since: datetime | None,
    until: datetime | None,
    problems: list[str],
) -> People:
    some = _filters(query, there, problems)
    if moved := query.get("moved"):
        if (names := _move(moved, there)) and since is not None:
            before, after = names
            return replace(some, at=until, segment=after, moved_from=before, since=since)
        example = move_text(PROSPECTS, there.top_segment)
        problems.append(_unknown("movement", moved, example))
    some = replace(some, at=at)
    if cell := query.get("cell"):
        if match := _CELL.fullmatch(cell):
            some = replace(some, recency_score=int(match[1]), frequency_score=int(match[2]))
        else:
            problems.append(_unknown("cell", cell, "r5f3"))
    if segment := query.get("segment"):
        if segment in there.segments:
            some = replace(some, segment=segment)
        else:
            problems.append(
                f"There is no segment {segment[:80]!r}; there are {', '.join(there.segments)}."
            )
    return some


def _filters(query: Mapping[str, str], there: History, problems: list[str]) -> People:
    orders = _number(query.get("orders"), "orders", problems)
    money = _number(query.get("sales"), "sales", problems)
    return People(
        text=" ".join(query.get("text", "").split())[:200] or None,
        min_orders=None if orders is None else int(orders),
        min_money=money if there.has_money else None,
    )


def _move(text: str, there: History) -> tuple[str, str] | None:
    # a segment of one's own may have a `>` in its name
    for at in (index for index, letter in enumerate(text) if letter == ">"):
        before, after = text[:at], text[at + 1 :]
        if before in (*there.segments, PROSPECTS) and after in there.segments:
            return before, after
    return None


def _unknown(kind: str, text: str, example: str) -> str:
    return f"There is no {kind} {text[:80]!r}; write it as {example!r}. It is left out."


def _hour(text: str | None, there: History, problems: list[str]) -> datetime | None:
    """A full hour of the history; None for the clock."""
    if not text:
        return None
    first, last = there.first_hour, there.last_hour
    at = _time(text)
    if at is None or first is None or last is None or not first <= at <= last:
        hours = (
            f"the history goes from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
            if first and last
            else "there is no history yet"
        )
        problems.append(f"There is no hour {text[:80]!r}: {hours}. Shown is the latest.")
        return None
    return at


def _own_span(
    query: Mapping[str, str], there: History, at: datetime | None, problems: list[str]
) -> tuple[datetime, datetime | None] | None:
    """The times of a movement that are in the URL itself."""
    if not query.get("from") or there.first_hour is None or there.last_hour is None:
        return None
    since = _time(query["from"])
    until = _hour(query.get("to"), there, problems) if query.get("to") else at
    end = until or there.as_of or there.last_hour
    if since is None or since >= end:
        problems.append(
            f"No movement begins at {query['from'][:80]!r}; it must be a time before "
            f"{end:%Y-%m-%d %H:%M}."
        )
        return None
    return max(since, there.first_hour - HOUR), until


def _time(text: str) -> datetime | None:
    """A time, cut to its hour."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # times are UTC; another zone would be a guess
    return None if found.tzinfo else found.replace(minute=0, second=0, microsecond=0)


def _before(end: datetime | None, span: str) -> datetime | None:
    if end is None:
        return None
    length = SPANS[span]
    if length is not None:
        return end - length
    year, month = (end.year, end.month - 1) if end.month > 1 else (end.year - 1, 12)
    return end.replace(
        year=year, month=month, day=min(end.day, calendar.monthrange(year, month)[1])
    )


def _one_of(text: str | None, allowed: Collection[str], usual: str) -> str:
    return text if text is not None and text in allowed else usual


def _number(text: str | None, name: str, problems: list[str]) -> float | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        problems.append(f"{text[:80]!r} is no smallest number of {name}; write it as 12 or 12.50.")
        return None
    return float(text)


def _month(text: str | None) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if text else None
    except ValueError:
        return None
