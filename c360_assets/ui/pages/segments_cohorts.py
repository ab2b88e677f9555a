"""Cohorts by month of first order: what became of each, month by month.

Belongs here: the triangle. Not here: segments.
"""

from __future__ import annotations

from datetime import timedelta

from nicegui import ui

from c360_assets.ui.data.segments import COHORT_MONTHS, Cohort, CohortMonth, Cohorts
from c360_assets.ui.data.segments_choice import Choice
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.pages.segments_grid import MOST_HEAT
from c360_assets.ui.parts.figures import panel
from c360_assets.ui.parts.text import shown

WORDS = {
    "retention": "Retention",
    "customers": "Customers",
    "orders": "Orders",
    "money": "Money",
}
MEANING = {
    "retention": "The part of each cohort that ordered in a month.",
    "customers": "How many of each cohort ordered in a month.",
    "orders": "The orders of each cohort in a month.",
    "money": "The sales to each cohort in a month.",
}


def show(page: Page, choice: Choice, found: Cohorts | None, *, has_money: bool) -> None:
    """The panel of cohorts; nothing where nobody ordered."""
    if found is None:
        return
    with panel("Cohorts", note=MEANING[choice.cohort_measure], wide=True) as made:
        made.props('id="cohorts"')
        parts.choices(
            "Shown",
            [
                (
                    words,
                    page.url(cohorts=None if name == "retention" else name) + "#cohorts",
                    choice.cohort_measure == name,
                )
                for name, words in WORDS.items()
                if has_money or name != "money"
            ],
        )
        _older(page, found)
        _triangle(page, choice, found)
        ui.label(
            "Source: marts.rfm_cohorts. A cohort is everybody whose first order was in the month; "
            "the last month goes to the clock."
        ).classes("c-note")


def _older(page: Page, found: Cohorts) -> None:
    first, last = found.cohorts[0].month, found.cohorts[-1].month
    links = []
    if first > found.first_month:
        links.append(("Older cohorts", first - timedelta(days=1)))
    if last < found.last_month:
        links.append(("The newest cohorts", found.last_month))
    if not links:
        return
    with ui.element("nav").classes("c-actions").props('aria-label="Other cohorts"'):
        for text, month in links:
            href = page.url(cohort_month=f"{month:%Y-%m}")
            ui.link(text, f"{href}#cohorts")
        ui.label(f"{COHORT_MONTHS} cohorts and as many months at a time.").classes("c-note")


def _triangle(page: Page, choice: Choice, found: Cohorts) -> None:
    width = max(len(cohort.months) for cohort in found.cohorts)
    # a cohort's own month is nearly always the highest, and would leave the others pale
    most = max(
        (_heat(choice, month) for cohort in found.cohorts for month in cohort.months[1:]),
        default=0.0,
    )
    with (
        ui.element("div").classes("c-scroll c-tall").props("tabindex=0"),
        ui.element("table").classes("c-heat c-cohorts"),
    ):
        with ui.element("caption"):
            ui.label(f"{WORDS[choice.cohort_measure]} by months since").classes("c-inline")
        with ui.element("thead"), ui.element("tr"):
            for text in ("First order", "Customers", *map(str, range(width))):
                with ui.element("th").props("scope=col"):
                    ui.label(text).classes("c-inline")
        with ui.element("tbody"):
            for cohort in found.cohorts:
                _row(page, choice, cohort, most, width)


def _row(page: Page, choice: Choice, cohort: Cohort, most: float, width: int) -> None:
    with ui.element("tr"):
        with ui.element("th").props("scope=row"):
            ui.label(f"{cohort.month:%Y-%m}").classes("c-inline")
        with ui.element("td").classes("c-number"):
            ui.label(f"{cohort.customers:,}").classes("c-inline")
        for month in cohort.months:
            heat = min(_heat(choice, month) / most, 1.0) if most else 0.0
            with ui.element("td").style(f"--heat: {heat * MOST_HEAT:.0f}%"):
                ui.label(_text(page, choice, month)).classes("c-inline")
        for _ in range(width - len(cohort.months)):
            ui.element("td").classes("c-not-yet")


def _heat(choice: Choice, month: CohortMonth) -> float:
    value = {
        "retention": month.retention_rate,
        "customers": month.active_customers,
        "orders": month.orders,
        "money": month.monetary or 0,
    }[choice.cohort_measure]
    return max(float(value), 0.0)


def _text(page: Page, choice: Choice, month: CohortMonth) -> str:
    if choice.cohort_measure == "retention":
        return shown(month.retention_rate, "percent")
    if choice.cohort_measure == "money":
        return shown(month.monetary, "money", page.currency)
    value = month.active_customers if choice.cohort_measure == "customers" else month.orders
    return shown(value, "number")
