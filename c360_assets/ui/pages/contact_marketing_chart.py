"""The chart of marketing impact: curves that add up, and the days on which campaigns reached them.

Belongs here: the options of the chart and its table. Not here: the figures (`data`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from c360_assets import contracts
from c360_assets.ui.data.contact_marketing import Impact, Kpi, Mark
from c360_assets.ui.parts.chart import INK, SERIES, SOFT, SURFACE, axis, chart
from c360_assets.ui.parts.text import shown

SENT, KEPT = "Campaign sent", "Control group, nothing sent"
_WORDS = "what"
_ABOVE_THE_AXIS = 0.03


def draw(impact: Impact, currency: str) -> None:
    """The chart."""
    kpis = impact.choice.kpis
    names = ", ".join(kpi.label.lower() for kpi in kpis)
    sources = dict.fromkeys(kpi.table for kpi in kpis) | {"campaign_targets": None}
    chart(
        options(impact, currency),
        label=f"{names} of this person, added up day by day, with the days of campaigns",
        columns=["Day", *(kpi.label for kpi in kpis), "Campaigns"],
        rows=_rows(impact, currency),
        source=", ".join(contracts.table(name).qualified_name for name in sources),
        height=360,
    )


def options(impact: Impact, currency: str) -> dict[str, Any]:
    """The options of ECharts: an axis for counts, one for money, a hidden one for the marks."""
    kinds = list(dict.fromkeys(kpi.kind for kpi in impact.choice.kpis))
    kinds.sort(reverse=True)  # counts on the left
    curves = [
        _curve(kpi, impact, kinds.index(kpi.kind), nth)
        for nth, kpi in enumerate(impact.choice.kpis)
    ]
    place = len(kinds)
    sent = [(mark, mark.actions) for mark in impact.marks if mark.actions]
    kept = [(mark, mark.kept_from) for mark in impact.marks if mark.kept_from]
    marks = []
    if sent:
        marks.append({**_points(SENT, sent, place, INK), "markLine": _lines(sent)})
    if kept:
        marks.append(_points(KEPT, kept, place, SURFACE))
    return {
        # the words on campaigns may be long
        "tooltip": {"extraCssText": "max-width: 340px; white-space: normal"},
        # the legend stands above the names of the axes
        "grid": {"top": 64},
        "xAxis": axis(
            type="category",
            data=[day.isoformat() for day in impact.days],
            boundaryGap=False,
            axisLabel={
                "color": SOFT,
                "hideOverlap": True,
                "alignMinLabel": "left",
                "alignMaxLabel": "right",
            },
        ),
        "yAxis": [
            *(_value_axis(kind, nth, currency) for nth, kind in enumerate(kinds)),
            {"type": "value", "show": False, "min": 0, "max": 1},
        ],
        "series": [*curves, *marks],
    }


def _value_axis(kind: str, nth: int, currency: str) -> dict[str, Any]:
    money = f"Money ({currency})" if currency else "Money"
    return axis(
        type="value",
        name="Number" if kind == "number" else money,
        position="right" if nth else "left",
        minInterval=1 if kind == "number" else 0,
        # two grids of lines would cross each other
        splitLine={"show": not nth, "lineStyle": {"color": "var(--line)"}},
    )


def _curve(kpi: Kpi, impact: Impact, place: int, nth: int) -> dict[str, Any]:
    return {
        "type": "line",
        "name": kpi.label,
        "step": "end",
        "showSymbol": False,
        "yAxisIndex": place,
        "color": SERIES[nth % len(SERIES)],
        "lineStyle": {"width": 2, "type": "solid" if nth < len(SERIES) else "dashed"},
        "data": list(impact.curves[kpi.name]),
    }


def _points(
    name: str, marked: Sequence[tuple[Mark, tuple[str, ...]]], place: int, fill: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "yAxisIndex": place,
        "symbol": "triangle",
        "symbolSize": 13,
        "z": 5,
        "itemStyle": {"color": fill, "borderColor": INK, "borderWidth": 1.5},
        "dimensions": ["day", "place", {"name": _WORDS, "type": "ordinal"}],
        "encode": {"x": "day", "y": "place", "tooltip": [_WORDS]},
        "data": [
            [mark.last.isoformat(), _ABOVE_THE_AXIS, "; ".join(words)] for mark, words in marked
        ],
    }


def _lines(marked: Sequence[tuple[Mark, tuple[str, ...]]]) -> dict[str, Any]:
    return {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "lineStyle": {"color": SOFT, "type": "dotted", "width": 1},
        "data": [{"xAxis": mark.last.isoformat()} for mark, _ in marked],
    }


def _rows(impact: Impact, currency: str) -> list[list[str]]:
    """The days on which anything changed, or a campaign was."""
    marks = {mark.last: mark for mark in impact.marks}
    kpis = impact.choice.kpis
    rows = []
    before = [impact.before[kpi.name] for kpi in kpis]
    for nth, day in enumerate(impact.days):
        now = [impact.curves[kpi.name][nth] for kpi in kpis]
        if now != before or day in marks or day == impact.days[-1]:
            cells = [shown(now[i], kpi.kind, currency) for i, kpi in enumerate(kpis)]
            rows.append([str(day), *cells, _words(marks, day)])
        before = now
    return rows


def _words(marks: dict[date, Mark], day: date) -> str:
    if day not in marks:
        return ""
    mark = marks[day]
    kept = f"kept in the control group of {', '.join(mark.kept_from)}" if mark.kept_from else ""
    return "; ".join([*mark.actions, *([kept] if kept else [])])
