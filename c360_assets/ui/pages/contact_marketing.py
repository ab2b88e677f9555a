"""Customer 360, marketing impact: a person's KPIs added up by day, and what campaigns sent them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from nicegui import ui

from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data import contact_marketing as data
from c360_assets.ui.data.contact import Person, find_person
from c360_assets.ui.data.contact_marketing import KPIS, Choice, Impact, Kpi, Mark
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages.contact_marketing_chart import draw
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.figures import Source, figure, figures, panel
from c360_assets.ui.parts.table import Column, Listing
from c360_assets.ui.parts.text import plural, shown

LATEST_MARKS = 8
_AFTER = "within the days in which an impact is looked for, from the day of the campaign on"
CAMPAIGNS = Listing(
    "contact_campaigns",
    "contact_marketing/campaigns",
    (
        Column("execution_date", "Day", "date", Source("campaign_targets", "execution_date")),
        Column("plan_id", "Campaign", "text", Source("campaign_targets", "plan_id")),
        Column("treatment", "Group", "text", Source("campaign_targets", "is_control")),
        Column(
            *("given", "Action, or why they were left out", "text"),
            Source("campaign_targets", "campaign_action_name", "or exclusion_reason_desc"),
            is_wide=True,
        ),
        Column("orders_after", "Orders after", "number", Source("fct_orders", "order_id", _AFTER)),
        Column("sales_after", "Sales after", "money", Source("fct_orders", "sales_total", _AFTER)),
        Column(
            *("effect", "Campaign's uplift, orders per customer", "text"),
            Source("campaign_impact", "orders_uplift", "with its interval"),
            is_sortable=False,
        ),
        Column("channel_name", "Channel", "text", Source("stg_campaigns", "channel_name")),
        Column("template_name", "Template", "text", Source("stg_campaigns", "template_name")),
        Column("promotion_id", "Promotion", "text", Source("stg_campaigns", "promotion_id")),
        Column("tags", "Tags", "list", Source("stg_campaigns", "tag_names"), is_sortable=False),
        Column(
            "target_group_name",
            "Target group",
            "text",
            Source("stg_campaigns", "target_group_name"),
        ),
        Column(
            "lifecycle_stage", "Stage then", "text", Source("campaign_targets", "lifecycle_stage")
        ),
    ),
    "target_id",
    Order("execution_date", True, ("target_id",)),
    *("campaign", "campaigns"),
    counts="contact_marketing/campaigns_total",
    rows_per_page=10,
)


@dataclass(frozen=True)
class Marketing:
    """What the panels show."""

    person: Person
    impact: Impact
    treatments: Mapping[str, Any]
    campaigns: table.Loaded


async def load(page: Page, person: Person) -> Marketing:
    """Ask for the curves that the URL names, and for the campaigns."""
    impact, treatments, campaigns = await asyncio.gather(
        page.ask(data.impact, person, Choice.of(page.query)),
        page.ask(data.treatments, person),
        table.load(page, CAMPAIGNS, user_id=person.user_id),
    )
    return Marketing(person, impact, treatments, campaigns)


def show(page: Page, loaded: Marketing) -> None:
    """The chart with its choices, and the list of campaigns."""
    with panel(
        "Marketing impact", note="Added up day by day, with the days of campaigns", wide=True
    ) as made:
        made.props("id=marketing")
        _impact(page, loaded.impact)
    with panel("Campaigns", note=_window(loaded.campaigns), wide=True) as made:
        made.props("id=campaigns")
        if loaded.campaigns.slice.total:
            _treatments(loaded.treatments)
        table.table(
            page,
            loaded.campaigns,
            nothing="No campaign has reached or excluded this person.",
            hint="They come from raw_campaign_target, a row per customer, campaign and day.",
            download={"contact": loaded.person.contact_id},
        )


def _window(campaigns: table.Loaded) -> str:
    """What “after” means in the list."""
    days = {row["window_days"] for row in campaigns.slice.rows} - {None}
    if not days:
        return ""
    return f"“After” is within {plural(max(days), 'day')}, that of the campaign among them."


def _impact(page: Page, impact: Impact) -> None:
    if impact.whole is None:
        states.empty(
            "Nothing that could be added up has happened yet.",
            "An order, an event or a campaign of theirs begins the curves.",
        )
        return
    _kpi_links(page, impact.choice)
    _range_links(page, impact)
    for note in impact.notes:
        ui.label(note).classes("c-warn").props("role=status")
    if not impact.choice.kpis:
        states.empty("No KPI is chosen.", "Choose one or more above.")
        return
    with figures():
        for kpi in impact.choice.kpis:
            _total(page, impact, kpi)
    draw(impact, page.currency)
    _latest_marks(page, impact.marks)


def _kpi_links(page: Page, choice: Choice) -> None:
    with ui.element("nav").classes("c-actions").props('aria-label="KPIs of the chart"'):
        for kpi in KPIS:
            forms.choice_link(
                kpi.label, _here(page, kpis=choice.toggled(kpi)), is_chosen=kpi in choice.kpis
            )


def _range_links(page: Page, impact: Impact) -> None:
    choice = impact.choice
    with ui.element("div").classes("c-actions"):
        for label, first in _ranges(impact.clock):
            forms.choice_link(
                label,
                _here(page, **_days(first)),
                is_chosen=choice.first == first and choice.last is None,
            )
        _range_form(page, impact)


def _days(first: date | None) -> dict[str, str | None]:
    return {"from": str(first) if first else None, "to": None}


def _ranges(clock: date | None) -> list[tuple[str, date | None]]:
    """The ranges on offer, by their first day; None is the first of all."""
    back = (
        [(f"Last {days} days", clock - timedelta(days - 1)) for days in (30, 90)] if clock else []
    )
    return [("All time", None), *back]


def _range_form(page: Page, impact: Impact) -> None:
    with forms.form(page, "Days of the chart", ("from", "to"), fragment="#marketing"):
        forms.field("From", "from", "date", str(impact.days[0]))
        forms.field("To", "to", "date", str(impact.days[-1]))
        forms.submit("Show")


def _total(page: Page, impact: Impact, kpi: Kpi) -> None:
    now, before = impact.curves[kpi.name][-1], impact.before[kpi.name]
    hint = ""
    if now is not None and before:
        hint = f"{shown(now - before, kpi.kind, page.currency)} in these days"
    source = Source(kpi.table, kpi.column, kpi.note)
    figure(kpi.label, now, kpi.kind, source=source, currency=page.currency, hint=hint)


def _latest_marks(page: Page, marks: tuple[Mark, ...]) -> None:
    sent = [mark for mark in marks if mark.actions]
    if not sent:
        return
    with ui.element("nav").classes("c-marks").props('aria-label="Days of campaigns"'):
        ui.label("Campaigns reached them on").classes("c-note")
        for mark in reversed(sent[-LATEST_MARKS:]):
            text = f"{mark.last} {mark.actions[0]}"
            if more := len(mark.actions) - 1:
                text += f" and {more:,} more"
            target = page.url(kinds=None, before=str(mark.last), skip=None)
            ui.link(text, f"{target}#timeline").classes("c-pill")
        if len(sent) > LATEST_MARKS:
            earlier = plural(len(sent) - LATEST_MARKS, "earlier day")
            ui.label(f"and on {earlier}").classes("c-note")


def _treatments(counts: Mapping[str, Any]) -> None:
    last = counts["last_sent"]
    with figures():
        figure(
            *("Sent", counts["sent"], "number"),
            source=Source("campaign_targets", "plan_detail_id", "control group apart"),
            hint=f"the last on {last}" if last else "",
        )
        figure(
            *("In the control group", counts["control"], "number"),
            source=Source("campaign_targets", "is_control"),
        )
        figure(
            *("Left out", counts["excluded"], "number"),
            source=Source("campaign_targets", "exclusion_reason"),
        )


def _here(page: Page, **changes: str | None) -> str:
    return f"{page.url(**changes)}#marketing"


def _of_url(copy: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {"user_id": find_person(copy, query.get("contact", "")).user_id}


DOWNLOADS = (Download(CAMPAIGNS, _of_url),)
