"""What the parts of the page of segments share: choices, forms, colours of segments.

Belongs here: elements without a question of their own. Not here: any part of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nicegui import ui

from c360_assets.ui.data.segments import PROSPECTS, History, Total
from c360_assets.ui.data.segments_choice import Choice
from c360_assets.ui.page import Page
from c360_assets.ui.parts import forms
from c360_assets.ui.parts.text import shown

NUMBER_OF_COLOURS = 8
# a chosen few of others are listed from their first page on
OTHER_PEOPLE: Mapping[str, str | None] = {
    "cell": None,
    "segment": None,
    "moved": None,
    "people_page": None,
}


def colour(there: History, segment: str) -> str:
    """The colour of a segment, the same everywhere; beyond the eighth they come back lighter."""
    if segment == PROSPECTS:
        return "color-mix(in srgb, var(--soft) 45%, var(--surface))"
    number = there.segments.index(segment)
    plain = f"var(--series-{number % NUMBER_OF_COLOURS + 1})"
    if number < NUMBER_OF_COLOURS:
        return plain
    return f"color-mix(in srgb, {plain} 55%, var(--surface))"


def people_url(page: Page, **changes: str | None) -> str:
    """This page with other people listed, from their first row on."""
    return f"{page.url(**{**OTHER_PEOPLE, **changes})}#people"


def measured(choice: Choice, total: Total, currency: str) -> str:
    """A total in the chosen measure."""
    if choice.measure == "money":
        return shown(total.monetary, "money", currency)
    return shown(total.customers, "number")


def choices(label: str, options: Iterable[tuple[str, str, bool]]) -> None:
    """Links of which one is chosen: text, URL, whether it is this one."""
    with ui.element("nav").classes("c-actions") as made:
        made.props["aria-label"] = label
        ui.label(f"{label}:").classes("c-note").props("aria-hidden=true")
        for text, href, is_chosen in options:
            forms.choice_link(text, href, is_chosen=is_chosen)
