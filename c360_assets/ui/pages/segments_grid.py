"""The figures of all segments, the grid of scores as a heat map, and the list of segments.

Belongs here: what is shown of a time. Not here: the customers one by one (`segments_people`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from nicegui import ui

from c360_assets.ui.data import segments
from c360_assets.ui.data.segments import PROSPECTS, Cell, History, Total
from c360_assets.ui.data.segments_choice import Choice
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.pages.segments_time import time_text
from c360_assets.ui.parts import forms
from c360_assets.ui.parts.figures import Source, figure, figures, panel
from c360_assets.ui.parts.text import change, shown

# the share of the accent in a cell's ground: text stays AA on it, light and dark
MOST_HEAT = 45
SCORES = (1, 2, 3, 4, 5)
COLUMNS = ("Segment", "Customers", "Share", "Change", "Money", "Share of money")


@dataclass(frozen=True)
class Shown:
    """A time: its cells, its prospects, and the segments at the end of an earlier day."""

    there: History
    choice: Choice
    cells: Sequence[Cell]
    prospects: int
    before: dict[str, Total]
    compared_day: date | None

    @property
    def state_table(self) -> str:
        """Where scores and segments come from."""
        return "rfm_segments" if self.choice.at is None else "rfm_segment_history"

    @property
    def money_table(self) -> str:
        """Where orders and amounts come from."""
        return "rfm_segments" if self.choice.at is None else "rfm_customer_states"


def show_figures(page: Page, shown_time: Shown) -> None:
    """Everybody together, against an earlier day."""
    there, before = shown_time.there, shown_time.before
    total = segments.whole(shown_time.cells)
    of_customers = [each for name, each in before.items() if name != PROSPECTS]
    total_before = segments.whole(of_customers)
    top = segments.by_segment(shown_time.cells).get(there.top_segment, Total())
    title = f"Everybody: {time_text(there, shown_time.choice.at)}"
    with panel(title, note=_compared(shown_time), wide=True):
        with figures():
            figure(
                "Customers",
                total.customers,
                "number",
                source=Source(shown_time.state_table, "user_id", "contacts with an order"),
                hint=_change(total.customers, total_before.customers),
            )
            figure(
                "Prospects",
                shown_time.prospects,
                "number",
                source=Source("contacts", "first_order", "contacts without an order by then"),
                hint=_change(shown_time.prospects, before.get(PROSPECTS, Total()).customers),
            )
            if there.has_money:
                figure(
                    "Money",
                    total.monetary,
                    "money",
                    source=Source(shown_time.money_table, "monetary", "added up"),
                    currency=page.currency,
                    hint=_change(total.monetary, total_before.monetary),
                )
            _top_share(shown_time, top, total)
        _spans(page, shown_time.choice)


def _top_share(shown_time: Shown, top: Total, total: Total) -> None:
    name = shown_time.there.top_segment
    before = shown_time.before.get(name, Total())
    whole_before = segments.whole(
        each for key, each in shown_time.before.items() if key != PROSPECTS
    )
    note = "the segment of the highest scores, as a part of everybody"
    figure(
        f"{name}: of customers",
        _share(top.customers, total.customers),
        "percent",
        source=Source(shown_time.state_table, "rfm_segment", note),
        hint=_points(
            _share(top.customers, total.customers),
            _share(before.customers, whole_before.customers),
        ),
    )
    if shown_time.there.has_money:
        figure(
            f"{name}: of money",
            _share(top.monetary, total.monetary),
            "percent",
            source=Source(shown_time.money_table, "monetary", note),
            hint=_points(
                _share(top.monetary, total.monetary),
                _share(before.monetary, whole_before.monetary),
            ),
        )


def _spans(page: Page, choice: Choice) -> None:
    names = {"1d": "a day", "7d": "7 days", "30d": "30 days", "90d": "90 days", "month": "a month"}
    parts.choices(
        "Compared with",
        [
            (
                f"{words} before",
                page.url(span=name, **{"from": None, "to": None}),
                choice.span == name,
            )
            for name, words in names.items()
        ],
    )


def _compared(shown_time: Shown) -> str:
    if shown_time.compared_day is None:
        return "Nobody had ordered yet by the day to compare with."
    return f"Changes are against the end of {shown_time.compared_day} (marts.rfm_segment_days)."


def _share(part: object, total: object) -> float | None:
    if part is None or not total:
        return None
    return float(str(part)) / float(str(total))


def _change(now: object, before: object) -> str:
    relative = change(_number(now), _number(before))
    return "" if relative is None else f"{relative:+.1%}"


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _points(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return ""
    return f"{(now - before) * 100:+.1f} points"


def show_grid(page: Page, shown_time: Shown) -> None:
    """The heat map: recency by frequency score."""
    choice, there = shown_time.choice, shown_time.there
    with panel(
        "Recency by frequency",
        note="A number leads to the people of its cell, a name to its segment.",
    ):
        if there.has_money:
            parts.choices(
                "Shown",
                [
                    ("Customers", page.url(measure=None), choice.measure == "customers"),
                    ("Money", page.url(measure="money"), choice.measure == "money"),
                ],
            )
        else:
            ui.label(
                "No order has an amount, so customers are shown; raw_order with order_cost brings "
                "money."
            ).classes("c-note")
        _heat_map(page, shown_time)
        source = Source(shown_time.state_table, "recency_score")
        ui.label(
            f"Source: {source.name.removesuffix('.recency_score')}, marts.rfm_rules. 5 is the top "
            "fifth, unless the cuts of c360.toml say otherwise."
        ).classes("c-note")


def _heat_map(page: Page, shown_time: Shown) -> None:
    by_scores = {(cell.recency_score, cell.frequency_score): cell for cell in shown_time.cells}
    most = max((_heat(shown_time.choice, cell) for cell in shown_time.cells), default=0.0)
    with ui.element("table").classes("c-heat"):
        with ui.element("caption"):
            ui.label(
                f"{shown_time.choice.measure.capitalize()}. Rows: recency score, R5 ordered last; "
                "columns: frequency score, F5 ordered most."
            ).classes("c-inline")
        with ui.element("thead"), ui.element("tr"):
            ui.element("td")
            for frequency in SCORES:
                _score("col", "F", frequency, "Frequency")
        with ui.element("tbody"):
            for recency in reversed(SCORES):
                with ui.element("tr"):
                    _score("row", "R", recency, "Recency")
                    for frequency in SCORES:
                        _cell(page, shown_time, by_scores[recency, frequency], most)


def _score(scope: str, letter: str, score: int, word: str) -> None:
    with ui.element("th") as made:
        made.props["scope"] = scope
        made.props["aria-label"] = f"{word} score {score}"
        ui.label(f"{letter}{score}").classes("c-inline")


def _cell(page: Page, shown_time: Shown, cell: Cell, most: float) -> None:
    people = shown_time.choice.people
    heat = _heat(shown_time.choice, cell) / most if most else 0.0
    is_cell = (people.recency_score, people.frequency_score) == (
        cell.recency_score,
        cell.frequency_score,
    )
    value = parts.measured(shown_time.choice, Total(cell.customers, cell.monetary), page.currency)
    with ui.element("td").style(f"--heat: {heat * MOST_HEAT:.0f}%") as made:
        if is_cell or people.segment == cell.segment:
            made.classes("c-heat-on")
        name = ui.link(cell.segment, parts.people_url(page, segment=cell.segment))
        name.classes("c-heat-name").props["title"] = cell.segment
        text = value if shown_time.choice.measure == "customers" else short_money(cell, page)
        number = ui.link(text, parts.people_url(page, cell=cell.key)).classes("c-heat-value")
        number.props["aria-label"] = (
            f"{cell.segment}, recency {cell.recency_score}, frequency {cell.frequency_score}: "
            f"{value} {'customers' if shown_time.choice.measure == 'customers' else ''}".strip()
        )
        if is_cell:
            number.props('aria-current="true"')


def short_money(cell: Cell, page: Page) -> str:
    """An amount that fits a cell: `$12k`; the whole one is in the link's label."""
    if cell.monetary is None:
        return shown(None)
    amount = abs(float(cell.monetary))
    sign = "-" if cell.monetary < 0 else ""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if amount >= 10 * size:
            return f"{sign}{page.currency}{amount / size:,.0f}{unit}"
        if amount >= size:
            return f"{sign}{page.currency}{amount / size:,.1f}{unit}"
    return f"{sign}{page.currency}{amount:,.0f}"


def _heat(choice: Choice, cell: Cell) -> float:
    if choice.measure == "money":
        return max(float(cell.monetary or 0), 0.0)
    return float(cell.customers)


def show_list(page: Page, shown_time: Shown) -> None:
    """Every segment in a row, prospects last."""
    there = shown_time.there
    totals = segments.by_segment(shown_time.cells)
    whole = segments.whole(shown_time.cells)
    columns = COLUMNS if there.has_money else COLUMNS[:4]
    with panel("Segments", note=_compared(shown_time)):
        scrolled = ui.element("div").classes("c-scroll c-tall").props("tabindex=0")
        with scrolled, ui.element("table").classes("c-table"):
            with ui.element("thead"), ui.element("tr"):
                for name in columns:
                    with ui.element("th").props("scope=col").classes(_head_class(name)):
                        ui.label(name).classes("c-inline")
            with ui.element("tbody"):
                for segment in there.segments:
                    _row(page, shown_time, segment, totals.get(segment, Total()), whole)
                _row(page, shown_time, PROSPECTS, Total(shown_time.prospects), None)
        ui.label(
            "Source: marts.rfm_segments now, marts.rfm_segment_history and "
            "marts.rfm_customer_states for hours before."
        ).classes("c-note")


def _row(page: Page, shown_time: Shown, segment: str, total: Total, whole: Total | None) -> None:
    before = shown_time.before.get(segment, Total())
    share = None if whole is None else _share(total.customers, whole.customers)
    cells = [
        shown(total.customers, "number"),
        shown(share, "percent"),
        _change(total.customers, before.customers) or "-",
    ]
    if shown_time.there.has_money:
        money_share = None if whole is None else _share(total.monetary, whole.monetary)
        cells += [shown(total.monetary, "money", page.currency), shown(money_share, "percent")]
    with ui.element("tr"):
        with ui.element("th").props("scope=row").classes("c-segment"):
            swatch(parts.colour(shown_time.there, segment))
            if segment == PROSPECTS:
                ui.label(segment).classes("c-inline")
            else:
                forms.choice_link(
                    segment,
                    parts.people_url(page, segment=segment),
                    is_chosen=shown_time.choice.people.segment == segment,
                )
        for name, text in zip(COLUMNS[1:], cells, strict=False):
            with ui.element("td").classes(f"c-number {_spare(name)}"):
                ui.label(text).classes("c-inline")


def _spare(column: str) -> str:
    """A phone has no room for shares."""
    return "c-spare" if column.startswith("Share") else ""


def _head_class(column: str) -> str:
    return _spare(column) if column == COLUMNS[0] else f"c-number {_spare(column)}"


def swatch(colour: str) -> None:
    """A small square in a segment's colour."""
    ui.element("span").classes("c-swatch").style(f"background: {colour}").props("aria-hidden=true")
