"""Figures, each with where it comes from: the contract's words for a table's column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from c360_assets import contracts
from c360_assets.errors import ContractError
from c360_assets.ui.parts.text import Kind, shown


@dataclass(frozen=True)
class Source:
    """A column of a table (`contacts`, `number_of_orders`), and what was done with it, if anything.

    Raises ContractError where the contract has no such column.
    """

    table: str
    column: str
    note: str = ""

    def __post_init__(self) -> None:
        _ = self.meaning

    @property
    def name(self) -> str:
        """As SQL names it: `marts.contacts.number_of_orders`."""
        return f"{contracts.table(self.table).qualified_name}.{self.column}"

    @property
    def meaning(self) -> str:
        """What the contract says of it."""
        table = contracts.table(self.table)
        for column in table.columns:
            if column.name == self.column:
                return column.description
        raise ContractError(f"{table.qualified_name} has no column {self.column!r}")


@dataclass(frozen=True)
class Told:
    """What is no single column of the contract: a name to look up, and words."""

    name: str
    words: str


def source_button(source: Source | Told) -> None:
    """A small button that tells where a figure comes from."""
    if isinstance(source, Told):
        return source_words(source.name, source.words)
    words = " · ".join(part for part in (source.meaning, source.note) if part)
    source_words(source.name, words)


def source_words(name: str, words: str) -> None:
    """The same for what is no single column: a name to look up, and words."""
    button = ui.element("button").classes("c-source")
    button.props["type"] = "button"
    button.props["aria-label"] = f"Where this comes from: {name}"
    button.props["data-name"] = name
    button.props["data-words"] = words
    with button:
        ui.element("span").props("aria-hidden=true").classes("c-source-mark")


def figure(
    label: str,
    value: Any,
    kind: Kind = "text",
    *,
    source: Source | Told,
    currency: str = "",
    href: str | None = None,
    hint: str = "",
    tone: str = "",
) -> None:
    """One figure with its label and source; `hint` is a line below it, of a tone like a chip's."""
    with ui.element("div").classes("c-figure"):
        with ui.element("div").classes("c-figure-label"):
            ui.label(label)
            source_button(source)
        text = shown(value, kind, currency)
        if href:
            ui.link(text, href).classes("c-figure-value")
        else:
            ui.label(text).classes("c-figure-value")
        if hint:
            ui.label(hint).classes(f"c-figure-hint {f'c-{tone}' if tone else ''}")


def figures() -> ui.element:
    """A row of figures that wraps; use it with `with`."""
    return ui.element("div").classes("c-figures")


def panel(title: str, *, note: str = "", level: int = 2, wide: bool = False) -> ui.element:
    """A titled section; use it with `with`. `note` says what it shows, or where it comes from."""
    section = ui.element("section").classes("c-panel" + (" c-wide" if wide else ""))
    with section, ui.element("div").classes("c-panel-head"):
        heading(title, level)
        if note:
            ui.label(note).classes("c-note")
    return section


def contents(parts: Mapping[str, str]) -> None:
    """The way to the parts of a long page: names, and the ids of their panels."""
    with ui.element("nav").classes("c-actions").props('aria-label="Parts of this page"'):
        for name, id_ in parts.items():
            ui.link(name, f"#{id_}")


def heading(text: str, level: int = 2) -> ui.element:
    """A heading of the document's outline; the first one is the title of the page, too.

    With many tabs open, each says whom it is about.
    """
    if level == 1:
        ui.page_title(f"{text} · c360")
    with ui.element(f"h{level}") as made:
        ui.label(text).classes("c-inline")
    return made


def chip(text: str, tone: str = "") -> ui.element:
    """A short word in a frame; `tone` is good, bad, warn or nothing."""
    return ui.label(text).classes(f"c-chip {f'c-{tone}' if tone else ''}")
