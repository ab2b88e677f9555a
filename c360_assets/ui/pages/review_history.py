"""`/review/history`: every decision with who, when and what became of it; undoing one.

Belongs here: the list, its filters, and the confirmation of an undo (`undo` in the URL).
"""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from c360_assets.identity.statements import MERGE, UNDO
from c360_assets.resolution.decisions import Decision, Pair
from c360_assets.resolution.present import Waiting, stands
from c360_assets.ui import links
from c360_assets.ui.copies import Order
from c360_assets.ui.data import review as review_data
from c360_assets.ui.data import review_history as data
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import review_pair
from c360_assets.ui.pages.review_actions import ROLE, attempt, reason_field, told
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.figures import Source, figure, figures, heading, panel
from c360_assets.ui.parts.table import Column, Listing

JOURNAL = "merge_journal"


HISTORY = Listing(
    "decisions",
    "review/history",
    (
        Column("decided_at", "When", "time", Source(JOURNAL, "decided_at")),
        Column("decided_by", "Who", source=Source(JOURNAL, "decided_by")),
        Column("decision", "Decision", source=Source(JOURNAL, "decision")),
        Column(
            *("old_key", "Old"),
            source=Source(JOURNAL, "old_key"),
            href=lambda row: review_pair.contact_link(row, "old"),
        ),
        Column(
            *("new_key", "New"),
            source=Source(JOURNAL, "new_key"),
            href=lambda row: review_pair.contact_link(row, "new"),
        ),
        Column("state", "Outcome", source=Source(JOURNAL, "outcome")),
        Column("undo", "", is_sortable=False),
        Column("reason", "Reason", source=Source(JOURNAL, "reason"), is_wide=True),
        Column(
            *("explanation", "What it means"),
            source=Source(JOURNAL, "explanation"),
            is_wide=True,
        ),
    ),
    "decision_id",
    Order("decided_at", True, ("decision_id",)),
    noun="decision",
    nouns="decisions",
)


def _listing(page: Page) -> Listing:
    """The list, with links that undo and keep what the URL says besides."""

    def undo(row: dict[str, Any]) -> str | None:
        return page.url(undo=row["decision_id"]) if row["undo"] else None

    return HISTORY.linked("undo", undo)


async def build(page: Page) -> None:
    """The list; `by`, `key`, `decision`, `outcome` and `kind` filter it."""
    waiting = await page.ask(review_data.waiting_now)
    since = page.now.replace(hour=0, minute=0, second=0, microsecond=0)
    given = await page.ask(data.parameters, page.query)
    loaded, progress, open_ = await asyncio.gather(
        table.load(page, _listing(page), **given),
        page.ask(review_data.progress, waiting, since),
        page.ask(review_data.choose, None, None, None),
    )
    asked = page.query.get("undo")
    chosen = await page.ask(data.decision_at, waiting, asked) if asked else None
    heading("History of merges", 1)
    if asked:
        _confirm(page, chosen)
    for reason in waiting.unreadable.values():
        states.trouble("A merge file cannot be read; what it said before stands", reason)
    with panel("How it stands", wide=True), figures():
        figure(
            *("Open pairs", open_.total, "number"),
            source=Source("merge_candidates", "value_rank", "without those decided meanwhile"),
            href=links.REVIEW,
        )
        figure(
            *("Decided today", sum(count for _, count in progress), "number"),
            source=Source(JOURNAL, "decided_at", "and merge files that no run has read yet"),
            hint=", ".join(f"{name} {count:,}" for name, count in progress),
        )
        figure(
            *("Waiting for the next run", _waiting_count(waiting), "number"),
            source=Source(JOURNAL, "source_file", "rows of files that it does not have yet"),
        )
    with panel("Decisions", wide=True).classes("c-review-history"):
        _form(page)
        table.table(
            page,
            loaded,
            nothing="No such decision.",
            hint="Decisions come from /review, from `c360 merge` and from merge files.",
        )


def _waiting_count(waiting: Waiting) -> int:
    return sum(1 for row in waiting.rows if row["is_new"])


# --- filters -------------------------------------------------------------------------------------


def _form(page: Page) -> None:
    """The filters, as a plain form: what it sends is the URL."""
    now = data.filters(page.query)
    with forms.form(page, "Which decisions to show", (), drops=lambda name: True):
        for name, label in (("by", "Who"), ("key", "Address or domain")):
            forms.field(label, name, "text", page.query.get(name), maxlength="300")
        for name, allowed in data.CHOICES.items():
            words = [(each, review_data.KIND_NAMES.get(each, each)) for each in allowed]
            forms.select(name.capitalize(), name, [("", "any"), *words], now[name])
        forms.submit("Filter")
        if any(now.values()):
            ui.link("Show all", links.REVIEW_HISTORY)


# --- undoing -------------------------------------------------------------------------------------


def _confirm(page: Page, row: dict[str, Any] | None) -> None:
    """What an undo would change, and the button that does it."""
    with panel("Take this decision back?", wide=True):
        if row is None or not row["old_key"] or not row["new_key"]:
            states.empty("There is no such decision.", "It may have been removed with its file.")
            return
        ui.label(told(row)).classes("c-strong")
        ui.label(row["explanation"] or "").classes("c-note")
        if not stands(row):
            states.empty(f"It is {row['outcome']}: there is nothing to take back.")
            return
        if not page.visitor.may(ROLE):
            ui.label("Only reviewers may take decisions back.").classes("c-note")
            return
        _undo(page, row)


def _undo(page: Page, row: dict[str, Any]) -> None:
    pair = Pair(row["kind"], row["old_key"], row["new_key"])
    what = "are two again" if row["decision"] == MERGE else "may be merged again"
    ui.label(f"With the next run {pair} {what}. They are not suggested again.")
    reason = reason_field("Reason (may be left empty)")
    message = ui.element("div").props("aria-live=polite")

    def tell(title: str, text: str) -> None:
        message.clear()
        with message:
            states.trouble(title, text)

    async def take_back() -> None:
        button.disable()
        if await attempt(page, pair, UNDO, str(reason.value or ""), tell):
            page.go(undo=None)
        else:
            button.enable()

    with ui.element("div").classes("c-review-buttons"):
        button = ui.button("Undo it", on_click=take_back, color=None).props("no-caps unelevated")
        button.classes("c-review-button c-review-reject")
        ui.link("Keep it", page.url(undo=None)).classes("c-pill")
    decision = Decision(pair, UNDO, page.visitor.name, page.now, "plan")
    review_pair.planned_later(
        page, decision, lambda found: review_pair.show_plan(page, found, pair.kind)
    )


DOWNLOADS: tuple[Download, ...] = (Download(HISTORY, data.parameters),)
