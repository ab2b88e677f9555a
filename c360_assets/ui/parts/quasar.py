"""Quasar's table as our pages use it: what stands in it stays while it is drawn anew.

NiceGUI makes a new Vue component of a slot's template whenever the table is drawn, and with it new
elements: a click that falls between is lost, the keyboard loses its place, and what was opened is
closed. Slots that hold a registered component are patched instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.element import Element

_STATIC = Path(__file__).parents[1] / "static"


class QuasarTable(ui.table):
    """NiceGUI's table, with slots that stay, and silent about what the browser knows already."""

    @property
    def pagination(self) -> dict[str, Any]:
        """What Quasar calls pagination: order, page, rows a page, rows in all."""
        told: dict[str, Any] = self._props["pagination"]
        return told

    @pagination.setter
    def pagination(self, value: dict[str, Any]) -> None:
        # Quasar tells its pagination as soon as it is there; to answer it would send all rows again
        if value != self._props["pagination"]:
            self._props["pagination"] = value

    def fill(self, slot: str, part: type[Element]) -> None:
        """Let a component draw a slot; it gets what Quasar tells of the cell or row as `scope`."""
        with self.add_slot(slot):
            part().props[":scope"] = "props"


class LinkPart(Element, component=_STATIC / "table_link.js"):
    """A cell that leads to a page of ours where its row has a path for it."""


class CardPart(Element, component=_STATIC / "table_card.js"):
    """A row as a card, on phones."""


class ProfileRowPart(Element, component=_STATIC / "profile_row.js"):
    """An attribute of a profile, or the title of a group of them, as a row."""


class ProfileCardPart(Element, component=_STATIC / "profile_card.js"):
    """The same as a card, on phones."""
