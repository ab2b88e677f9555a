"""`/review`: one suggested pair at a time, side by side, to be approved, rejected or skipped.

Belongs here: what the page asks and in which order it shows it. Not here: the comparison
(`review_pair`), the buttons and keys (`review_actions`), the list of decisions (`review_history`).
"""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.data import review as data
from c360_assets.ui.data import review_traits
from c360_assets.ui.data.review import Candidate, Choice, Readiness
from c360_assets.ui.data.review_traits import Comparison
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import review_history, review_pair
from c360_assets.ui.pages.review_actions import Actions, outcome_strip, told
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import heading, panel
from c360_assets.ui.parts.text import plural
from c360_assets.ui.site import Route

BLIND = "blind"


async def build(page: Page) -> None:
    """The pair that `pair` names, else the first open one of `kind` after `after`."""
    query = page.query
    choice = await page.ask(data.choose, query.get("kind"), query.get("pair"), query.get("after"))
    since = page.now.replace(hour=0, minute=0, second=0, microsecond=0)
    progress, last = await asyncio.gather(
        page.ask(data.progress, choice.waiting, since),
        page.ask(data.last_by, choice.waiting, page.visitor.name),
    )
    candidate = choice.candidate
    comparison, ready = None, Readiness()
    if candidate and not choice.waiting.unreadable:
        comparison, ready = await asyncio.gather(
            page.ask(review_traits.compared, candidate),
            page.ask(data.readiness, candidate, page.visitor.name),
        )
    elif candidate:
        comparison = await page.ask(review_traits.compared, candidate)
    heading("Merge review", 1)
    _bar(page, choice, progress)
    for reason in choice.waiting.unreadable.values():
        states.trouble("No decision can be recorded", reason)
    if last and (page.now - last["decided_at"]).total_seconds() < 86_400:
        outcome_strip(page, last)
    if candidate:
        _pair(page, choice, candidate, review_traits.require(comparison, candidate), ready, last)
    else:
        _nothing(page, choice)
        Actions(page, None, Readiness(), last).listen()


def _bar(page: Page, choice: Choice, progress: list[tuple[str, int]]) -> None:
    """Which pairs, how many, and what was decided today."""
    with ui.element("div").classes("c-review-bar"):
        with ui.element("nav").classes("c-actions").props('aria-label="Which pairs"'):
            for name, kind, count in (
                ("All", None, choice.total),
                ("People", "user", choice.people),
                ("Companies", "domain", choice.companies),
            ):
                is_here = page.query.get("kind") in ((kind,) if kind else (None, ""))
                link = ui.link(f"{name} {count:,}", page.url(kind=kind, pair=None, after=None))
                link.props(f"aria-current={str(is_here).lower()}")
            is_blind = page.query.get(BLIND) == "1"
            blind = ui.link(
                "Scores are hidden: show them" if is_blind else "Hide the scores",
                page.url(blind=None if is_blind else "1"),
            )
            blind.props(f"aria-current={str(is_blind).lower()}")
            ui.link("History", links.REVIEW_HISTORY)
        by = ", ".join(f"{name} {count:,}" for name, count in progress)
        today = f"Decided today: {sum(count for _, count in progress):,}"
        words = f"{plural(choice.total, 'pair')} open. {today}{f' ({by})' if by else ''}."
        ui.label(words).classes("c-note").props("role=status")


def _pair(
    page: Page,
    choice: Choice,
    candidate: Candidate,
    comparison: Comparison,
    ready: Readiness,
    last: dict[str, Any] | None,
) -> None:
    if choice.is_again:
        with ui.element("div").classes("c-review-note").props("role=status"):
            ui.label("You are through the list. From the start again: what was skipped.")
    for row in choice.said[:1]:
        with ui.element("div").classes("c-review-note").props("role=status"):
            ui.label(told(row))
            ui.label(
                "So the two are open until the next run. It suggests no pair again on which "
                "somebody has decided: decide now, or later by `c360 merge`."
            ).classes("c-note")
    actions = Actions(page, candidate, ready, last)
    review_pair.side_by_side(page, candidate, comparison)
    review_pair.evidence(page, candidate, is_blind=page.query.get(BLIND) == "1")
    review_pair.blast_radius(page, candidate, actions.objected)
    # the last of the page, so that it can stay in sight at the window's lower edge
    actions.show()
    actions.listen()


def _nothing(page: Page, choice: Choice) -> None:
    asked = page.query.get("pair")
    with panel("Nothing to decide" if not asked else "This pair is not open", wide=True):
        if choice.said:
            for row in choice.said:
                _said(row)
            ui.label(
                "What was decided once is not suggested again; `c360 merge approve`, `never` and "
                "`undo` with the two decide anew."
            ).classes("c-note")
        elif asked:
            states.empty(
                f"{asked} is no open suggestion.",
                "It was decided, became one by other merges, or the last run found it unlikely.",
            )
        else:
            kind = data.KIND_NAMES.get(page.query.get("kind", ""))
            states.empty(
                f"Every suggested pair{f' of {kind}' if kind else ''} is decided.",
                "New ones come with new accounts, at the next run. `c360 merge approve` merges "
                "any two.",
            )
        with ui.element("div").classes("c-actions"):
            if asked and choice.total:
                ui.link("Next open pair", page.url(pair=None))
            ui.link("History of decisions", links.REVIEW_HISTORY)


def _said(row: dict[str, Any]) -> None:
    state = "waiting for the next run" if row["is_waiting"] else row["outcome"]
    with ui.element("div").classes("c-review-note"):
        ui.label(f"{told(row)} Outcome: {state}.")
        ui.label(row["explanation"] or "").classes("c-note")


ROUTES = (
    Route(links.REVIEW, "Merge review", build),
    Route(links.REVIEW_HISTORY, "History of merges", review_history.build),
)
DOWNLOADS: tuple[Download, ...] = review_history.DOWNLOADS
