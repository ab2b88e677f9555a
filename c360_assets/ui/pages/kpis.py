"""`/kpis`: how business goes in a range of days, against the range before.

Belongs here: what the URL asks for, and the page as a whole. Not here: its parts (`kpis_range`,
`kpis_tiles`, `kpis_detail`), its figures (`ui.data.kpis`).

The URL: `from` and `to` (days), one of `country`, `promo` and `product`, `kpi`, `grain` (day, week,
month) and `by` (what the KPI is split by).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from c360_assets.ui import links
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import kpi_range, kpis
from c360_assets.ui.data.kpi_list import DIMENSIONS
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages import kpis_detail, kpis_range, kpis_split, kpis_tiles
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import heading, panel
from c360_assets.ui.site import Route


async def build(page: Page) -> None:
    """The dashboard."""
    question = await page.ask(asked, page.query)
    if question is None:
        heading("KPIs", 1)
        states.empty("There is no day to show yet.", "Events or orders in the source bring some.")
        return
    kpi = kpis.kpi_of(page.query, question.only)
    grain = kpis.grain_of(page.query, question.chosen.now.days)
    totals, steps, split, detail = await asyncio.gather(
        page.ask(kpis.totals, question),
        page.ask(kpis.funnel, question),
        kpis_split.ask(page, question, kpi),
        kpis_detail.ask(page, question, kpi, grain),
    )
    heading("KPIs", 1)
    with panel("Period", wide=True):
        kpis_range.show(page, question, ignored(page.query))
    with panel("Key figures", note=compared_with(question), wide=True):
        kpis_tiles.show(page, question, totals, kpi)
    kpis_detail.show_trend(page, question, kpi, grain, detail)
    kpis_split.show(page, question, kpi, split)
    kpis_detail.show_funnel(question, steps)
    kpis_detail.show_days(page, question, detail)


def asked(copy: Copy, query: Mapping[str, str]) -> kpis.Question | None:
    """What a URL asks for; None where there is no data.

    Raises:
        NotThereError: no day has the country, promotion or product.
    """
    span = kpi_range.span(copy)
    if span is None:
        return None
    return kpis.Question(kpi_range.chosen(span, query), _filter(copy, query))


def _filter(copy: Copy, query: Mapping[str, str]) -> kpis.Filter:
    given = [name for name in kpis.FILTERS if query.get(name)]
    if not given:
        return kpis.Filter()
    dimension, value = given[0], query[given[0]]
    label = kpis.filter_label(copy, dimension, value)
    if label is None:
        raise NotThereError(
            f"No day has the {DIMENSIONS[dimension].lower()} {value[:100]!r}; see {links.KPIS} for "
            "those that there are"
        )
    return kpis.Filter(dimension, value, label)


def ignored(query: Mapping[str, str]) -> str:
    """A sentence on filters that cannot be had together; empty where there is one at most."""
    given = [DIMENSIONS[name].lower() for name in kpis.FILTERS if query.get(name)]
    if len(given) < 2:
        return ""
    return (
        f"Days are split by one thing at a time: only the {given[0]} counts here, not the "
        f"{' and the '.join(given[1:])}."
    )


def compared_with(question: kpis.Question) -> str:
    """What the figures are of, in words."""
    before = question.chosen.before
    against = f"against {before}, as many days before" if before else "nothing to compare with"
    only = f"only {question.only.label}, " if question.only.is_any else ""
    return f"{only}{question.chosen.now}, {against}"


def _days(copy: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    question = asked(copy, query)
    if question is None:
        raise NotThereError("there is no day to download yet")
    return kpis_detail.days_parameters(question)


def _split(copy: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    question = asked(copy, query)
    if question is None:
        raise NotThereError("there is no day to download yet")
    return kpis_split.parameters(question, query)


ROUTES = (Route(links.KPIS, "KPIs", build),)
DOWNLOADS: tuple[Download, ...] = (
    Download(kpis_detail.DAYS, _days),
    *(Download(listing, _split) for listing in kpis_split.LISTINGS),
)
