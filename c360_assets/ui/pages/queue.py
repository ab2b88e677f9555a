"""`/queue`: the open tickets, those first who should be answered first; `?ticket=` is one of them.

The URL: `paying=1`, `segment`, `company`, `text` (in subject, name, address or id), `days` (waiting
at least), and the table's own. Not here: one ticket (`queue_ticket`), figures (`ui.data.queue`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from c360_assets.customer_rules import SupportRules
from c360_assets.ui import links
from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data import queue
from c360_assets.ui.data.queue import Filters
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import queue_ticket
from c360_assets.ui.parts import forms, table
from c360_assets.ui.parts.chart import plain_table
from c360_assets.ui.parts.figures import Source, figure, figures, heading, panel
from c360_assets.ui.parts.table import Column, Listing
from c360_assets.ui.site import Route


def _queue(name: str) -> Source:
    return Source("support_queue", name)


def _person(row: dict[str, Any]) -> str | None:
    return links.contact(row["contact_id"]) if row["contact_id"] else None


def _account(row: dict[str, Any]) -> str | None:
    return links.account(row["account"]) if row["account"] else None


TICKETS = Listing(
    "queue",
    "queue/tickets",
    (
        Column("queue_rank", "Rank", "number", _queue("queue_rank")),
        Column("subject_or_id", "Ticket", "text", _queue("subject"), is_wide=True),
        Column("who", "From", "text", _queue("user_name"), href=_person),
        Column("company", "Company", "text", _queue("company"), href=_account),
        Column("is_paying", "Pays", "flag", _queue("is_paying")),
        Column("rfm_segment", "Segment", "text", _queue("rfm_segment")),
        Column("monetary", "Spent", "money", _queue("monetary")),
        Column("waiting_days", "Days waiting", "decimal", _queue("waiting_hours")),
        Column("status", "Status", "text", _queue("status")),
        Column("reason", "Why here", "text", _queue("reason"), is_wide=True),
    ),
    "ticket_id",
    Order("queue_rank"),
    noun="ticket",
    nouns="tickets",
    counts="queue/figures",
)


async def build(page: Page) -> None:
    """The queue, or one ticket of it."""
    if ticket_id := page.query.get("ticket"):
        await queue_ticket.build(page, ticket_id)
        return
    filters = Filters.of(page.query)
    counts, segments, tickets = await asyncio.gather(
        page.ask(lambda copy: copy.one("queue/figures", **filters.parameters)),
        page.ask(lambda copy: copy.rows("queue/segments")),
        table.load(
            page,
            TICKETS.linked("subject_or_id", lambda row: page.url(ticket=row["ticket_id"])),
            **filters.parameters,
        ),
    )
    heading("Support queue", 1)
    with panel("Waiting", note="of the tickets chosen below" if filters.is_any else "", wide=True):
        _figures(page, counts)
    with panel("Tickets", wide=True).classes("c-dense"):
        _form(page, filters, [row["rfm_segment"] for row in segments])
        for note in filters.notes:
            ui.label(note).classes("c-kpi-note c-warn")
        if filters.is_any:
            table.table(
                page,
                tickets,
                nothing="No open ticket is like that.",
                hint="Clear the filters to see the whole queue.",
            )
        else:
            table.table(
                page,
                tickets,
                nothing="Nobody waits for an answer.",
                hint="Tickets come from raw_ticket in the source; open are those with a status of "
                "[support] open_statuses.",
            )
    with panel("Why this order", note="points of [support] in c360.toml, added up", wide=True):
        _weights(page.settings.rules.support)


def _figures(page: Page, counts: Mapping[str, Any]) -> None:
    with figures():
        figure("Open tickets", counts["total"], "number", source=_queue("ticket_id"))
        figure(
            *("From paying companies", counts["paying"], "number"),
            source=_queue("is_paying"),
            href=page.url(paying="1", queue_page=None),
        )
        figure(
            *("Longest wait", queue.waiting(counts["longest_hours"])),
            source=_queue("waiting_hours"),
        )
        figure(
            *("Median wait", queue.waiting(counts["median_hours"])),
            source=Source("support_queue", "waiting_hours", "half of the tickets wait longer"),
        )
        figure(
            *("Unknown senders", counts["unknown_senders"], "number"),
            source=Source("support_queue", "user_id", "tickets without"),
            href=page.url(segment=queue.UNKNOWN_SENDER, queue_page=None),
        )


def _form(page: Page, filters: Filters, segments: list[str]) -> None:
    known = [*segments, *([filters.segment] if filters.segment else [])]
    with forms.form(page, "Which tickets to show", (), drops=lambda name: True):
        hint = {"maxlength": "300", "placeholder": "subject, name, id"}
        forms.field("Text", "text", "search", filters.text, **hint)
        options = [("", "any"), *((each, each) for each in dict.fromkeys(known))]
        forms.select("Segment", "segment", options, filters.segment)
        hint = {"maxlength": "300", "placeholder": "acme.com"}
        forms.field("Company", "company", "text", filters.company, **hint)
        days = str(filters.days) if filters.days else None
        forms.field("Days waiting, at least", "days", "number", days, min="0", placeholder="0")
        with forms.labelled("Paying companies alone"):
            box = ui.element("input").props('type="checkbox" name="paying" value="1"')
            if filters.is_paying:
                box.props["checked"] = True
        forms.submit("Filter")
        if filters.is_any:
            ui.link("Clear the filters", page.path)


def _weights(rules: SupportRules) -> None:
    ui.label(
        "Each open ticket has points for who wrote it and how long they wait; most points come "
        "first, of equal ones the older ticket. A ticket's own points are on its page."
    )
    with ui.element("div").classes("c-kpi-split"):
        plain_table(
            ("Points", "For who wrote"),
            [
                *((f"{weight:g}", _segment_words(name)) for name, weight in rules.segment_weights),
                (f"{rules.other_segment_weight:g}", "any other segment"),
                (f"{rules.unknown_sender_weight:g}", "an unknown sender"),
            ],
        )
        plain_table(
            ("Points", "Besides"),
            [
                (
                    f"up to {rules.value_weight:g}",
                    "money spent: for the customer who spent most; for others by their percentile",
                ),
                (
                    f"{rules.waiting_weight_per_day:g}",
                    f"each day of waiting, up to {rules.waiting_days_at_most:g} days",
                ),
                (f"{rules.paying_company_weight:g}", "a company that pays"),
            ],
        )


def _segment_words(name: str) -> str:
    return "somebody who never ordered" if name == queue.PROSPECTS else f"segment {name}"


def _parameters(copy: Copy, query: Mapping[str, str]) -> Mapping[str, Any]:
    return Filters.of(query).parameters


ROUTES = (Route(links.QUEUE, "Support queue", build),)
DOWNLOADS: tuple[Download, ...] = (Download(TICKETS, _parameters),)
