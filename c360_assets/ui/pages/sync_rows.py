"""The parts of `/sync` on which people decide: refused rows, and conflicts to settle.

Who may is asked when the page is built and again at the click, since pages stay open for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from nicegui import ui

from c360_assets.activation.sync.ledger_rows import RECORD, Conflict
from c360_assets.errors import C360Error
from c360_assets.ui import links
from c360_assets.ui.data import sync as data
from c360_assets.ui.data import sync_sheets
from c360_assets.ui.data.sync_decide import decide, try_again
from c360_assets.ui.data.sync_people import Subject
from c360_assets.ui.downloads import Sheet
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import panel
from c360_assets.ui.parts.stack import cell, pager, row, stack
from c360_assets.ui.parts.text import ago, plural

LOG = logging.getLogger("c360.ui")
NEEDED = "admin"
NOTHING_THERE = "(nothing)"
RECORD_WORDS = ("the whole record", "somebody deleted it", "it is to be there")
_HEADINGS = ("Record", "Field", "Sent last", "There", "Here", "Policy", "Seen")
_NOBODY = "Only an administrator may decide here."
_SORTED = (("Record", "key"), ("Reason", "reason"), ("Tries", "attempts"), ("Last try", "last_at"),
           ("Next try", "next_at"))  # fmt: skip


REFUSED = Sheet("refused_rows", sync_sheets.refused)
CONFLICTS = Sheet("conflicts", sync_sheets.conflicts)
SHEETS = (REFUSED, CONFLICTS)


def rejected(page: Page, monitor: data.Monitor) -> None:
    """What the CRM refused, with its reasons; a retry of one row, or of all."""
    may = page.visitor.may(NEEDED)
    with panel(
        "Refused rows", note="What the CRM said of each; from the ledger (rejected)", wide=True
    ):
        if not monitor.rejected:
            states.empty(
                f"{data.title_of(monitor.name)} refused nothing.",
                "What it refuses is tried again by later syncs, at longer and longer intervals.",
            )
            return
        _retry_all(page, monitor, may=may)
        _download(page, monitor, REFUSED)
        columns: list[str | tuple[str, str, str]] = [*_sorted(page, monitor.asked)]
        columns += ["Decide"] if may else []
        with stack(columns, "Refused rows", ("Tries",)):
            for each in monitor.rejected:
                with row():
                    _refused(page, monitor.name, each, may=may)
        asked = monitor.asked
        pager(
            *(page, "rejected_page", asked.rejected_page, monitor.number_of_rejected),
            *(data.ROWS_PER_PAGE, "rows"),
        )


def _download(page: Page, monitor: data.Monitor, sheet: Sheet) -> None:
    href = links.download(sheet.key, {"sort": page.query.get("sort"), "to": monitor.name})
    ui.link("Download CSV", href).classes("c-download").props("download")


def _sorted(page: Page, asked: data.Asked) -> list[tuple[str, str, str]]:
    """The headings, each with what sorts by it, or turns the order round."""
    found = []
    for label, name in _SORTED:
        is_here = asked.order == name
        sort = f"-{name}" if is_here and not asked.is_descending else name
        now = "none"
        if is_here:
            now = "descending" if asked.is_descending else "ascending"
        found.append((label, page.url(sort=sort, rejected_page=None), now))
    return found


def _retry_all(page: Page, monitor: data.Monitor, *, may: bool) -> None:
    total = plural(monitor.number_of_rejected, "row")
    with ui.element("div").classes("c-actions"):
        if not may:
            ui.label(f"{total}. {_NOBODY}").classes("c-note")
            return

        async def retry() -> None:
            if await _done(page, lambda: try_again(page.settings, monitor.name, page.now), button):
                page.go()

        button = ui.button("Try all again", on_click=retry).props("no-caps outline")
        ui.label(
            f"{total}. They go out with the next sync, once the cause is mended; nothing is sent "
            "at once."
        ).classes("c-note")


def _refused(page: Page, name: str, each: data.Refused, *, may: bool) -> None:
    with cell("Record"):
        _subjects(each.object, each.subjects)
    cell("Reason", each.reason)
    cell("Tries", f"{each.attempts:,}", is_number=True)
    cell("Last try", ago(each.last_at, page.now))
    with cell("Next try") as when:
        ui.label(_next(each, page)).classes("c-inline")
    if not may:
        return
    with cell("Decide") as place:

        async def retry() -> None:
            chosen = (each.object, each.key)
            if await _done(page, lambda: try_again(page.settings, name, page.now, chosen), button):
                for filled, text in ((when, "with the next sync"), (place, "Noted")):
                    filled.clear()
                    with filled:
                        ui.label(text).classes("c-inline")

        button = ui.button("Try again", on_click=retry).props("no-caps dense outline")
        button.props["aria-label"] = f"Try {each.object} {each.key} again"


def _next(each: data.Refused, page: Page) -> str:
    if each.next_at is None:
        return "once it says something else"
    if each.next_at <= page.now:
        return "with the next sync"
    return f"from {each.next_at:%Y-%m-%d %H:%M} on"


def _subjects(object_: str, subjects: Sequence[Subject]) -> None:
    with ui.element("div").classes("c-subjects"):
        ui.label(object_.replace("_", " ")).classes("c-note")
        for subject in subjects:
            subject_link(subject)


def subject_link(subject: Subject) -> None:
    """Whom or what a row is about, with a link to its page."""
    href = _href(subject)
    title = subject.title or subject.key
    with ui.element("div"):
        if href:
            ui.link(title, href)
        else:
            ui.label(title).classes("c-inline")
        if title != subject.key:
            ui.label(subject.key).classes("c-note")
        if subject.is_hidden:
            ui.label("hidden, or nobody whom we know").classes("c-note")


def _href(subject: Subject) -> str | None:
    if subject.page_id is None:
        return None
    pages: dict[str, Callable[[str], str]] = {
        "contacts": links.contact,
        "companies": links.account,
        "gaggles": links.gaggle,
    }
    return pages[subject.object](subject.page_id)


def conflicts(page: Page, monitor: data.Monitor) -> None:
    """Fields that people wrote in the CRM and that are something else here; whose value stands."""
    may = page.visitor.may(NEEDED)
    with panel(
        "Conflicts to settle",
        note="As the last sync that looked found them; from the ledger (conflicts)",
        wide=True,
    ):
        if not monitor.conflicts:
            states.empty(
                f"{data.title_of(monitor.name)} and we agree, as far as syncs have looked.",
                "A conflict appears where somebody edits a field in the CRM that we fill, too.",
            )
            return
        ui.label(_what_deciding_does(monitor, may=may)).classes("c-note")
        _download(page, monitor, CONFLICTS)
        with stack([*_HEADINGS, *(["Decide"] if may else [])], "Conflicts to settle"):
            for each in monitor.conflicts:
                with row():
                    _conflict(page, monitor.name, each, may=may)
        pager(
            *(page, "conflicts_page", monitor.asked.conflicts_page, monitor.number_of_conflicts),
            *(data.ROWS_PER_PAGE, "conflicts"),
        )


def _what_deciding_does(monitor: data.Monitor, *, may: bool) -> str:
    if not may:
        return _NOBODY
    said = (
        "Ours: the value here is written there once, and a deleted record made again. Theirs: what "
        "is there stays, and no sync writes another. The next sync carries it out."
    )
    if monitor.is_under_way:
        said += (
            " A sync is under way: of the records that it has looked at already, the sync after "
            "it carries out what you decide now."
        )
    return said


def _conflict(page: Page, name: str, each: data.Disagreement, *, may: bool) -> None:
    conflict = each.conflict
    with cell("Record"):
        _subjects(conflict.object, [each.subject])
    for label, text in zip(_HEADINGS[1:5], _told(conflict), strict=True):
        cell(label, text)
    cell("Policy", conflict.policy.replace("_", " "))
    cell("Seen", ago(each.seen_at, page.now))
    if not may:
        return
    with cell("Decide") as place:
        if not each.can_be_settled:
            ui.label("Not here, since not everything is shown").classes("c-note")
            return
        with ui.element("div").classes("c-actions"):
            buttons: list[ui.button] = []
            for label, is_ours in (("Ours", True), ("Theirs", False)):
                act = _settling(page, name, each, place, buttons, is_ours=is_ours)
                button = ui.button(label, on_click=act)
                buttons.append(button)
                button.props("no-caps dense outline")
                button.props["aria-label"] = (
                    f"{label}: {conflict.object} {conflict.key} {conflict.field}"
                )


def _told(conflict: Conflict) -> tuple[str, str, str, str]:
    """The field, and its value as it was sent last, there and here."""
    if conflict.field == RECORD:
        field, there, here = RECORD_WORDS
        return field, "it was there", there, here
    last_sent, in_crm, wanted = (
        value or NOTHING_THERE for value in (conflict.last_sent, conflict.in_crm, conflict.wanted)
    )
    return conflict.field, last_sent, in_crm, wanted


def _outcome(conflict: Conflict, *, is_ours: bool) -> str:
    """What becomes of a conflict that is settled."""
    if conflict.field == RECORD:
        return "the next sync makes it again" if is_ours else "it stays deleted"
    value = (conflict.wanted if is_ours else conflict.in_crm) or NOTHING_THERE
    return f"{value}; the next sync carries it out"


def _settling(
    page: Page,
    name: str,
    each: data.Disagreement,
    place: ui.element,
    buttons: Sequence[ui.button],
    *,
    is_ours: bool,
) -> Callable[[], object]:
    async def settle() -> None:
        by = page.visitor.name
        if await _done(
            page,
            lambda: decide(page.settings, name, each.conflict, is_ours, by, page.now),
            *buttons,
        ):
            place.clear()
            with place:
                whose = "Ours" if is_ours else "Theirs"
                ui.label(f"{whose}: {_outcome(each.conflict, is_ours=is_ours)}")

    return settle


async def _done(page: Page, act: Callable[[], object], *buttons: ui.button) -> bool:
    """Whether it was done; if not, it is told why. Meanwhile the buttons do nothing."""
    if not page.visitor.may(NEEDED):
        ui.notify(_NOBODY, type="warning")
        return False
    is_done = False
    for button in buttons:
        button.disable()
    try:
        await page.work(act)
        is_done = True
    except C360Error as error:
        states.notify_of(error)
        return False
    finally:
        if not is_done:
            for button in buttons:
                button.enable()
    LOG.info("%s decided on a row of the ledger", page.visitor.name)
    return True
