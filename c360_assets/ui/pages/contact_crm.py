"""What each CRM holds of a person, and what differs from what would be sent now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from nicegui import ui

from c360_assets.assets.crm_job import FILE
from c360_assets.ui import links
from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_crm import Field, FieldState, Held, State, held
from c360_assets.ui.data.contact_links import Link, LinkState
from c360_assets.ui.page import Page
from c360_assets.ui.pages.sync_rows import subject_link
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import chip, heading, panel
from c360_assets.ui.parts.stack import cell, row, stack
from c360_assets.ui.parts.text import NOTHING, cut, plural, shown

LONGEST_VALUE = 1_000
# a word and a tone for the chip, and a sentence
_STATES: dict[State, tuple[str, str, str]] = {
    "opted_out": ("opted out", "warn", "This person opted out: nothing is sent."),
    "not_mapped": ("not mapped", "", "The mapping sends no people there."),
    "left_out": (
        "left out",
        "",
        "The mapping leaves this person out: a filter of it, or no value for what is unique there.",
    ),
    "no_ledger": ("never synced", "", "Nothing was synced yet, so there is no ledger."),
    "never": ("never sent", "warn", "It is not known there yet: the next sync sends it."),
    "same": ("same", "good", "What was sent last is what would be sent now."),
    "differs": ("differs", "warn", "The next sync sends what differs."),
    "rejected": ("rejected", "bad", "The CRM refused it."),
    "conflict": (
        "conflict",
        "bad",
        "Somebody edited it in the CRM; whose value stands is to be settled.",
    ),
    "deleted": (
        "deleted there",
        "bad",
        "Somebody deleted the record in the CRM; whether it stays so is to be settled.",
    ),
    "unknown": (
        "no answer",
        "warn",
        "It was being sent when the sync broke off; the next one reads back what arrived.",
    ),
    "ending": ("ends", "warn", "It is sent no more: the next sync deletes the record."),
    "staying": ("stays", "", "It is sent no more; the record stays in the CRM."),
}
_FILE_STATES: dict[State, str] = {
    "no_ledger": "Nothing was delivered yet; the asset crm_sync delivers.",
    "never": "The newest delivery does not have this person: the next one will.",
    "same": "What was delivered last is what would be delivered now.",
    "differs": "The next delivery tells what differs.",
}
_FIELD_STATES: dict[FieldState, tuple[str, str]] = {
    "same": ("same", ""),
    "differs": ("differs", "warn"),
    "theirs": ("theirs stands", ""),
    "conflict": ("conflict", "bad"),
    "ours": ("ours goes next", "warn"),
    "new": ("not sent yet", ""),
    "ended": ("sent no more", ""),
}
_LINK_STATES: dict[LinkState, tuple[str, str]] = {
    "same": ("linked", "good"),
    "new": ("not linked yet", "warn"),
    "refused": ("refused", "bad"),
    "ended": ("linked, wanted no more", "warn"),
}
_COLUMNS = ("Field", "Made from", "Sent last", "Would be sent now", "In the CRM", "State")
_SETTLED = ("conflict", "deleted", "rejected")


def show(page: Page, person: Person) -> None:
    """The panel; it fills once the page is there, since it reads files beside the copy."""
    with panel(
        "What the CRM holds",
        note=f"C360_CRM is {page.settings.crm}. No CRM is called for this.",
        wide=True,
    ).props('id="crm"'):
        states.later(
            "Comparing what was sent with what would be sent now",
            partial(page.ask, held, page.settings, person),
            partial(_every, page.now),
        )


def _every(now: datetime, found: list[Held]) -> None:
    for each in found:
        _one(each, now)


def _one(found: Held, now: datetime) -> None:
    is_file = found.destination == FILE
    word, tone, sentence = _STATES[found.state]
    with ui.element("div").classes("c-crm"):
        with ui.element("div").classes("c-chips"):
            what = f": {found.remote_object}" if found.remote_object else ""
            heading(f"{found.destination}{what}", 3)
            chip("never delivered" if is_file and found.state == "no_ledger" else word, tone)
        ui.label(_FILE_STATES.get(found.state, sentence) if is_file else sentence)
        _more(found, now)
        for text in _facts(found, is_file):
            ui.label(text).classes("c-note")
        if found.fields:
            _fields(found)
        if found.links:
            _links(found.links)


def _more(found: Held, now: datetime) -> None:
    """Why it was refused, and where to settle what is to be settled."""
    refusal = found.refusal
    if refusal is not None:
        said = "Refused" if refusal.is_of_this else "Before, with other values, it was refused"
        if refusal.next_at is None:
            when = "it is tried again once it says something else"
        elif refusal.next_at <= now:
            when = "the next sync tries again"
        else:
            when = f"next attempt at {shown(refusal.next_at, 'time')} UTC"
        ui.label(f"{said}: {refusal.reason} ({plural(refusal.attempts, 'attempt')}; {when})")
    if found.state in _SETTLED:
        ui.link("To the CRM sync", links.SYNC)


def _facts(found: Held, is_file: bool) -> list[str]:
    facts = []
    if found.acknowledged_at is not None:
        verb = "Delivered" if is_file else "Acknowledged"
        record = f" as record {found.remote_id}" if found.remote_id else ""
        facts.append(
            f"{verb} at {shown(found.acknowledged_at, 'time')} UTC{record}, by run {found.run_id}."
        )
    if found.former:
        listed = ", ".join(f"{remote_id} ({key})" for key, remote_id in found.former.items())
        facts.append(
            f"The CRM also has records from before a merge, which the next sync ends: {listed}."
        )
    source = "the newest delivery" if is_file else "the ledger (C360_HOME/crm/ledger.sqlite)"
    facts.append(f"Source: {source}, beside the mapping and the published copy.")
    return facts


def _links(found: Sequence[Link]) -> None:
    """What the record is linked to; kinds of links are named by the mapping."""
    headings = ("Link", "With", "State", "Acknowledged (UTC)")
    with stack(headings, "Links of the record"):
        for each in found:
            word, tone = _LINK_STATES[each.state]
            with row():
                cell("Link", each.kind.replace("_", " "))
                with cell("With"):
                    subject_link(each.other)
                with cell("State"):
                    chip(word, tone)
                    if each.refusal:
                        ui.label(each.refusal).classes("c-note")
                cell("Acknowledged (UTC)", shown(each.acknowledged_at, "time"))


def _fields(found: Held) -> None:
    differing = sum(each.state != "same" for each in found.fields)
    fields = plural(len(found.fields), "field")
    summary = f"{fields}, {differing:,} not the same"
    if found.state in ("never", "no_ledger"):
        summary = f"{fields} that would be sent"
    details = ui.element("details").classes("c-data")
    if found.state not in ("same", "never"):
        details.props("open")
    with details:
        with ui.element("summary"):
            ui.label(summary).classes("c-inline")
        scrolled = ui.element("div").classes("c-scroll").props("tabindex=0")
        with scrolled, stack(_COLUMNS, "Fields of the record"):
            for field in sorted(found.fields, key=lambda each: each.state == "same"):
                _field(field)


def _field(field: Field) -> None:
    word, tone = _FIELD_STATES[field.state]
    policy = "" if field.policy in ("", "always") else f" ({field.policy})"
    made_from = f"{field.column}{policy}" if field.column else NOTHING
    values = [cut(v or NOTHING, LONGEST_VALUE) for v in (field.sent, field.wanted, field.in_crm)]
    with row().classes("" if field.state == "same" else "c-crm-differs"):
        for label, text in zip(_COLUMNS, (field.name, made_from, *values, word), strict=True):
            made = cell(label, text)
        if tone:
            made.classes(f"c-{tone}")
