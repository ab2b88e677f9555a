"""The part of `/sync` on the next sync: its plan, worked out when somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nicegui import ui

from c360_assets.activation.sync.ledger_rows import RECORD
from c360_assets.activation.sync.plan import LinkPlan, ObjectPlan
from c360_assets.ui.data import sync as data
from c360_assets.ui.data.sync_plan import RECORDS, FieldChange, Planned, PlannedRecord, work_out
from c360_assets.ui.page import Page
from c360_assets.ui.pages.sync_rows import RECORD_WORDS, subject_link
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import Told, figure, figures, heading, panel
from c360_assets.ui.parts.stack import cell, row, stack
from c360_assets.ui.parts.text import plural

NEEDED = "reviewer"
_RECORDS = ("create", "update", "merge", "delete", "unchanged", "waiting", "left")


def next_sync(page: Page, monitor: data.Monitor) -> None:
    """A button that has the plan worked out."""
    with panel("The next sync"):
        ui.label(
            "The plan compares the published copy with the ledger, and asks "
            f"{data.title_of(monitor.name)} what it holds of some records, which costs calls of "
            "the account. Nothing is sent."
        ).classes("c-note")
        if not page.visitor.may(NEEDED):
            ui.label("Reviewers and administrators may ask for it.").classes("c-note")
            return
        button = ui.button("Work out the plan").props("no-caps outline")
    with panel("The plan", note="As c360 crm plan works it out", wide=True) as result:
        place = ui.element("div").classes("c-place")
    result.set_visibility(False)

    def ask() -> None:
        place.clear()
        result.set_visibility(True)
        button.text = "Work the plan out anew"
        with place:
            _planned(page, monitor.name, button)

    button.on_click(ask)


def _planned(page: Page, name: str, button: ui.button) -> None:
    if not page.visitor.may(NEEDED):
        states.trouble("No plan", "Only reviewers and administrators may ask for it.")
        return
    # a plan costs calls of the account: one at a time is enough
    button.disable()

    async def load() -> Planned:
        try:
            return await page.work(work_out, page.settings, page.copy, name)
        finally:
            if not button.is_deleted:
                button.enable()

    states.later("Comparing with the ledger, and asking the CRM…", load, _show)


def _show(found: Planned) -> None:
    plan = found.plan
    for part, missing in found.missing.items():
        states.trouble(
            f"The CRM lacks something for {part}",
            f"{', '.join(missing)}: `c360 crm prepare` makes it. Until then nothing is sent.",
        )
    with figures():
        _number("Rows to touch", plan.planned, "Records and links that differ from the ledger.")
        _number("Calls, at most", plan.calls, "If every row differs from what the CRM holds.")
        words = "What the account's limit of calls makes the sync wait."
        figure("Waiting for the limit", f"{plan.seconds:,.0f} s", source=_source(words))
        if plan.open_intents:
            _number("Rows read back first", plan.open_intents, "Of a sync that was cut off.")
    _objects(plan.objects)
    _links(plan.links)
    for part, records in found.records.items():
        if records:
            _records(part, records)


def _number(label: str, value: int, words: str) -> None:
    figure(label, value, "number", source=_source(words))


def _source(words: str) -> Told:
    return Told("c360 crm plan", words)


def _objects(objects: Mapping[str, ObjectPlan]) -> None:
    numbers = [word.capitalize() for word in _RECORDS]
    with stack(["", *numbers], "Records of the next sync", numbers):
        for name, part in objects.items():
            counts = {
                **{word: len(getattr(part, word)) for word in _RECORDS[:4]},
                **{word: getattr(part, word) for word in _RECORDS[4:]},
            }
            with row():
                cell("Kind", name)
                for word, count in counts.items():
                    cell(word.capitalize(), f"{count:,}", is_number=True)


def _links(links: Mapping[str, LinkPlan]) -> None:
    if not links:
        return
    columns = ("Links", "Make", "Take away", "Unchanged", "Waiting")
    with stack(columns, "Links of the next sync", columns[1:]):
        for kind, part in links.items():
            with row():
                cell("Links", kind.replace("_", " "))
                counts = (len(part.add), len(part.remove), part.unchanged, part.waiting)
                for word, count in zip(columns[1:], counts, strict=True):
                    cell(word, f"{count:,}", is_number=True)


def _records(part: str, records: Sequence[PlannedRecord]) -> None:
    heading(f"{part.capitalize()}, field by field", 3)
    ui.label(f"The first {plural(min(len(records), RECORDS), 'record')} of the plan.").classes(
        "c-note"
    )
    columns = ("Record", "Field", "There", "Here", "What happens")
    with stack(columns, f"{part}, field by field"):
        for record in records:
            for number, field in enumerate(record.fields):
                with row():
                    with cell("Record"):
                        if number == 0:
                            subject_link(record.subject)
                    for label, text in zip(columns[1:], _told(record, field), strict=True):
                        cell(label, text)
            if not record.fields:
                with row():
                    with cell("Record"):
                        subject_link(record.subject)
                    cell("Field", "-")
                    cell("There", "-")
                    cell("Here", "-")
                    cell("What happens", _nothing(record))


def _told(record: PlannedRecord, field: FieldChange) -> tuple[str, str, str, str]:
    """The field, its value there and here, and what the sync does about it."""
    if field.field == RECORD:
        # what a conflict about it says, in the same words
        words = "left deleted, until somebody settles it" if field.is_kept else "made again"
        return *RECORD_WORDS, words
    return field.field, _text(field.there), _text(field.here), _happens(record, field)


def _happens(record: PlannedRecord, field: FieldChange) -> str:
    if record.refused:
        return f"refused: {record.refused}"
    if field.is_kept:
        return f"left as it is ({(field.policy or '').replace('_', ' ')})"
    if field.policy:
        return f"written over an edit ({field.policy.replace('_', ' ')})"
    return "made" if record.is_new else "written"


def _nothing(record: PlannedRecord) -> str:
    return "not shown" if record.subject.is_hidden else "nothing differs there"


def _text(value: object) -> str:
    if value is None or value == "":
        return "(nothing)"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
