"""The part of `/sync` on the destination `file`: what was delivered, and what changed each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from nicegui import ui

from c360_assets.activation.destinations.base import Delivered
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import panel
from c360_assets.ui.parts.stack import cell, row, stack
from c360_assets.ui.parts.text import ago

_COUNTS = ("rows", "new", "changed", "gone", "unchanged")


def files(page: Page, deliveries: Sequence[Delivered]) -> None:
    """The deliveries, the newest first."""
    note = "From the manifest of each delivery; only the newest ones are kept"
    with panel("Deliveries", note=note, wide=True):
        if not deliveries:
            states.empty(
                "No files were delivered yet.",
                "The asset crm_sync delivers them; every run of the whole pipeline ends with it.",
            )
            return
        for number, delivery in enumerate(deliveries):
            _delivery(page, delivery, is_newest=number == 0)


def _delivery(page: Page, delivery: Delivered, *, is_newest: bool) -> None:
    at = _naive(delivery.delivered_at)
    changes = sum(each.new + each.changed + each.gone for each in delivery.objects)
    with ui.element("details").classes("c-run").props(" open" if is_newest else ""):
        with ui.element("summary"):
            ui.label(f"{at:%Y-%m-%d %H:%M}").classes("c-inline c-strong")
            ui.label(f"{ago(at, page.now)} · {changes:,} changes").classes("c-inline c-note")
        numbers = [word.capitalize() for word in _COUNTS]
        with stack(["", *numbers], f"What was delivered {at:%Y-%m-%d %H:%M}", numbers):
            for each in delivery.objects:
                with row():
                    cell("Object", each.name)
                    for word in _COUNTS:
                        cell(word.capitalize(), f"{getattr(each, word):,}", is_number=True)
        if delivery.retired:
            ui.label(f"No longer delivered: {', '.join(delivery.retired)}").classes("c-note")
        folder = f"{delivery.path.parent.name}/{delivery.path.name}"
        for label, text in (("Folder", folder), ("Run", delivery.run_id)):
            with ui.element("div").classes("c-told"):
                ui.label(label).classes("c-note")
                ui.label(text).classes("c-code")


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
