"""`/accounts/{domain}`: a company, its power users, whom to call next, gaggles, people, deals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui
from starlette.responses import RedirectResponse, Response

from c360_assets.ui import links
from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data.account import Account, find_account, leads_to
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages import activity
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.figures import Source, chip, contents, figure, figures, heading, panel
from c360_assets.ui.parts.table import Column, Listing
from c360_assets.ui.parts.text import Kind, plural, shown
from c360_assets.ui.site import Route

ASSOCIATED = "associated"
FEW_DOMAINS = 8
_PARTS = {
    "Activity": "activity",
    "People": "people",
    "Gaggles": "gaggles",
    "Deals": "deals",
}
_TIMES: tuple[tuple[str, str, Kind], ...] = (
    ("Customer since", "customer_since", "date"),
    ("First event", "first_event_corporate", "time"),
    ("Last event", "most_recent_event_corporate", "time"),
)


def _of(column: str) -> Source:
    return Source("corporate_accounts", column)


PEOPLE = Listing(
    "account_people",
    "account/people",
    (
        Column("who", "Name", href=lambda row: links.contact(row["contact_id"])),
        Column("email", "Address", source=Source("contacts", "email")),
        Column(
            "gaggle_name",
            "Gaggle",
            source=Source("gaggle_facts", "gaggle_name"),
            href=lambda row: links.gaggle(row["gaggle_id"]) if row["gaggle_id"] else None,
        ),
        Column("rfm_segment", "Segment", source=Source("rfm_segments", "rfm_segment")),
        Column("number_of_events", "Events", "number", Source("contacts", "number_of_events")),
        Column("number_of_orders", "Orders", "number", Source("contacts", "number_of_orders")),
        Column("sales_total", "Sales", "money", Source("contacts", "sales_total")),
        Column("most_recent_event", "Last event", "time", Source("contacts", "most_recent_event")),
        Column("created_at", "Signed up", "date", Source("contacts", "created_at")),
    ),
    "user_id",
    Order("number_of_events", True, ("user_id",)),
    "person",
    "people",
    rows_per_page=10,
)
GAGGLES = Listing(
    "account_gaggles",
    "account/gaggles",
    (
        Column("gaggle_name", "Gaggle", href=lambda row: links.gaggle(row["gaggle_id"])),
        Column(
            "is_primary", "Counts as theirs", "flag", Source("gaggle_domain_facts", "is_primary")
        ),
        Column(
            "number_of_users_corporate",
            "Their people",
            "number",
            Source("gaggle_domain_facts", "number_of_users_corporate"),
        ),
        Column(
            "number_of_users", "All people", "number", Source("gaggle_facts", "number_of_users")
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
        Column(
            "most_recent_event_corporate",
            "Last event",
            "time",
            Source("gaggle_domain_facts", "most_recent_event_corporate"),
        ),
    ),
    "gaggle_id",
    Order("number_of_events_corporate", True, ("gaggle_id",)),
    "gaggle",
    "gaggles",
    rows_per_page=10,
)
DEALS = Listing(
    "account_deals",
    "account/deals",
    (
        Column("close_date", "Closes", "date", Source("stg_deals", "close_date")),
        Column("deal_name", "Deal", source=Source("stg_deals", "deal_name"), is_wide=True),
        Column("stage", "Stage", source=Source("stg_deals", "stage")),
        Column("amount", "Amount", "money", Source("stg_deals", "amount")),
        Column(
            "email",
            "With",
            source=Source("stg_deals", "email"),
            href=lambda row: links.contact(row["contact_id"]) if row["contact_id"] else None,
        ),
    ),
    "deal",
    Order("close_date", True, ("deal",)),
    "deal",
    "deals",
    rows_per_page=10,
)


async def build(page: Page, domain: str) -> Response | None:
    """The page of a company; a domain that counts as another company leads there.

    Raises:
        NotThereError: no company has that domain.
    """
    account = await page.ask(find_account, domain)
    if account is None:
        return await _elsewhere(page, domain)
    is_associated = page.query.get("people") == ASSOCIATED
    people, gaggles, deals = await asyncio.gather(
        table.load(page, PEOPLE, domain=domain, is_associated=is_associated),
        table.load(page, GAGGLES, domain=domain),
        table.load(page, DEALS, domain=domain),
    )
    _head(page, account)
    contents(_PARTS)
    _figures(page, account, gaggles.slice.total)
    _calls(account)
    _power_users(account)
    with panel("Activity", wide=True).props('id="activity"'):
        states.later(
            "Adding up the weeks",
            lambda: activity.load(page, domain=domain),
            lambda weeks: activity.show(weeks, "Activity of its people", page.currency),
        )
    _people(page, people, domain, is_associated)
    note = "Workspaces with people of the company in them"
    with panel("Gaggles", note=note, wide=True).props('id="gaggles"'):
        table.table(
            page, gaggles, nothing="None of its people is in a gaggle.", download=_at(domain)
        )
    with panel("Deals", wide=True).props('id="deals"'):
        table.table(
            page,
            deals,
            nothing="There is no deal with this company.",
            hint="Deals come from the raw table `deals`, by the domain of their address.",
            download=_at(domain),
        )
    return None


async def _elsewhere(page: Page, domain: str) -> Response:
    found = await page.ask(leads_to, domain)
    if found is None or found == domain:
        raise NotThereError(
            f"no company has the domain {domain!r} in the published data; look for it with the "
            "search at the top. Personal and disposable domains are no companies"
        )
    return RedirectResponse(links.with_query(links.account(found), {"was": domain}))


def _at(domain: str) -> dict[str, str]:
    return {"domain": domain}


def _head(page: Page, account: Account) -> None:
    row = account.row
    heading(row["corporate_email"], 1)
    with ui.element("div").classes("c-chips"):
        if row["is_paying"]:
            chip("paying", "good")
        else:
            chip("not paying", "warn")
        if row["current_plan"]:
            chip(f"plan: {row['current_plan']}")
        others = [
            each for each in account.domains if each["email_domain"] != row["corporate_email"]
        ]
        if others:
            names = ", ".join(each["email_domain"] for each in others[:FEW_DOMAINS])
            more = len(others) - FEW_DOMAINS
            tail = f" and {more:,} more" if more > 0 else ""
            ui.label(f"also {names}{tail}").classes("c-note")
    # what a link says is shown only where it is true
    if was := account.merged(page.query.get("was", "")):
        with ui.element("div").classes("c-contact-merged"):
            ui.label(f"{was} counts as this company, by a decision. ").classes("c-inline")
            ui.link("See the decision", links.decisions(was))


def _figures(page: Page, account: Account, gaggles_with_people: int) -> None:
    row = account.row
    with panel("At a glance", wide=True), figures():
        for label, column in (("People", "users"), ("Events", "events"), ("Orders", "orders")):
            name = f"number_of_{column}_corporate"
            hint = f"{row[f'number_of_{column}_associated']:,} with all in its gaggles"
            figure(label, row[name], "number", source=_of(name), hint=hint)
        others = gaggles_with_people - row["number_of_gaggles"]
        hint = f"and people in {plural(others, 'gaggle')} of other companies" if others else ""
        name = "number_of_gaggles"
        figure("Gaggles", row[name], "number", source=_of(name), hint=hint)
        lost = plural(row["lost_deals"], "deal lost", "deals lost")
        figure("Deals won", row["won_deals"], "number", source=_of("won_deals"), hint=lost)
        won = row["won_amount"]
        figure("Amount won", won, "money", source=_of("won_amount"), currency=page.currency)
        for label, name, kind in _TIMES:
            figure(label, row[name], kind, source=_of(name))


def _calls(account: Account) -> None:
    note = "By open tickets, falling away, orders, activity; the most grounds first"
    with panel("Whom to call next, and why", note=note):
        if not account.calls:
            states.empty("Nobody here stands out.")
        with ui.element("ol").classes("c-calls"):
            for each in account.calls:
                with ui.element("li"):
                    ui.link(each["who"], links.contact(each["contact_id"])).classes("c-strong")
                    ui.label("; ".join(each["why"])).classes("c-note")


def _power_users(account: Account) -> None:
    row = account.row
    shown_as = (
        ("First", "first", "first_user_id", f"since {shown(row['first_since'], 'date')}"),
        (
            "Most active",
            "active",
            "most_active_user_id",
            plural(row["active_events"] or 0, "event"),
        ),
        (
            "Most orders",
            "orders",
            "most_orders_user_id",
            plural(row["orders_orders"] or 0, "order") if row["most_orders_user_id"] else "",
        ),
    )
    with panel("Power users"), figures():
        for label, prefix, column, hint in shown_as:
            contact_id = row[f"{prefix}_contact_id"]
            figure(
                label,
                row[f"{prefix}_name"] or contact_id,
                source=_of(column),
                href=links.contact(contact_id) if contact_id else None,
                hint=hint,
            )


def _people(page: Page, people: table.Loaded, domain: str, is_associated: bool) -> None:
    with panel("People", wide=True).props('id="people"'):
        with ui.element("nav").classes("c-actions").props('aria-label="Which people"'):
            for label, value in (("With its address", None), ("All in its gaggles", ASSOCIATED)):
                forms.choice_link(
                    label,
                    f"{page.url(people=value, account_people_page=None)}#people",
                    is_chosen=is_associated == (value is not None),
                )
        more = {"people": ASSOCIATED} if is_associated else {}
        table.table(page, people, nothing="Nobody.", download={**_at(domain), **more})


def _chosen(_: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {"domain": query.get("domain", "")}


def _chosen_people(copy: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {**_chosen(copy, query), "is_associated": query.get("people") == ASSOCIATED}


ROUTES = (Route("/accounts/{domain:path}", "Company", build),)
DOWNLOADS: tuple[Download, ...] = (
    Download(PEOPLE, _chosen_people),
    Download(GAGGLES, _chosen),
    Download(DEALS, _chosen),
)
