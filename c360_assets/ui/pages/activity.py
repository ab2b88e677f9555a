"""Activity by week, as the pages of companies and gaggles show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from c360_assets.ui.copies import Copy
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import axis, chart
from c360_assets.ui.parts.text import plural, shown

SOURCE = "staging.user_event_name_days (events, people), marts.fct_orders (orders), by UTC week"


async def load(
    page: Page, *, domain: str | None = None, gaggle_id: str | None = None
) -> list[dict[str, Any]]:
    """The weeks of a company's people, or of the accounts in a gaggle."""
    return await page.ask(Copy.rows, "activity/weeks", domain=domain, gaggle_id=gaggle_id)


def show(weeks: Sequence[dict[str, Any]], whose: str, currency: str) -> None:
    """Events as bars, orders as a line; `weeks` as loaded."""
    if not weeks:
        states.empty("Nothing has happened yet.", "Events and orders of its people will show here.")
        return
    names = [shown(week["week"], "date") for week in weeks]
    events = sum(week["number_of_events"] for week in weeks)
    orders = sum(week["number_of_orders"] for week in weeks)
    chart(
        {
            "xAxis": axis(type="category", data=names),
            "yAxis": [
                axis(type="value", name="Events", minInterval=1),
                axis(type="value", name="Orders", minInterval=1, splitLine={"show": False}),
            ],
            "series": [
                {
                    "name": "Events",
                    "type": "bar",
                    "data": [week["number_of_events"] for week in weeks],
                },
                {
                    "name": "Orders",
                    "type": "line",
                    "yAxisIndex": 1,
                    "data": [week["number_of_orders"] for week in weeks],
                },
            ],
        },
        label=f"{whose} by week: {plural(events, 'event')} and {plural(orders, 'order')} "
        f"in {plural(len(weeks), 'week')}",
        columns=("Week from", "Events", "Active people", "Orders", "Sales"),
        rows=[
            (
                shown(week["week"], "date"),
                shown(week["number_of_events"], "number"),
                shown(week["people"], "number"),
                shown(week["number_of_orders"], "number"),
                shown(week["sales_total"], "money", currency),
            )
            for week in weeks
        ],
        source=SOURCE,
    )
