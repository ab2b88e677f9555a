"""Customer 360, timeline: what happened to a person, newest first, a page of entries at a time."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from c360_assets import contracts
from c360_assets.ui.data import contact_timeline as data
from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_timeline import KINDS, Choice, Entry, Kind, Timeline
from c360_assets.ui.page import Page
from c360_assets.ui.parts import forms, states
from c360_assets.ui.parts.figures import chip, panel, source_words
from c360_assets.ui.parts.text import shown


@dataclass(frozen=True)
class Story:
    """What the panel shows."""

    timeline: Timeline


async def load(page: Page, person: Person) -> Story:
    """Ask for the entries that the URL names."""
    return Story(await page.ask(data.timeline, person, Choice.of(page.query), page.currency))


def show(page: Page, loaded: Story) -> None:
    """The filters by kind, the entries, and the way to older ones."""
    timeline = loaded.timeline
    with panel("Timeline", note="Newest first", wide=True) as made:
        made.props("id=timeline")
        if not any(timeline.totals.values()):
            states.empty(
                "Nothing is known of this person yet.",
                "Events, orders, tickets, deals, campaigns and merges of theirs show here.",
            )
            return
        _filters(page, timeline)
        _until(page, timeline.choice)
        if timeline.entries:
            with ui.element("ol").classes("c-entries"):
                for entry in timeline.entries:
                    _entry(entry)
        else:
            states.empty("Nothing of this kind happened until then.", "Choose a later day, or all.")
        _pager(page, timeline)


def _filters(page: Page, timeline: Timeline) -> None:
    choice = timeline.choice
    with ui.element("nav").classes("c-actions").props('aria-label="Kinds of entries"'):
        _filter(page, None, f"All {sum(timeline.totals.values()):,}", not choice.kinds)
        for kind in KINDS:
            count = timeline.totals[kind.name]
            text = f"{kind.label} {count:,}"
            if count or kind.name in choice.kinds:
                _filter(page, choice.toggled(kind), text, kind.name in choice.kinds)
            else:
                ui.label(text).classes("c-none")


def _filter(page: Page, kinds: str | None, text: str, is_chosen: bool) -> None:
    forms.choice_link(
        text, f"{page.url(kinds=kinds, before=None, skip=None)}#timeline", is_chosen=is_chosen
    )


def _until(page: Page, choice: Choice) -> None:
    day = shown(choice.place.before, "date") if choice.place else None
    with forms.form(page, "Go to a day", ("before", "skip"), fragment="#timeline"):
        forms.field("Up to the end of", "before", "date", day)
        forms.submit("Show")


def _entry(entry: Entry) -> None:
    told = entry.told
    with ui.element("li").classes("c-entry"):
        with ui.element("div").classes("c-entry-when"):
            _time(entry)
            chip(entry.kind.label)
        with ui.element("div").classes("c-entry-what"):
            with ui.element("div"):
                ui.label(told.sentence).classes("c-inline")
                _source(entry.kind)
            if told.note or told.link:
                with ui.element("div").classes("c-note"):
                    if told.note:
                        ui.label(told.note).classes("c-inline")
                    if told.link:
                        text, target = told.link
                        ui.link(text, target).classes("c-entry-link")


def _time(entry: Entry) -> None:
    if entry.at is None:
        ui.label("no date").classes("c-inline c-note")
        return
    text = shown(entry.at, "time" if entry.kind.has_hours else "date")
    with ui.element("time").props(f'datetime="{entry.at.isoformat()}"'):
        ui.label(text).classes("c-inline")


def _source(kind: Kind) -> None:
    table = contracts.table(kind.table)
    source_words(table.qualified_name, table.grain)


def _pager(page: Page, timeline: Timeline) -> None:
    if not (timeline.choice.place or timeline.older):
        return
    with ui.element("nav").classes("c-actions").props('aria-label="Pages of the timeline"'):
        if timeline.choice.place:
            ui.link("Newest", f"{page.url(before=None, skip=None)}#timeline")
        if timeline.older:
            ui.link("Older", f"{page.url(**timeline.older.query())}#timeline")
