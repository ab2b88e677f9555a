"""Charts: ECharts as SVG in the page's own colours, each with its figures as a table.

Colours are CSS variables, so that one set of options serves light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nicegui import events, ui
from nicegui.element import Element

from c360_assets.errors import ContractError
from c360_assets.ui.parts.text import plain

INK, SOFT, LINE, SURFACE = "var(--ink)", "var(--soft)", "var(--line)", "var(--surface)"
# told apart by people who see red and green alike (Okabe and Ito, 2008, toned for AA on both)
SERIES = tuple(f"var(--series-{number})" for number in range(1, 9))
FEW_ROWS = 400
# the page's own, by name: ECharts measures text on a canvas, which knows no `inherit`
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def chart(
    options: Mapping[str, Any],
    *,
    label: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    source: str,
    height: int = 320,
    on_click: Callable[[events.EChartPointClickEventArguments], Any] | None = None,
) -> ui.echart:
    """A chart, and below it a table of the same figures and their source.

    `label` says in a sentence what it shows; `columns` and `rows` are its figures as shown text.
    Text from data may stand in values and names, never in keys.

    Raises:
        ContractError: a key of the options begins with `:`, which would run as code.
    """
    whole = merged(_BASE, plain_options(options))
    whole["aria"] = {"enabled": True, "label": {"description": label}}
    # ECharts works out lighter colours for what the mouse is on; from CSS variables it gets none,
    # and draws nothing
    whole["series"] = [{"emphasis": {"disabled": True}, **each} for each in _series(whole)]
    with ui.element("figure").classes("c-chart"):
        made = ui.echart(whole, on_point_click=on_click, renderer="svg")
        made.style(f"height: {height}px")
        made.props["role"] = "img"
        made.props["aria-label"] = label
        with ui.element("figcaption").classes("c-note"):
            ui.label(f"Source: {source}")
        with ui.element("details").classes("c-data"):
            with ui.element("summary"):
                ui.label("The figures as a table").classes("c-inline")
            plain_table(columns, rows[:FEW_ROWS])
            if len(rows) > FEW_ROWS:
                ui.label(f"The first {FEW_ROWS} of {len(rows):,} rows.").classes("c-note")
    return made


def _series(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = options.get("series", [])
    return [given] if isinstance(given, Mapping) else list(given)


@dataclass(frozen=True)
class LinkCell:
    """A cell that leads to a page of ours; `label` is what a screen reader says instead."""

    text: str
    href: str
    label: str = ""


class _PlainTable(Element, component=Path(__file__).parents[1] / "static" / "plain_table.js"):
    """The table as one element: an element per cell would cost the server most of a page's time."""


def plain_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Collection[str] = ()
) -> Element:
    """A small table of text, or of LinkCells, that is not paged; `numbers` stand on the right."""
    made = _PlainTable()
    made.props["columns"] = list(columns)
    made.props["numbers"] = [name in numbers for name in columns]
    made.props["rows"] = [[_plain_cell(cell) for cell in row] for row in rows]
    return made


def _plain_cell(cell: Any) -> str | dict[str, str | None]:
    if isinstance(cell, LinkCell):
        return {"text": cell.text, "href": cell.href, "label": cell.label or None}
    return str(cell)


def axis(**more: Any) -> dict[str, Any]:
    """An axis in the page's colours."""
    return {
        "axisLine": {"lineStyle": {"color": LINE}},
        "axisLabel": {"color": SOFT},
        "splitLine": {"lineStyle": {"color": LINE}},
        "nameTextStyle": {"color": SOFT},
        **more,
    }


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, `more` winning, objects within objects likewise."""
    whole = dict(base)
    for key, value in more.items():
        given = base.get(key)
        if isinstance(given, Mapping) and isinstance(value, Mapping):
            value = merged(given, value)
        whole[key] = value
    return whole


def plain_options(options: Any) -> Any:
    """The options with plain values.

    Raises:
        ContractError: a key begins with `:`.
    """
    if isinstance(options, Mapping):
        if wrong := [key for key in options if str(key).startswith(":")]:
            raise ContractError(f"chart options must not have the keys {wrong}: they run as code")
        return {key: plain_options(value) for key, value in options.items()}
    if isinstance(options, list | tuple):
        return [plain_options(value) for value in options]
    return plain(options)


_BASE: dict[str, Any] = {
    "backgroundColor": "transparent",
    "color": list(SERIES),
    "textStyle": {"color": INK, "fontFamily": FONT},
    "animation": False,
    "tooltip": {
        "trigger": "axis",
        "confine": True,
        "backgroundColor": SURFACE,
        "borderColor": LINE,
        "textStyle": {"color": INK},
    },
    "legend": {"textStyle": {"color": INK}, "type": "scroll", "top": 0},
    "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
}
