"""All segments over time, day by day, with the chosen day marked.

Belongs here: the chart of days. Not here: hours (`segments_grid` shows any).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from c360_assets.ui.data.segments import PROSPECTS, Day, History, Total, day_of
from c360_assets.ui.data.segments_choice import CHART_DAYS, USUAL_CHART_DAYS, Choice
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import INK, LINE, axis, chart
from c360_assets.ui.parts.figures import panel


def show(page: Page, there: History, choice: Choice, days: Sequence[Day], every: int) -> None:
    """The panel of the chart."""
    note = "At the end of each day." if every == 1 else f"At the end of every {every}th day."
    with panel("Segments over time", note=note, wide=True):
        parts.choices(
            "Days",
            [
                (
                    "All" if name == "all" else name,
                    page.url(days=None if name == USUAL_CHART_DAYS else name),
                    choice.chart_days == name,
                )
                for name in CHART_DAYS
            ],
        )
        if not days:
            states.empty("There is no day of history yet.", "It begins with the first order.")
            return
        names = [name for name in (*there.segments, PROSPECTS) if _is_shown(choice, name)]
        chart(
            _options(there, choice, days, names),
            label=f"{choice.measure.capitalize()} of each segment, day by day",
            columns=("Day", *names),
            rows=[
                (
                    str(day.day),
                    *(parts.measured(choice, _total(day, name), page.currency) for name in names),
                )
                for day in reversed(days)
            ],
            source="marts.rfm_segment_days",
            height=380,
        )


def _is_shown(choice: Choice, name: str) -> bool:
    return name != PROSPECTS or choice.measure == "customers"


def _total(day: Day, name: str) -> Total:
    return day.totals.get(name, Total())


def _options(
    there: History, choice: Choice, days: Sequence[Day], names: Sequence[str]
) -> dict[str, Any]:
    series = [_series(there, choice, days, name) for name in names]
    marked = _marked(there, choice, days)
    if marked is not None:
        series[0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"color": INK, "type": "dashed"},
            "label": {"formatter": "chosen", "color": INK},
            "data": [{"xAxis": marked}],
        }
    return {
        "xAxis": axis(type="category", data=[str(day.day) for day in days], boundaryGap=False),
        "yAxis": axis(type="value"),
        "series": series,
        # prospects, of whom there are many, can be switched on
        "legend": {
            "selected": {PROSPECTS: False},
            "inactiveColor": LINE,
            "textStyle": {"width": 140, "overflow": "truncate"},
        },
    }


def _series(there: History, choice: Choice, days: Sequence[Day], name: str) -> dict[str, Any]:
    totals = [_total(day, name) for day in days]
    values: list[Any] = [
        total.monetary if choice.measure == "money" else total.customers for total in totals
    ]
    return {
        "type": "line",
        "name": name,
        "stack": "everybody",
        "symbol": "none",
        "lineStyle": {"width": 1},
        "areaStyle": {"opacity": 0.6},
        "color": parts.colour(there, name),
        "data": values,
    }


def _marked(there: History, choice: Choice, days: Sequence[Day]) -> str | None:
    """The day shown that is next to the chosen one; None where it is not among them."""
    if choice.at is None or there.first_hour is None:
        return None
    chosen = day_of(choice.at)
    if chosen < days[0].day:
        return None
    nearest = min(days, key=lambda each: abs((each.day - chosen).days))
    return str(nearest.day)
