"""`/kpis`: choosing the days, and what is shown of them."""

from __future__ import annotations

from nicegui import ui

from c360_assets.ui.data.kpi_list import DIMENSIONS, KPIS
from c360_assets.ui.data.kpi_range import presets
from c360_assets.ui.data.kpis import FILTERS, Question
from c360_assets.ui.page import Page
from c360_assets.ui.parts import forms

# where a table of the last view stood means nothing in the next
_OF_TABLES = ("_sort", "_page", "_rows")


def show(page: Page, question: Question, ignored: str) -> None:
    """Presets, a form for other days, the filter, and what must be said of them."""
    chosen = question.chosen
    with ui.element("div").classes("c-actions"):
        for preset in presets(chosen.span):
            first, last = str(preset.period.first), str(preset.period.last)
            forms.choice_link(
                preset.name,
                url(page, **{"from": first, "to": last}),
                is_chosen=preset.period == chosen.now,
            )
    _form(page, question)
    if question.only.is_any:
        _filter(page, question)
    for note in (*chosen.notes, ignored):
        if note:
            ui.label(note).classes("c-kpi-note c-warn")
    ui.label(
        f"Data from {chosen.span.first} to {chosen.span.last}; the clock stands at "
        f"{chosen.span.clock:%Y-%m-%d %H:%M}. Presets end with the last whole day, "
        f"{chosen.span.last_whole_day}."
    ).classes("c-note")


def url(page: Page, **changes: str | None) -> str:
    """This page with other parameters, its tables from their beginning."""
    tables = {name: None for name in page.query if name.endswith(_OF_TABLES)}
    return page.url(**{**tables, **changes})


def _is_of_table(name: str) -> bool:
    return name.endswith(_OF_TABLES)


def _form(page: Page, question: Question) -> None:
    now = question.chosen.now
    with forms.form(page, "Days to show", ("from", "to"), drops=_is_of_table):
        forms.field("From", "from", "date", str(now.first), required="")
        forms.field("To", "to", "date", str(now.last), required="")
        forms.submit("Show these days")


def _filter(page: Page, question: Question) -> None:
    only = question.only
    with ui.element("div").classes("c-chips"):
        ui.label(f"Only the {DIMENSIONS[only.dimension].lower()}").classes("c-note")
        ui.label(only.label).classes("c-chip")
        gone: dict[str, str | None] = dict.fromkeys(FILTERS)
        ui.link("Show everything", url(page, **gone))
    missing = [kpi.label.lower() for kpi in KPIS if not only.has(kpi)]
    ui.label(
        f"Not known by {DIMENSIONS[only.dimension].lower()}: {', '.join(missing)}. "
        + _WHY[only.dimension]
    ).classes("c-note")


_WHY = {
    "country": "Visits have no country, and refer to no order before a checkout.",
    "promo": "Visits have no promotion before a checkout.",
    "product": "Amounts paid, refunds and deliveries are of whole orders, and of customers only "
    "each day's number is kept, which does not add up.",
}
