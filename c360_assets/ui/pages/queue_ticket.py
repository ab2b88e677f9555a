"""`/queue?ticket=`: one ticket, its person in brief, what to do, and why it has its rank."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.data import queue
from c360_assets.ui.data.queue import Ticket
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import plain_table
from c360_assets.ui.parts.figures import Source, figure, figures, heading, panel, source_button
from c360_assets.ui.parts.text import Kind, shown

LONGEST_ID = 100


async def build(page: Page, ticket_id: str) -> None:
    """The ticket.

    Raises:
        NotThereError: there is none of that id.
    """
    rules = page.settings.rules.support
    ticket = await page.ask(queue.ticket, ticket_id, rules, page.currency)
    if ticket is None:
        raise NotThereError(
            f"No ticket has the id {ticket_id[:LONGEST_ID]!r}; {links.QUEUE} shows those that wait"
        )
    heading(f"Ticket {ticket.facts['ticket_id']}", 1)
    ui.link("Back to the queue", page.url(ticket=None))
    with panel("What they wrote", wide=True):
        _facts(ticket)
    with panel("What to do"):
        with ui.element("ul").classes("c-advice"):
            for sentence in ticket.advice:
                with ui.element("li"):
                    ui.label(sentence).classes("c-inline")
        ui.label(
            "Worked out from the segment, the company's plan, the expected value and the waiting "
            "time."
        ).classes("c-note")
    _who(page, ticket)
    if ticket.is_open:
        _why(ticket)
    _others(page, ticket)


def _facts(ticket: Ticket) -> None:
    facts = ticket.facts
    ui.label(facts["subject"] or "(no subject)").classes("c-subject")
    with ui.element("div").classes("c-chips"):
        ui.label(f"from {facts['email'] or 'somebody who is hidden'}").classes("c-anywhere")
        source_button(Source("stg_tickets", "email"))
    with figures():
        _figure("Status", facts["status"], "status", table="stg_tickets")
        _figure("Opened", facts["created_at"], "created_at", "time", table="stg_tickets")
        if ticket.is_open:
            _figure("Waiting", queue.waiting(facts["waiting_hours"]), "waiting_hours")
            _figure("Rank", facts["queue_rank"], "queue_rank", "number")
            _figure("Points", facts["priority"], "priority", "decimal")


def _figure(
    label: str, value: Any, column: str, kind: Kind = "text", *, table: str = "support_queue",
    currency: str = "", href: str | None = None,
) -> None:  # fmt: skip
    source = Source(table, column)
    figure(label, value, kind, source=source, currency=currency, href=href)


def _who(page: Page, ticket: Ticket) -> None:
    facts, currency = ticket.facts, page.currency
    company = links.account(facts["account"]) if facts["account"] else None
    with panel("Who it is"):
        if facts["user_id"] is None:
            states.empty(
                "An unknown sender: nobody has this address.",
                "An account with it, or a merge into somebody's, would tell who it is.",
            )
            if facts["company"]:
                with figures():
                    _figure("Company of the address", facts["company"], "company", href=company)
            return
        person = links.contact(facts["contact_id"])
        with figures().classes("c-brief"):
            name = facts["user_name"] or facts["contact_email"] or facts["contact_id"]
            _figure("Name", name, "user_name", table="contacts", href=person)
            _figure("Company", facts["company"], "company", href=company)
            _figure("Plan", facts["current_plan"], "current_plan", table="corporate_accounts")
            _figure("Pays", facts["is_paying"], "is_paying", "flag", table="corporate_accounts")
            _figure("Segment", facts["rfm_segment"], "rfm_segment")
            _figure("Orders", facts["number_of_orders"], "number_of_orders", "number",
                    table="contacts")  # fmt: skip
            _figure("Spent", facts["monetary"], "monetary", "money", table="rfm_segments",
                    currency=currency)  # fmt: skip
            _figure("Last order", facts["most_recent_order"], "most_recent_order", "date",
                    table="contacts")  # fmt: skip
            _figure("Expected within a year", facts["clv_365d"], "clv_365d", "money",
                    table="customer_lifetime_value", currency=currency)  # fmt: skip
        ui.link("The whole person", person)


def _why(ticket: Ticket) -> None:
    with panel(f"Why it has rank {ticket.facts['queue_rank']:,}", note=ticket.facts["reason"]):
        rows = [(f"{part.points:,.2f}", part.words) for part in ticket.parts]
        total = sum(part.points for part in ticket.parts)
        plain_table(("Points", "For"), [*rows, (f"{total:,.2f}", "together")])
        if ticket.is_outdated:
            ui.label(
                f"The queue has {ticket.facts['priority']:,.2f}: the rules in [support] of "
                "c360.toml were changed since. The next run orders the queue by them."
            ).classes("c-warn")
        ui.label("Source: marts.support_queue.priority, and [support] of c360.toml").classes(
            "c-note"
        )


def _others(page: Page, ticket: Ticket) -> None:
    with panel("Other tickets of theirs"):
        if not ticket.others:
            states.empty("They wrote no other ticket.")
            return
        with ui.element("ul").classes("c-advice"):
            for other in ticket.others:
                with ui.element("li"):
                    id_ = other["ticket_id"]
                    ui.link(other["subject"] or id_, page.url(ticket=id_))
                    waiting = f", rank {other['queue_rank']:,}" if other["queue_rank"] else ""
                    ui.label(
                        f" {other['ticket_id']}, {shown(other['created_at'], 'time')}, "
                        f"{other['status']}{waiting}, from {shown(other['email'])}"
                    ).classes("c-inline c-note")
        ui.label("Source: staging.stg_tickets, by all addresses of the person").classes("c-note")
