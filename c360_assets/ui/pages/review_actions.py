"""Deciding on `/review`: buttons, keys, and what becomes of a decision.

Belongs here: who may decide, what is written when, where it leads. Not here: the pair itself
(`review_pair`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from nicegui import events, ui

from c360_assets.errors import C360Error
from c360_assets.identity.statements import MERGE, NEVER, UNDO
from c360_assets.resolution.decisions import Decision, Pair
from c360_assets.resolution.recording import Recorded, record
from c360_assets.ui import links
from c360_assets.ui.data import review as data
from c360_assets.ui.data.review import Candidate, Readiness
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import panel
from c360_assets.ui.parts.text import shown

LOG = logging.getLogger("c360.ui")
ROLE = "reviewer"
LOOK_SECONDS = 3.0
_NOT_ALLOWED = (
    "Decisions are for reviewers. Ask whoever runs these pages for the role: "
    "c360 ui add-user NAME --role reviewer --replace"
)
_KEYS = (
    ("a", "approve: the two become one with the next run"),
    ("r", "reject: the two are never merged, and the pair does not come back"),
    ("s", "skip: the pair comes back at the end of the list"),
    ("u", "undo your last decision"),
    ("?", "show or hide this list"),
)


async def attempt(
    page: Page, pair: Pair, decision: str, reason: str, tell: Callable[[str, str], None]
) -> bool:
    """Write a decision of the visitor, if they may; `tell` hears title and text of what went wrong.

    Whether it was written.
    """
    if not page.visitor.may(ROLE):
        tell("You may not decide", _NOT_ALLOWED)
        return False
    row = Decision(pair, decision, page.visitor.name, datetime.max, " ".join(reason.split()))
    try:
        found = await page.work(_record, page, row)
    except C360Error as error:
        tell("Nothing was recorded", str(error))
        return False
    if found.overtaken_by:
        shown_of = await page.ask(data.visible, [found.overtaken_by])
        said = told(shown_of[0]) if shown_of else data.OF_HIDDEN
        is_own = found.overtaken_by["decided_by"] == page.visitor.name
        title = "You have decided already" if is_own else "Somebody else was faster"
        tell(f"{title}; nothing was recorded", said)
    elif found.objection:
        objection = await page.ask(data.without_hidden, found.objection)
        tell("This would not stand; nothing was recorded", objection)
    return found.path is not None


def _record(page: Page, row: Decision) -> Recorded:
    return record(page.settings, row, once=True, is_allowed=lambda: page.visitor.may(ROLE))


def told(row: dict[str, Any]) -> str:
    """A decision in a sentence."""
    who, at = row["decided_by"] or "somebody", row["decided_at"]
    when = f" ({shown(at, 'time')} UTC)" if at else ""
    why = f" Reason: {row['reason']}" if row["reason"] else ""
    pair = f"{row['old_key']} and {row['new_key']}"
    return f"{who} {data.word_for(row)} {pair}{when}.{why}"


class Actions:
    """Approve, reject, skip and undo, for one pair or (without a candidate) undo alone."""

    def __init__(
        self,
        page: Page,
        candidate: Candidate | None,
        ready: Readiness,
        last: dict[str, Any] | None,
    ) -> None:
        self.page, self.candidate, self.ready, self.last = page, candidate, ready, last
        self._is_busy = False
        self._blocked = ready.blocked
        self._reason: ui.input | None = None
        self._approve: ui.button | None = None
        self._message: ui.element | None = None
        self._help: ui.element | None = None

    def show(self) -> None:
        """The panel with the buttons, the reason and the list of keys."""
        with panel("Decide", wide=True).classes("c-review-decide"):
            if not self.page.visitor.may(ROLE):
                ui.label(_NOT_ALLOWED).classes("c-note")
                return
            with ui.element("div").classes("c-review-buttons"):
                self._approve = _button("Approve", "a", self.approve, "c-review-approve")
                _button("Reject", "r", self.reject, "c-review-reject")
                _button("Skip", "s", self.skip)
                if self.last:
                    _button("Undo last", "u", self.undo)
                _button("Keys", "?", self.toggle_help)
                self._reason = reason_field("Reason (may be left empty)")
            if self.ready.needs_reason:
                self._reason.props["label"] = "Reason (needed to approve)"
                ui.label(self.ready.needs_reason).classes("c-note")
            self._message = ui.element("div").classes("c-review-message").props("aria-live=polite")
            self._show_help()
            if self._blocked:
                self.objected(self._blocked)

    def listen(self) -> None:
        """Let the keys work, but while somebody types."""
        ui.keyboard(self._pressed, ignore=["input", "select", "textarea"], repeating=False)

    def objected(self, objection: str) -> None:
        """A merge would not stand: say why, and let nobody approve."""
        self._blocked = objection
        if self._approve:
            self._approve.disable()
        self._tell("It cannot be approved", objection)

    async def approve(self) -> None:
        """Merge the two."""
        if self.candidate is None:
            return
        if self._blocked:
            return self._tell("It cannot be approved", self._blocked)
        if self.ready.needs_reason and not self._given():
            self._tell("A reason is needed", self.ready.needs_reason)
            if self._reason:
                self._reason.run_method("focus")
            return None
        await self._decide(self.candidate, MERGE, self._given())

    async def reject(self) -> None:
        """Never merge the two."""
        if self.candidate is not None:
            await self._decide(self.candidate, NEVER, self._given() or data.REJECTED)

    async def skip(self) -> None:
        """On to the next; nothing is written."""
        if self.candidate is not None:
            self._go_on(self.candidate)

    async def undo(self) -> None:
        """Take back the visitor's last decision; ask first if it is in the data already."""
        last = self.last
        if last is None:
            return self._tell("Nothing to undo", "No decision of yours stands.")
        if not last["is_waiting"]:
            return ui.navigate.to(undo_url(last))
        pair = Pair(last["kind"], last["old_key"], last["new_key"])
        if await self._once(lambda: attempt(self.page, pair, UNDO, "", self._tell)):
            self.page.go(pair=f"{pair.old}~{pair.new}", after=None)
        return None

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        if self._help:
            self._help.set_visibility(not self._help.visible)

    async def _decide(self, candidate: Candidate, decision: str, reason: str) -> None:
        pair = candidate.merged if decision == MERGE else candidate.pair
        if await self._once(lambda: attempt(self.page, pair, decision, reason, self._tell)):
            self._go_on(candidate)

    async def _once(self, write: Callable[[], Awaitable[bool]]) -> bool:
        """Whether it was written; a second press while the first is at work does nothing."""
        if self._is_busy:
            return False
        self._is_busy = True
        is_written = False
        self._say(lambda: states.waiting("Recording …"))
        try:
            is_written = await write()
        except BaseException:
            self._say(lambda: None)
            raise
        finally:
            # once it is written this page is over
            self._is_busy = is_written
        return is_written

    def _go_on(self, candidate: Candidate) -> None:
        is_blind = self.page.query.get("blind") == "1"
        rank = str(candidate.row["value_rank"])
        self.page.go(pair=None, after=candidate.text if is_blind else rank, plan=None)

    def _given(self) -> str:
        return str(self._reason.value or "").strip() if self._reason else ""

    def _tell(self, title: str, text: str) -> None:
        if self._message is None:
            ui.notify(f"{title}. {text}", type="warning", timeout=8000)
            return
        self._say(lambda: states.trouble(title, text))

    def _say(self, words: Callable[[], None]) -> None:
        """Put something in the place of messages, where there is one."""
        if self._message is not None:
            self._message.clear()
            with self._message:
                words()

    def _show_help(self) -> None:
        self._help = ui.element("dl").classes("c-review-keys")
        self._help.set_visibility(False)
        with self._help:
            for key, words in _KEYS:
                with ui.element("div"):
                    with ui.element("dt"), ui.element("kbd"):
                        ui.label(key).classes("c-inline")
                    with ui.element("dd"):
                        ui.label(words).classes("c-inline")

    async def _pressed(self, event: events.KeyEventArguments) -> None:
        held = event.modifiers
        if not event.action.keydown or event.action.repeat or held.ctrl or held.meta or held.alt:
            return
        key = str(event.key.name)
        if key == "?":
            return self.toggle_help()
        action = {"a": self.approve, "r": self.reject, "s": self.skip, "u": self.undo}.get(
            key.lower()
        )
        if action:
            await action()
        return None


def reason_field(label: str) -> ui.input:
    """A line of text for why."""
    field = ui.input(label=label).classes("c-review-reason")
    field.props("outlined dense maxlength=500 autocomplete=off")
    return field


def _button(name: str, key: str, action: Callable[[], object], classes: str = "") -> ui.button:
    button = ui.button(on_click=action, color=None).props(
        f'no-caps unelevated aria-keyshortcuts="{key}"'
    )
    button.classes(f"c-review-button {classes}")
    with button:
        ui.label(name).classes("c-inline")
        with ui.element("kbd").props("aria-hidden=true"):
            ui.label(key).classes("c-inline")
    return button


def undo_url(row: dict[str, Any]) -> str:
    """Where the undoing of a decision is confirmed."""
    text = f"{row['kind']}/{row['source_file']}/{row['source_row']}"
    return links.with_query(links.REVIEW_HISTORY, {"undo": text})


def outcome_strip(page: Page, last: dict[str, Any]) -> None:
    """The visitor's last decision, and where it is: in a file, then in the data."""
    with ui.element("div").classes("c-review-note").props("role=status"):
        ui.label(f"Your last decision: {told(last)}")
        state = ui.label().classes("c-note")
        if not last["is_waiting"]:
            state.text = f"In the data published at {page.copy.published_at:%H:%M} UTC."
            return
        state.text = (
            "Recorded. The sensor picks it up within seconds, and a run follows; without the "
            "daemon, `c360 run` does it."
        )

        async def look() -> None:
            newest = page.newest
            try:
                copy = await page.work(newest)
                found = await page.work(
                    data.arrived, copy, last["kind"], last["source_file"], last["source_row"]
                )
            except C360Error as error:
                LOG.warning("it cannot be told whether a decision is in the data: %s", error)
                return
            if found:
                state.text = f"In the data since {copy.published_at:%H:%M} UTC: {found['outcome']}."
                timer.cancel()

        timer = ui.timer(LOOK_SECONDS, look, immediate=False)
