"""`/kpis`: the key figures, each with its change and a link to its details."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from c360_assets.ui.data import kpis
from c360_assets.ui.data.kpi_list import GROUPS, KPIS, Kpi
from c360_assets.ui.data.kpis import Compared, Question
from c360_assets.ui.page import Page
from c360_assets.ui.pages.kpis_range import url
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import Source, figure, figures, heading
from c360_assets.ui.parts.text import NOTHING, change, shown

DETAIL = "detail"  # the id of what a figure leads to


def show(page: Page, question: Question, totals: Mapping[str, Compared], kpi: Kpi) -> None:
    """All KPIs that are known of what is shown; those that count people follow in a moment."""
    for group in GROUPS:
        here = [each for each in KPIS if each.group == group and question.only.has(each)]
        if not here:
            continue
        with ui.element("div").classes("c-kpi-group"):
            heading(group, 3)
            if all(each.how != "people" for each in here):
                _tiles(page, [totals[each.key] for each in here], kpi)
            else:
                _people(page, question, totals, here, kpi)


def _people(
    page: Page,
    question: Question,
    totals: Mapping[str, Compared],
    here: list[Kpi],
    kpi: Kpi,
) -> None:
    # to count people once each, the orders and events of all days are read
    def fill(counted: dict[str, Compared]) -> None:
        whole = {**totals, **counted}
        _tiles(page, [whole[each.key] for each in here], kpi)

    states.later("Counting people, each once…", lambda: page.ask(kpis.people, question), fill)


def _tiles(page: Page, compared: list[Compared], chosen: Kpi) -> None:
    with figures():
        for each in compared:
            kpi = each.kpi
            is_chosen = kpi.key == chosen.key
            with ui.element("div").classes("c-tile c-tile-on" if is_chosen else "c-tile"):
                figure(
                    kpi.label,
                    each.now,
                    kpi.kind,
                    source=Source("kpi_daily", kpi.column, kpi.note),
                    currency=page.currency,
                    href=f"{url(page, kpi=kpi.key, by=None)}#{DETAIL}",
                    hint=changed(each, page.currency),
                    tone={True: "good", False: "bad", None: ""}[each.is_good],
                )


def changed(compared: Compared, currency: str = "") -> str:
    """A change in words: relative and absolute; of rates in points."""
    difference = compared.difference
    if difference is None:
        return NOTHING
    if not difference:
        return "unchanged"
    arrow, sign = ("▲", "+") if difference > 0 else ("▼", "-")
    if compared.kpi.is_rate:
        points = abs(difference) * 100
        return f"{arrow} {sign}{points:,.{1 if points >= 0.1 else 2}f} points"
    absolute = f"{sign}{shown(abs(difference), compared.kpi.kind, currency)}"
    relative = change(compared.now, compared.before)
    return f"{arrow} {absolute}" if relative is None else f"{arrow} {relative:+.1%} ({absolute})"
