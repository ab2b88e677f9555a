"""Who a person is: the head of their page, how they stand, their addresses and gaggles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data.contact import Person, find_person
from c360_assets.ui.data.contact_identity import (
    Merged,
    Namesake,
    Standing,
    merged_from,
    namesakes,
    standing,
)
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.parts import table
from c360_assets.ui.parts.figures import Source, chip, figure, figures, heading, panel
from c360_assets.ui.parts.table import Column, Listing
from c360_assets.ui.parts.text import NOTHING, plural, shown

FEW_ADDRESSES = 3
HIDDEN = "This person opted out: personal data is not shown."


def _decisions(row: Mapping[str, Any]) -> str | None:
    is_decided = row["source_file"] is not None and row["email"] is not None
    return links.decisions(row["email"]) if is_decided else None


ADDRESSES = Listing(
    "contact_addresses",
    "contact/addresses",
    (
        Column("email", "Address", source=Source("user_identity", "email")),
        Column("user_id", "Account", source=Source("user_identity", "user_id")),
        Column("user_name", "Name on it", source=Source("stg_users", "user_name")),
        Column("created_at", "Signed up", "date", Source("stg_users", "created_at")),
        Column(
            "gaggle_name",
            "Gaggle",
            source=Source("gaggle_facts", "gaggle_name"),
            href=lambda row: links.gaggle(row["gaggle_id"]) if row["gaggle_id"] else None,
        ),
        Column("how", "How it came", source=Source("user_identity", "rule"), is_wide=True),
        Column(
            "decision",
            "Decision",
            source=Source("merge_journal", "decided_by", "with decided_at, reason and file"),
            href=_decisions,
            is_wide=True,
        ),
    ),
    "row_id",
    Order("is_main", True, ("created_at", "row_id")),
    "address or account",
    "addresses and accounts",
    rows_per_page=10,
)
GAGGLES = Listing(
    "contact_gaggles",
    "contact/gaggles",
    (
        Column(
            "gaggle_name",
            "Gaggle",
            source=Source("gaggle_facts", "gaggle_name"),
            href=lambda row: links.gaggle(row["gaggle_id"]),
        ),
        Column("is_current", "Their gaggle", "flag", Source("user_gaggle_facts", "is_current")),
        *(
            Column(name, label, "number", Source("user_gaggle_facts", name))
            for name, label in (
                ("number_of_users", "Accounts"),
                ("number_of_events", "Events"),
                ("number_of_orders", "Orders"),
            )
        ),
        Column("first_seen_at", "Since", "date", Source("user_gaggle_facts", "first_seen_at")),
        Column(
            "most_recent_event",
            "Last event",
            "time",
            Source("user_gaggle_facts", "most_recent_event"),
        ),
    ),
    "gaggle_id",
    Order("is_current", True, ("first_seen_at", "gaggle_id")),
    "gaggle",
    rows_per_page=10,
)


@dataclass(frozen=True)
class Identity:
    """What the head and these panels show."""

    person: Person
    standing: Standing
    merged: Merged | None
    namesakes: list[Namesake]
    addresses: table.Loaded
    gaggles: table.Loaded


async def load(page: Page, person: Person) -> Identity:
    """Ask for all of it; `was` in the query is a former contact_id that led here."""
    found, merged, others, addresses, gaggles = await asyncio.gather(
        page.ask(standing, person),
        page.ask(merged_from, person, page.query.get("was", "")),
        page.ask(namesakes, person),
        table.load(page, ADDRESSES, user_id=person.user_id),
        table.load(page, GAGGLES, user_id=person.user_id),
    )
    return Identity(person, found, merged, others, addresses, gaggles)


def show_head(loaded: Identity) -> None:
    """The heading, where the person stands in a few words, and their first addresses."""
    person, found = loaded.person, loaded.standing
    heading(person.name or f"Person {person.contact_id}", 1)
    with ui.element("div").classes("c-contact-head"):
        if person.is_hidden:
            ui.label(HIDDEN).classes("c-contact-hidden").props("role=note")
        if loaded.merged is not None:
            ui.label(_how_merged(loaded.merged)).classes("c-contact-merged").props("role=note")
        if person.emails:
            _first_addresses(person)
        for other in loaded.namesakes:
            _namesake(other)
        with ui.element("div").classes("c-chips"):
            chip(f"Segment: {found.rfm_segment or 'Prospect'}")
            if found.lifecycle_stage:
                chip(f"Stage: {found.lifecycle_stage}")
            if found.is_paying:
                chip("Company pays", "good")
            if found.open_tickets:
                chip(plural(found.open_tickets, "open ticket"), "warn")


def _first_addresses(person: Person) -> None:
    others = [email for email in person.emails if email != person.email]
    few = [email for email in (person.email, *others) if email][:FEW_ADDRESSES]
    with ui.element("div").classes("c-contact-addresses"):
        ui.label(", ".join(few))
        if rest := len(person.emails) - len(few):
            ui.link(f"and {plural(rest, 'more address', 'more addresses')}", "#addresses")


def _namesake(other: Namesake) -> None:
    with ui.element("div").classes("c-contact-merged c-contact-namesake").props("role=note"):
        ui.label("May be the same person as")
        ui.link(other.user_name or other.email, links.contact(other.contact_id))
        if other.user_name:
            ui.label(f"({other.email}).")
        ui.link("Review the pair", links.pair(other.pair))


def _how_merged(merged: Merged) -> str:
    when = f" on {merged.decided_at:%Y-%m-%d}" if merged.decided_at else ""
    who = f" by {merged.decided_by}" if merged.decided_by else ""
    why = f" ({merged.reason})" if merged.reason else ""
    return (
        f"{merged.former_contact_id} was merged into this person{when}{who}{why}: "
        f"{merged.source_file}, row {merged.source_row}."
    )


def show(page: Page, loaded: Identity) -> None:
    """Who they are, and how they stand."""
    person, found = loaded.person, loaded.standing
    with panel("Who they are").props('id="identity"').classes("c-contact"), figures():
        _who(person, found)
    with panel("How they stand").props('id="standing"').classes("c-contact"), figures():
        _segment(found)
        _value(found, page.currency)
        _activity(found, page.currency)


def show_accounts(page: Page, loaded: Identity) -> None:
    """Where the person came from: their addresses, accounts and gaggles."""
    person = loaded.person
    with panel(
        "Addresses and accounts",
        note="Every address that they ever had, and the decision by which it came.",
        wide=True,
    ).props('id="addresses"'):
        table.table(
            page,
            loaded.addresses,
            nothing="No address may be shown.",
            download={"contact": person.contact_id},
        )
    with panel("Gaggles", wide=True).props('id="gaggles"'):
        table.table(
            page,
            loaded.gaggles,
            nothing="No account of theirs is in a gaggle.",
            hint="Accounts get one by gaggle_id in the source's table of users.",
            download={"contact": person.contact_id},
        )


def _who(person: Person, found: Standing) -> None:
    figure("Address", person.email, source=Source("contacts", "email"))
    figure("Contact id", person.contact_id, source=Source("contacts", "contact_id"))
    figure("Signed up", found.created_at, "date", source=Source("contacts", "created_at"))
    company = found.corporate_email
    figure(
        "Company",
        company,
        source=Source("contacts", "corporate_email"),
        href=links.account(company) if company else None,
        hint="" if company else "a personal address, or none that may be shown",
    )
    if company:
        plan, pays = (Source("corporate_accounts", name) for name in ("current_plan", "is_paying"))
        figure("Company's plan", found.current_plan, source=plan)
        figure("Company pays", found.is_paying, "flag", source=pays)
    figure(
        "Gaggle",
        found.gaggle_name or found.gaggle_id,
        source=Source("contacts", "gaggle_id"),
        href=links.gaggle(found.gaggle_id) if found.gaggle_id else None,
    )
    figure(
        "Accounts", found.number_of_users, "number", source=Source("contacts", "number_of_users")
    )


def _segment(found: Standing) -> None:
    scores = (found.recency_score, found.frequency_score, found.monetary_score)
    since = f"since {found.segment_since:%Y-%m-%d %H:%M} UTC" if found.segment_since else ""
    figure(
        "Segment",
        found.rfm_segment or "Prospect",
        source=Source("rfm_segments", "rfm_segment", "since when: rfm_segment_history"),
        hint=since if found.rfm_segment else "no order yet",
    )
    figure(
        "R, F, M",
        NOTHING if scores[0] is None else " · ".join(shown(score, "number") for score in scores),
        source=Source("rfm_segments", "recency_score", "then frequency_score and monetary_score"),
        hint="recency, frequency, money: 5 is the top fifth",
    )
    figure(
        "Stage",
        found.lifecycle_stage,
        source=Source("customer_profiles", "LIFECYCLE_STAGE"),
        hint=f"at the end of {found.profile_date}" if found.profile_date else "no profile yet",
    )


def _value(found: Standing, currency: str) -> None:
    figure(
        "Value, next 365 days",
        found.clv_365d,
        "money",
        source=Source("customer_lifetime_value", "clv_365d"),
        currency=currency,
        hint=found.why_no_value if found.clv_365d is None else _expected(found),
    )
    figure(
        "Will order again",
        found.probability_alive,
        "percent",
        source=Source("customer_lifetime_value", "probability_alive"),
        hint=found.why_no_probability if found.probability_alive is None else "probability",
    )


def _expected(found: Standing) -> str:
    if found.expected_orders_365d is None:
        return ""
    return f"{shown(found.expected_orders_365d, 'decimal')} orders expected"


def _activity(found: Standing, currency: str) -> None:
    figure(
        "Orders",
        found.number_of_orders,
        "number",
        source=Source("contacts", "number_of_orders"),
        hint=_from_to(found.first_order, found.most_recent_order),
    )
    figure(
        "Sales",
        found.sales_total,
        "money",
        source=Source("contacts", "sales_total"),
        currency=currency,
        # the chart has net sales beside it: less refunds, with shipping
        hint="" if found.sales_total is None else "less discounts and shipping",
    )
    figure(
        "Events",
        found.number_of_events,
        "number",
        source=Source("contacts", "number_of_events"),
        hint=_from_to(found.first_event, found.most_recent_event),
    )
    figure(
        "Open tickets",
        found.open_tickets,
        "number",
        source=Source("support_queue", "ticket_id", "counted"),
        href=links.QUEUE if found.open_tickets else None,
        hint=f"number {found.queue_rank:,} in the queue" if found.queue_rank else "",
    )


def _from_to(first: Any, last: Any) -> str:
    return "" if first is None else f"{shown(first, 'date')} to {shown(last, 'date')}"


def _of_person(copy: Copy, query: Mapping[str, str]) -> dict[str, Any]:
    return {"user_id": find_person(copy, query.get("contact", "")).user_id}


DOWNLOADS = (Download(ADDRESSES, _of_person), Download(GAGGLES, _of_person))
