"""`/gaggles/{gaggle_id}`: a workspace, its companies, people and activity."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data.gaggle import find_gaggle
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages import activity
from c360_assets.ui.parts import states, table
from c360_assets.ui.parts.figures import Source, chip, figure, figures, heading, panel
from c360_assets.ui.parts.table import Column, Listing
from c360_assets.ui.site import Route


def _of(column: str) -> Source:
    return Source("gaggle_facts", column)


PEOPLE = Listing(
    "gaggle_people",
    "gaggle/people",
    (
        Column("who", "Name", href=lambda row: links.contact(row["contact_id"])),
        Column("email", "Address", source=Source("contacts", "email")),
        Column(
            "corporate_email",
            "Company",
            source=Source("contacts", "corporate_email"),
            href=lambda row: (
                links.account(row["corporate_email"]) if row["corporate_email"] else None
            ),
        ),
        Column("rfm_segment", "Segment", source=Source("rfm_segments", "rfm_segment")),
        Column("is_current", "Their gaggle", "flag", Source("user_gaggle_facts", "is_current")),
        Column(
            "number_of_events", "Events", "number", Source("user_gaggle_facts", "number_of_events")
        ),
        Column(
            "number_of_orders", "Orders", "number", Source("user_gaggle_facts", "number_of_orders")
        ),
        Column(
            "most_recent_event",
            "Last event",
            "time",
            Source("user_gaggle_facts", "most_recent_event"),
        ),
        Column("first_seen_at", "Since", "date", Source("user_gaggle_facts", "first_seen_at")),
    ),
    "user_id",
    Order("number_of_events", True, ("user_id",)),
    "person",
    "people",
    rows_per_page=10,
)
COMPANIES = Listing(
    "gaggle_companies",
    "gaggle/companies",
    (
        Column(
            "corporate_email", "Company", href=lambda row: links.account(row["corporate_email"])
        ),
        Column("is_primary", "Primary", "flag", Source("gaggle_domain_facts", "is_primary")),
        Column("is_paying", "Paying", "flag", Source("corporate_accounts", "is_paying")),
        Column("current_plan", "Plan", source=Source("corporate_accounts", "current_plan")),
        Column(
            "number_of_users_corporate",
            "People here",
            "number",
            Source("gaggle_domain_facts", "number_of_users_corporate"),
        ),
        Column(
            "number_of_events_corporate",
            "Events",
            "number",
            Source("gaggle_domain_facts", "number_of_events_corporate"),
        ),
        Column(
            "number_of_orders_corporate",
            "Orders",
            "number",
            Source("gaggle_domain_facts", "number_of_orders_corporate"),
        ),
    ),
    "corporate_email",
    Order("number_of_users_corporate", True, ("corporate_email",)),
    "company",
    "companies",
    rows_per_page=10,
)


async def build(page: Page, gaggle_id: str) -> None:
    """The page of a gaggle.

    Raises:
        NotThereError: there is no such gaggle.
    """
    found, people, companies = await asyncio.gather(
        page.ask(find_gaggle, gaggle_id),
        table.load(page, PEOPLE, gaggle_id=gaggle_id),
        table.load(page, COMPANIES, gaggle_id=gaggle_id),
    )
    if found is None:
        raise NotThereError(
            f"there is no gaggle {gaggle_id!r} in the published data; look for its name with the "
            "search at the top"
        )
    _head(found)
    _figures(found)
    at = {"gaggle": gaggle_id}
    with panel("Activity", wide=True):
        states.later(
            "Adding up the weeks",
            lambda: activity.load(page, gaggle_id=gaggle_id),
            lambda weeks: activity.show(weeks, "Activity in the gaggle", page.currency),
        )
    with panel("People", wide=True):
        table.table(
            page,
            people,
            nothing="Nobody is in this gaggle.",
            hint="People come in by their accounts' gaggle_id.",
            download=at,
        )
    with panel("Companies", note="Whose people are in it", wide=True):
        table.table(
            page,
            companies,
            nothing="Personal addresses alone: no company is in this gaggle.",
            download=at,
        )


def _head(row: dict[str, Any]) -> None:
    heading(row["gaggle_name"] or row["gaggle_id"], 1)
    with ui.element("div").classes("c-chips"):
        ui.label(f"gaggle {row['gaggle_id']}").classes("c-note")
        if row["corporate_email"]:
            ui.link(row["corporate_email"], links.account(row["corporate_email"]))
        if row["is_paying"]:
            chip(f"paying: {row['current_plan']}" if row["current_plan"] else "paying", "good")
        if row["upgrade_rank"]:
            chip(f"upgrade candidate no. {row['upgrade_rank']:,}", "warn")


def _figures(row: dict[str, Any]) -> None:
    with panel("At a glance", wide=True), figures():
        for label, column in (("People", "users"), ("Events", "events"), ("Orders", "orders")):
            name = f"number_of_{column}"
            hint = (
                f"{row[f'{name}_corporate']:,} of the primary company"
                if row["corporate_email"]
                else ""
            )
            figure(label, row[name], "number", source=_of(name), hint=hint)
        figure(
            "Companies",
            row["number_of_corporate_domains"],
            "number",
            source=_of("number_of_corporate_domains"),
        )
        figure("Created", row["created_at"], "date", source=_of("created_at"))
        figure("First event", row["first_event"], "time", source=_of("first_event"))
        figure("Last event", row["most_recent_event"], "time", source=_of("most_recent_event"))
        figure("Last order", row["most_recent_order"], "time", source=_of("most_recent_order"))


def _chosen(_: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {"gaggle_id": query.get("gaggle", "")}


ROUTES = (Route("/gaggles/{gaggle_id:path}", "Gaggle", build),)
DOWNLOADS: tuple[Download, ...] = (Download(PEOPLE, _chosen), Download(COMPANIES, _chosen))
