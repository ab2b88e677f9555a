"""`/kpis`: one KPI split by country, promotion, product or event name, as bars and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from c360_assets.ui.copies import Order
from c360_assets.ui.data import kpis
from c360_assets.ui.data.kpi_list import DIMENSIONS, KPIS, Kpi
from c360_assets.ui.data.kpis import FILTERS, Question
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages.kpis_range import url
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.chart import SERIES, SOFT, axis, chart
from c360_assets.ui.parts.figures import Source, panel
from c360_assets.ui.parts.table import Column, Listing, Loaded
from c360_assets.ui.parts.text import Kind, shown


def _listing(kpi: Kpi) -> Listing:
    """The table of a KPI by some dimension."""
    source = Source("kpi_daily", kpi.column, kpi.note)
    kind: Kind = kpi.kind
    columns = [
        Column("dimension_label", "Value", source=Source("kpi_daily", "dimension_label")),
        Column("value", kpi.label, kind, source),
        Column("before_value", "Before", kind, source),
        # the difference of two shares, as points
        Column("difference", "Points" if kpi.is_rate else "Difference", kind, source),
    ]
    if not kpi.is_rate:
        columns.append(Column("change", "Change", "percent"))
    if kpi.adds_up:
        columns.append(Column("share", "Share", "percent"))
    return Listing(
        f"kpi_split_{kpi.key}",
        kpis.breakdown_question(kpi),
        tuple(columns),
        "dimension_value",
        Order("value", True, ("dimension_value",)),
        noun="value",
        nouns="values",
        rows_per_page=10,
    )


LONGEST_LABEL = 24  # on an axis; the table has the whole
_BY_KPI = {kpi.key: _listing(kpi) for kpi in KPIS if kpi.splits}
LISTINGS = tuple(_BY_KPI.values())


@dataclass(frozen=True)
class Split:
    """A KPI by one dimension: the largest values, and the table of all."""

    largest: list[dict[str, Any]]
    loaded: Loaded


def dimension_of(question: Question, kpi: Kpi, query: Mapping[str, str]) -> str | None:
    """The dimension that a URL names; else the first there is; None where there is none."""
    there = kpis.splits(question, kpi)
    wanted = query.get("by")
    return wanted if wanted in there else next(iter(there), None)


def parameters(question: Question, query: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of the table of a URL.

    Raises:
        NotThereError: the KPI cannot be split.
    """
    kpi = kpis.kpi_of(query, question.only)
    dimension = dimension_of(question, kpi, query)
    if dimension is None:
        raise NotThereError(f"{kpi.label} cannot be split; choose another KPI, or show everything")
    return kpis.breakdown_parameters(question, kpi, dimension)


async def ask(page: Page, question: Question, kpi: Kpi) -> Split | None:
    """The split, where it is known quickly."""
    if kpi.how == "people":
        return None
    return await _ask(page, question, kpi)


async def _ask(page: Page, question: Question, kpi: Kpi) -> Split | None:
    dimension = dimension_of(question, kpi, page.query)
    if dimension is None:
        return None
    given = kpis.breakdown_parameters(question, kpi, dimension)
    loaded = await table.load(page, _linked(page, kpi, dimension), **given)
    return Split(await page.ask(kpis.largest, question, kpi, dimension), loaded)


def _linked(page: Page, kpi: Kpi, dimension: str) -> Listing:
    """The table with links that filter, where the page can be filtered by the dimension."""
    listing = _BY_KPI[kpi.key]
    first = replace(listing.columns[0], label=DIMENSIONS[dimension])
    if dimension in FILTERS:
        first = replace(first, href=lambda row: filtered(page, dimension, row["dimension_value"]))
    return replace(listing, columns=(first, *listing.columns[1:]))


def filtered(page: Page, dimension: str, value: str) -> str:
    """The page with one value of a dimension alone."""
    return url(page, **{**dict.fromkeys(FILTERS), dimension: value, "by": None})


def show(page: Page, question: Question, kpi: Kpi, split: Split | None) -> None:
    """The split, with the dimensions to choose from."""
    there = kpis.splits(question, kpi)
    dimension = dimension_of(question, kpi, page.query)
    if dimension is None:
        if not question.only.is_any:
            with panel(f"{kpi.label} by country, product, promotion", wide=True):
                states.empty(
                    f"{kpi.label} is not known by any of these.",
                    "Choose another figure above: revenue and orders can be split, for example.",
                )
        return
    with panel(f"{kpi.label} by {DIMENSIONS[dimension].lower()}", wide=True):
        with ui.element("div").classes("c-actions"):
            for each in there:
                forms.choice_link(
                    f"By {DIMENSIONS[each].lower()}",
                    url(page, by=each),
                    is_chosen=each == dimension,
                )

        def fill(found: Split | None) -> None:
            if found is not None:
                _show(page, question, kpi, dimension, found)

        if split is None:
            text = f"Counting {kpi.label.lower()}…"
            states.later(text, lambda: _ask(page, question, kpi), fill)
        else:
            fill(split)


def _show(page: Page, question: Question, kpi: Kpi, dimension: str, split: Split) -> None:
    if split.largest:
        with ui.element("div").classes("c-kpi-split"):
            _bars(page, question, kpi, dimension, split.largest)
            with ui.element("div"):
                table.table(page, split.loaded, nothing="Nothing")
        if dimension in kpi.splits and dimension not in kpi.adds_up and kpi.how != "ratio":
            ui.label(_OVERLAP).classes("c-note")
        if dimension == "event_name":
            ui.label(
                "The page cannot be filtered by event name: orders and visits have none."
            ).classes("c-note")
    else:
        states.empty(
            f"Nothing is known of these days by {DIMENSIONS[dimension].lower()}.",
            "Another period may have some.",
        )


_OVERLAP = (
    "The parts do not add up to the whole: one order, visit or person may be of several, and "
    "counts in each."
)


def _bars(
    page: Page, question: Question, kpi: Kpi, dimension: str, rows: list[dict[str, Any]]
) -> None:
    scale = 100 if kpi.is_rate else 1
    before = question.chosen.before

    def values(name: str) -> list[float | None]:
        return [None if row[name] is None else round(row[name] * scale, 4) for row in rows]

    series = [_bar(question.chosen.short, values("value"), SERIES[0])]
    if before:
        series.append(_bar(question.chosen.short_before, values("before_value"), SERIES[7]))
    chart(
        {
            # room for labels that are wider than ECharts measures them
            "grid": {"left": 20, "right": 40},
            "xAxis": axis(type="value", axisLabel={"color": SOFT, "hideOverlap": True}),
            "yAxis": axis(
                type="category",
                inverse=True,
                data=[_short(row["dimension_label"]) for row in rows],
                axisLabel={"color": SOFT},
                splitLine={"show": False},
            ),
            "series": series,
        },
        label=f"{kpi.label} by {DIMENSIONS[dimension].lower()}, the {len(rows)} largest",
        columns=(DIMENSIONS[dimension], kpi.label, "Period before"),
        rows=[
            (
                row["dimension_label"],
                shown(row["value"], kpi.kind, page.currency),
                shown(row["before_value"], kpi.kind, page.currency),
            )
            for row in rows
        ],
        source="marts.fct_orders" if kpi.how == "people" else f"marts.kpi_daily.{kpi.column}",
        height=max(160, 70 + 42 * len(rows)),
    )


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _bar(name: str, values: list[float | None], colour: str) -> dict[str, Any]:
    return {"name": name, "type": "bar", "data": values, "itemStyle": {"color": colour}}
