"""A person's profile: every attribute on a day, with a search, in one table of windows.

`day` in the query looks back, `find` is what is searched for; each value leads to its history
(`contact_history`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from nicegui import events, ui

from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_profile import (
    WINDOWS,
    Attribute,
    Line,
    Profile,
    found_lines,
    profile,
)
from c360_assets.ui.page import Page
from c360_assets.ui.parts import forms, states
from c360_assets.ui.parts.figures import panel, source_words
from c360_assets.ui.parts.quasar import ProfileCardPart, ProfileRowPart, QuasarTable
from c360_assets.ui.parts.text import NOTHING, cut, plural, shown

ANCHOR = "#history"
# the addresses of a person may be thousands, in one attribute
LONGEST_VALUE = 240
_LABELS = {"": "Value", "1D": "1 day", "7D": "7 days", "1M": "30 days", "3M": "90 days"}
_LABELS |= {"12M": "365 days"}
# as Quasar tells it of a table that shows all of its rows
_ALL_ROWS = {"sortBy": None, "descending": False, "page": 1, "rowsPerPage": 0}
_SOURCE = "Each value is a column of the view; how it is made stands with the attribute."


@dataclass(frozen=True)
class Loaded:
    """The profile, and the day that the URL names, if it names one."""

    person: Person
    profile: Profile
    asked: date | None


async def load(page: Page, person: Person) -> Loaded:
    """Ask for the profile of the day in the query."""
    asked = day_of(page.query)
    return Loaded(person, await page.ask(profile, person, asked), asked)


def day_of(query: Mapping[str, str]) -> date | None:
    """The day that the URL names; None where it names none that makes sense."""
    try:
        return date.fromisoformat(query.get("day", ""))
    except ValueError:
        return None


def show(page: Page, loaded: Loaded) -> None:
    """The panel."""
    found = loaded.profile
    note = "" if found.day is None else f"What was true at the end of {found.day} (UTC)."
    with panel("Profile", note=note, wide=True).props('id="profile"'):
        if found.day is None:
            states.empty(
                "No day was profiled yet.",
                "The asset customer_profiles makes profiles: `c360 run` runs it for all days.",
            )
            return
        _days(page, loaded)
        if found.values is None:
            states.empty(
                f"There is no profile of this person at the end of {found.day}.",
                "Profiles begin with the day of the sign-up; choose a later day.",
            )
            return
        _Attributes(page, found).build()


def _days(page: Page, loaded: Loaded) -> None:
    """The day shown, the ones beside it, and a field for any."""
    found = loaded.profile
    with ui.element("div").classes("c-actions"):
        for text, day in (("Day before", found.day_before), ("Day after", found.day_after)):
            if day is not None:
                ui.link(text, page.url(day=day.isoformat()) + "#profile")
        if found.day != found.newest_day:
            ui.link("Newest day", page.url(day=None) + "#profile")
        bounds = {"min": str(found.first_day), "max": str(found.newest_day)}
        with forms.form(page, "Go to a day", ("day",), fragment="#profile"):
            forms.field("Day", "day", "date", str(found.day), **bounds)
            forms.submit("Show")
        source_words("marts.customer_profiles", _SOURCE)
    if loaded.asked is not None and loaded.asked != found.day:
        ui.label(
            f"{loaded.asked} was not profiled; this is {found.day}. "
            f"Profiles go from {found.first_day} to {found.newest_day}."
        ).classes("c-note").props("role=note")


class _Attributes:
    """The table of all attributes, and the field that narrows it."""

    def __init__(self, page: Page, found: Profile) -> None:
        self.page, self.found = page, found
        self.values: Mapping[str, Any] = found.values or {}

    def build(self) -> None:
        """The field, how many were found, and the table."""
        text = self.page.query.get("find", "")
        field = ui.input("Find an attribute", value=text, on_change=self._narrow)
        field.props('dense outlined clearable debounce=200 type="search" maxlength=100')
        field.classes("c-find")
        rows = self._rows(text)
        self.told = ui.label(self._told(rows)).classes("c-note").props("role=status")
        self.table = QuasarTable(
            columns=[
                {"name": "name", "label": "Attribute", "field": "name", "align": "left"},
                *(
                    {"name": f"w{window}", "label": label, "field": "name", "align": "right"}
                    for window, label in _LABELS.items()
                ),
            ],
            rows=rows,
            row_key="key",
            pagination=dict(_ALL_ROWS),
        )
        self.table.classes("c-quasar-table c-profile").props("flat hide-bottom")
        self.table.props[":grid"] = "Quasar.Screen.lt.md"
        self.table.fill("body", ProfileRowPart)
        self.table.fill("item", ProfileCardPart)

    def _narrow(self, event: events.ValueChangeEventArguments[Any]) -> None:
        text = str(event.value or "")
        # first, since the links of the rows keep it
        self.page.replace_query({"find": text or None})
        rows = self._rows(text)
        self.table.rows = rows
        self.told.set_text(self._told(rows))

    def _told(self, rows: list[dict[str, Any]]) -> str:
        total = len(self.found.attributes)
        count = sum(row["count"] for row in rows)
        if count == total:
            return plural(total, "attribute")
        if count == 0:
            return f"None of {plural(total, 'attribute')}: look for a name, a unit or a word of it."
        return f"{count:,} of {plural(total, 'attribute')}"

    def _rows(self, text: str) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for group in self.found.groups:
            if lines := found_lines(group, text):
                made.append({"key": f"group {group.title}", "title": group.title, "count": 0})
                made.extend(self._row(line) for line in lines)
        return made

    def _row(self, line: Line) -> dict[str, Any]:
        first = line.first
        cells = [self._cell(line.by_window.get(window), window) for window in ("", *WINDOWS)]
        return {
            "key": line.name,
            "name": line.name,
            "count": len(line.by_window),
            "words": first.description,
            "unit": f" · {first.unit}" if first.unit else "",
            "made": how_made(first),
            "sql": first.definition,
            "own": first.is_own,
            "cells": cells if line.has_windows else cells[:1],
            # texts take the place of all windows
            "text": not line.has_windows and first.kind == "text",
        }

    def _cell(self, attribute: Attribute | None, window: str) -> dict[str, str]:
        if attribute is None:
            return {}
        whole = shown(self.values[attribute.name], attribute.kind, self.page.currency)
        text = cut(whole, LONGEST_VALUE)
        return {
            "text": text,
            "window": _LABELS[window],
            "href": self.page.url(attribute=attribute.name) + ANCHOR,
            "label": f"{'nothing' if text == NOTHING else text}: history of {attribute.name}",
        }


def how_made(attribute: Attribute) -> str:
    """What an attribute is made from, in words."""
    if attribute.source is None:
        return "worked out of other attributes"
    return f"made from {attribute.source.replace('_', ' ')}"
