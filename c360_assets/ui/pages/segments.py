"""`/segments`: customers by recency, frequency and money, at any hour, and how they move.

Belongs here: what the URL asks for, and the page as a whole. Not here: its parts (`segments_time`,
`segments_grid`, `segments_people`, `segments_moves`, `segments_history`, `segments_cohorts`).

The URL: `at` (an hour) and `by` (hour, day); `measure` (customers, money); `span` (1d, 7d, 30d,
90d, month), or `from` and `to` for movements; whose customers are listed, by `cell` (r5f3),
`segment` or `moved` (From>To), and `text`, `orders`, `sales`; `stayed`; `days`; `cohorts`,
`cohort_month`.
"""

from __future__ import annotations

import asyncio

from nicegui import ui

from c360_assets.ui.copies import Copy
from c360_assets.ui.data import segments
from c360_assets.ui.data.segments import Cohorts, Day, History
from c360_assets.ui.data.segments_choice import CHART_DAYS, Choice, choice_of, compared_day
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import (
    segments_cohorts,
    segments_grid,
    segments_history,
    segments_moves,
    segments_people,
    segments_time,
)
from c360_assets.ui.pages.segments_grid import Shown
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import Source, figure, figures, heading, panel
from c360_assets.ui.site import Route


async def build(page: Page) -> None:
    """The explorer of segments."""
    there = await page.ask(segments.history)
    if there.as_of is None:
        prospects = await page.ask(segments.prospects, there, None)
        _nobody(prospects)
        return
    choice = choice_of(there, page.query)
    shown, (days, every), cohorts = await asyncio.gather(
        page.ask(_shown, there, choice),
        page.ask(segments.days, there, CHART_DAYS[choice.chart_days]),
        page.ask(segments.cohorts, choice.cohort_month),
    )
    _build(page, shown, days, every, cohorts)


def _shown(copy: Copy, there: History, choice: Choice) -> Shown:
    day = compared_day(there, choice)
    return Shown(
        there,
        choice,
        segments.grid(copy, there, choice.at),
        segments.prospects(copy, there, choice.at),
        {} if day is None else segments.on_day(copy, day),
        day,
    )


def _build(page: Page, shown: Shown, days: list[Day], every: int, cohorts: Cohorts | None) -> None:
    there, choice = shown.there, shown.choice
    heading("Segments", 1)
    if choice.problems:
        with ui.element("div").classes("c-empty").props("role=status"):
            for problem in choice.problems:
                ui.label(problem)
    segments_time.show(page, there, choice)
    segments_grid.show_figures(page, shown)
    segments_grid.show_grid(page, shown)
    segments_grid.show_list(page, shown)
    segments_people.show(page, there, choice)
    segments_history.show(page, there, choice, days, every)
    segments_moves.show(page, there, choice)
    segments_cohorts.show(page, choice, cohorts, has_money=there.has_money)


def _nobody(prospects: int) -> None:
    heading("Segments", 1)
    with panel("Everybody", wide=True):
        with figures():
            source = Source("contacts", "first_order", "contacts without an order")
            figure("Prospects", prospects, "number", source=source)
        states.empty(
            "Nobody ordered yet, so there are no segments.",
            "Orders bring them: raw_order, or the events that orders.event_names of c360.toml "
            "names.",
        )


ROUTES = (Route("/segments", "Segments", build),)
DOWNLOADS: tuple[Download, ...] = segments_people.DOWNLOADS
