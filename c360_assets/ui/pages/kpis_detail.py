"""`/kpis`: one KPI over time, the funnel of sessions, and the days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nicegui import ui

from c360_assets.ui.copies import Order
from c360_assets.ui.data import kpis
from c360_assets.ui.data.kpi_list import Kpi
from c360_assets.ui.data.kpis import Grain, Question, Step, Stretch
from c360_assets.ui.page import Page
from c360_assets.ui.pages.kpis_range import url
from c360_assets.ui.pages.kpis_tiles import DETAIL
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.chart import SERIES, SOFT, axis, chart, plain_table
from c360_assets.ui.parts.figures import Source, panel, source_button, source_words
from c360_assets.ui.parts.table import Column, Listing, Loaded
from c360_assets.ui.parts.text import change, shown

GRAINS: tuple[Grain, ...] = ("day", "week", "month")


def _daily(name: str, label: str, kind: Any) -> Column:
    return Column(name, label, kind, Source("kpi_daily", name))


# what the question has beyond these is in the download
DAYS = Listing(
    "kpi_days",
    "kpis/days",
    (
        _daily("kpi_date", "Day", "date"),
        _daily("revenue", "Revenue", "money"),
        _daily("net_revenue", "Net revenue", "money"),
        _daily("orders", "Orders", "number"),
        _daily("average_order_value", "Average order", "money"),
        _daily("customers", "Customers", "number"),
        _daily("new_customers", "New", "number"),
        _daily("active_users", "Active users", "number"),
        _daily("sessions", "Sessions", "number"),
        _daily("conversion_rate", "Conversion", "percent"),
        _daily("delivery_hours", "Hours to deliver", "decimal"),
    ),
    "kpi_date",
    Order("kpi_date", True),
    noun="day",
    nouns="days",
    rows_per_page=10,
)


@dataclass(frozen=True)
class Detail:
    """What the page shows of the KPI over time; None where it is worked out later."""

    stretches: list[Stretch] | None
    days: Loaded


async def ask(page: Page, question: Question, kpi: Kpi, grain: Grain) -> Detail:
    """Everything that is known quickly."""
    days = await table.load(page, DAYS, **days_parameters(question))
    if kpis.is_counted(kpi, grain):
        return Detail(None, days)
    return Detail(await page.ask(kpis.trend, question, kpi, grain), days)


def days_parameters(question: Question) -> dict[str, Any]:
    """The parameters of the table of days."""
    parameters = question.parameters
    del parameters["earliest"]
    return parameters


def show_trend(page: Page, question: Question, kpi: Kpi, grain: Grain, detail: Detail) -> None:
    """The KPI over time, and the period before as a dashed line."""
    with panel(f"{kpi.label} by {grain}", wide=True) as section:
        section.props["id"] = DETAIL
        with ui.element("div").classes("c-actions"):
            for each in GRAINS:
                forms.choice_link(
                    f"By {each}", f"{url(page, grain=each)}#{DETAIL}", is_chosen=each == grain
                )
            source_button(Source("kpi_daily", kpi.column, kpi.note))

        def fill(stretches: list[Stretch]) -> None:
            _trend(page, question, kpi, grain, stretches)

        if detail.stretches is None:
            states.later(
                f"Counting {kpi.label.lower()} by {grain}…",
                lambda: page.ask(kpis.trend, question, kpi, grain),
                fill,
            )
        else:
            fill(detail.stretches)


def _trend(
    page: Page, question: Question, kpi: Kpi, grain: Grain, stretches: list[Stretch]
) -> None:
    if not stretches:
        states.empty("There is no data of these days.", "Choose others above.")
        return
    before = question.chosen.before
    chart(
        _trend_options(page, question, kpi, grain, stretches),
        label=f"{kpi.label} by {grain}, {question.chosen.now}"
        + (f", and {before} in the same places" if before else ""),
        columns=("From", "To", kpi.label, "Period before", "Change"),
        rows=[
            (
                each.first,
                each.last,
                shown(each.now, kpi.kind, page.currency),
                shown(each.before, kpi.kind, page.currency),
                shown(change(each.now, each.before), "percent"),
            )
            for each in stretches
        ],
        source=_trend_source(kpi, grain),
    )
    if any(_is_part(each, grain) for each in stretches):
        fewer = ": it has fewer days, so less is in it" if kpi.how == "sum" else ""
        ui.label(f"A {grain} marked with * lies in the period only in part{fewer}.").classes(
            "c-note"
        )


def _trend_options(
    page: Page, question: Question, kpi: Kpi, grain: Grain, stretches: list[Stretch]
) -> dict[str, Any]:
    series = [_line(question.chosen.short, [each.now for each in stretches], SERIES[0], kpi)]
    if question.chosen.before:
        series.append(
            {
                **_line(
                    question.chosen.short_before,
                    [each.before for each in stretches],
                    SERIES[7],
                    kpi,
                ),
                "lineStyle": {"color": SERIES[7], "width": 2, "type": "dashed"},
                # a single point has no line
                "showSymbol": len(stretches) == 1,
            }
        )
    return {
        "grid": {"top": 56},
        "xAxis": axis(
            type="category",
            data=[_named(each, grain) for each in stretches],
            axisLabel={"color": SOFT},
        ),
        "yAxis": axis(
            type="value",
            name=_unit(kpi, page.currency),
            nameTextStyle={"color": SOFT, "align": "left"},
        ),
        "series": series,
    }


def _trend_source(kpi: Kpi, grain: Grain) -> str:
    if kpis.is_counted(kpi, grain):
        return "marts.fct_orders"
    is_added_up = kpi.how != "people" or grain == "day"
    return f"marts.kpi_daily.{kpi.column}" if is_added_up else "marts.kpi_active_days"


def _line(name: str, values: list[Any], colour: str, kpi: Kpi) -> dict[str, Any]:
    scale = 100 if kpi.is_rate else 1
    return {
        "name": name,
        "type": "line",
        "data": [None if value is None else round(float(value) * scale, 4) for value in values],
        "lineStyle": {"color": colour, "width": 2},
        "itemStyle": {"color": colour},
        # a single point has no line
        "showSymbol": len(values) < 32,
        "symbolSize": 5,
    }


def _unit(kpi: Kpi, currency: str) -> str:
    if kpi.is_rate:
        return "percent"
    return currency if kpi.kind == "money" else ("hours" if kpi.kind == "decimal" else "")


def _named(stretch: Stretch, grain: Grain) -> str:
    if grain == "day":
        return f"{stretch.first:%d %b}"
    name = f"{stretch.first:%b %Y}" if grain == "month" else f"{stretch.first:%d %b}"
    return f"{name}*" if _is_part(stretch, grain) else name


def _is_part(stretch: Stretch, grain: Grain) -> bool:
    after = stretch.last + timedelta(days=1)
    if grain == "week":
        return (after - stretch.first).days < 7
    return grain == "month" and (stretch.first.day > 1 or after.day > 1)


def show_funnel(question: Question, steps: list[Step]) -> None:
    """How far sessions got."""
    note = f"sessions that started in the period, {question.chosen.now}"
    with panel("Funnel of sessions", note=note, wide=True):
        if question.only.dimension in ("country", "promo"):
            states.empty(
                "Visits are not known by country or promotion.",
                "Show everything, or one product.",
            )
            return
        _funnel(question, steps)


def _funnel(question: Question, steps: list[Step]) -> None:
    if not steps or not steps[0].now:
        states.empty(
            "No session started in these days.",
            "Events with a session_id in the source bring some.",
        )
        return
    is_product = question.only.dimension == "product"
    source = (
        "marts.kpi_daily.sessions, converted_sessions"
        if is_product
        else "marts.kpi_total_days.sessions, product_step_sessions, cart_step_sessions, "
        "converted_sessions, order_step_sessions"
    )
    with ui.element("div").classes("c-funnel"):
        for step in steps:
            _step(step, steps[0].now)
    before = question.chosen.before
    columns = ("Step", "Sessions", "Of the step before", "Of all", f"{before or 'Period before'}")
    with ui.element("details").classes("c-data"):
        with ui.element("summary"):
            ui.label("The figures as a table").classes("c-inline")
        plain_table(
            columns,
            [
                (
                    step.name,
                    shown(step.now, "number"),
                    shown(step.of_last, "percent"),
                    shown(step.of_all, "percent"),
                    shown(step.before, "number"),
                )
                for step in steps
            ],
        )
    with ui.element("div").classes("c-chips"):
        ui.label(f"Source: {source}").classes("c-note")
        source_words(source, "each step: " + "; ".join(f"{s.name}: {s.how}" for s in steps))


def _step(step: Step, most: int) -> None:
    with ui.element("div").classes("c-funnel-step"):
        with ui.element("div").classes("c-funnel-head"):
            ui.label(step.name).classes("c-strong")
            ui.label(f"{step.now:,}")
        bar = ui.element("div").classes("c-funnel-bar")
        bar.props["aria-hidden"] = "true"
        with bar:
            share = min(step.now / most, 1.0)
            ui.element("div").style(f"width: {share:.2%}")
        parts = [step.how]
        if step.of_last is not None and step.now is not most:
            parts.append(f"{step.of_last:.1%} of the step before, {step.of_all or 0:.1%} of all")
        ui.label(" · ".join(parts)).classes("c-note")


def show_days(page: Page, question: Question, detail: Detail) -> None:
    """The days of the period."""
    note = "customers, new and active users are each day's: days do not add up"
    with panel("Days", note=note, wide=True):
        what = f" of {question.only.label}" if question.only.is_any else ""
        table.table(
            page,
            detail.days,
            nothing=f"No day of the period has anything{what}.",
            hint="Another period may have some.",
        )
