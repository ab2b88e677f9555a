"""Movements between segments: from where to where in a chosen time, and who.

Belongs here: the flows. Not here: the customers themselves (`segments_people`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from c360_assets.ui.data import segments
from c360_assets.ui.data.segments import PROSPECTS, Flow, History
from c360_assets.ui.data.segments_choice import SPANS, Choice, move_text
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.pages.segments_time import time_text
from c360_assets.ui.parts import forms, states
from c360_assets.ui.parts.chart import INK, LinkCell, chart, plain_table
from c360_assets.ui.parts.figures import panel
from c360_assets.ui.parts.text import plural, shown

SPAN_NAMES = {"1d": "1 day", "7d": "7 days", "30d": "30 days", "90d": "90 days", "month": "Month"}
# tells a segment's place on the right from its place on the left, and is not seen
UNSEEN = "\u200b"
LABEL_PIXELS = 170
SOURCE = "marts.rfm_segment_history at both times; marts.rfm_segments for the latest"


def show(page: Page, there: History, choice: Choice) -> None:
    """The panel of movements; they come once the rest of the page is there."""
    since, until = choice.since, choice.until
    if since is None:
        return
    note = f"From {since:%Y-%m-%d %H:%M} to {time_text(there, until)}."
    with panel("Movements between segments", note=note, wide=True) as made:
        made.props('id="moves"')
        _choices(page, there, choice)

        async def load() -> list[Flow]:
            return await page.ask(segments.flows, since, until)

        def built(flows: list[Flow]) -> None:
            _flows(page, there, flows)

        states.later("Comparing the two times", load, built)


def _choices(page: Page, there: History, choice: Choice) -> None:
    own = {"from": None, "to": None}
    with ui.element("div").classes("c-time"):
        parts.choices(
            "The last",
            [
                (
                    SPAN_NAMES[name],
                    page.url(span=name, **own) + "#moves",
                    choice.span == name and not choice.has_own_span,
                )
                for name in SPANS
            ],
        )
        parts.choices(
            "Shown",
            [
                ("Everybody", page.url(stayed=None) + "#moves", not _is_without_stayers(page)),
                ("Only who moved", page.url(stayed="no") + "#moves", _is_without_stayers(page)),
            ],
        )
        if there.first_hour is None or there.last_hour is None:
            return
        bounds = {"step": "3600", "max": f"{there.last_hour:%Y-%m-%dT%H:%M}"}
        with forms.form(page, "Movements between two hours", ("from", "to"), fragment="#moves"):
            forms.field("From (UTC)", "from", "datetime-local", _field(choice.since), **bounds)
            forms.field("To", "to", "datetime-local", _field(choice.until), **bounds)
            forms.submit("Compare")


def _field(time: Any) -> str:
    return "" if time is None else f"{time:%Y-%m-%dT%H:%M}"


def _is_without_stayers(page: Page) -> bool:
    return page.query.get("stayed") == "no"


def _flows(page: Page, there: History, flows: Sequence[Flow]) -> None:
    moved = [flow for flow in flows if flow.before != flow.after]
    stayed = sum(flow.customers for flow in flows if flow.before == flow.after)
    drawn = moved if _is_without_stayers(page) else flows
    if not drawn:
        states.empty("Nobody moved between these times.", "Choose a longer time.")
        return
    movers = sum(flow.customers for flow in moved)
    first = sum(flow.customers for flow in moved if flow.before == PROSPECTS)
    ui.label(
        f"{plural(movers, 'customer')} moved, {shown(first, 'number')} of them by their first "
        f"order; {shown(stayed, 'number')} stayed where they were."
    )
    with ui.element("div").classes("c-moves"):
        chart(
            _options(there, drawn),
            label="How many customers went from each segment to each, the earlier time on the left",
            columns=("From", "To", "Customers"),
            rows=[(flow.before, flow.after, f"{flow.customers:,}") for flow in drawn],
            source=SOURCE,
            height=560,
        )
        _table(page, drawn)


def _options(there: History, flows: Sequence[Flow]) -> dict[str, Any]:
    order = (*there.segments, PROSPECTS)
    left = _sums(order, [(flow.before, flow.customers) for flow in flows])
    right = _sums(order, [(flow.after, flow.customers) for flow in flows])
    before = {name: f"{name} {count:,}" for name, count in left.items()}
    after = {name: f"{name} {count:,}{UNSEEN}" for name, count in right.items()}
    nodes = [_node(there, name, text, "right") for name, text in before.items()]
    nodes += [_node(there, name, text, "left") for name, text in after.items()]
    return {
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 4,
                "top": 8,
                "bottom": 8,
                "nodeWidth": 14,
                "nodeGap": 14,
                # the given order, best segments first, on both sides
                "layoutIterations": 0,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "data": nodes,
                "links": [
                    {
                        "source": before[flow.before],
                        "target": after[flow.after],
                        "value": flow.customers,
                        "lineStyle": {"color": parts.colour(there, flow.before), "opacity": 0.35},
                    }
                    for flow in flows
                ],
            }
        ],
    }


def _sums(order: Sequence[str], counts: Sequence[tuple[str, int]]) -> dict[str, int]:
    sums = {name: sum(count for each, count in counts if each == name) for name in order}
    return {name: count for name, count in sums.items() if count}


def _node(there: History, segment: str, text: str, label_at: str) -> dict[str, Any]:
    return {
        "name": text,
        "itemStyle": {"color": parts.colour(there, segment), "borderWidth": 0},
        "label": {
            "position": label_at,
            "color": INK,
            "fontSize": 12,
            "width": LABEL_PIXELS,
            "overflow": "truncate",
        },
    }


def _table(page: Page, flows: Sequence[Flow]) -> None:
    rows = []
    for flow in flows:
        href = parts.people_url(page, moved=move_text(flow.before, flow.after))
        label = f"{flow.customers:,} from {flow.before} to {flow.after}: who"
        rows.append((flow.before, flow.after, LinkCell(f"{flow.customers:,}", href, label)))
    plain_table(("From", "To", "Customers"), rows, numbers=("Customers",)).classes("c-tall")
