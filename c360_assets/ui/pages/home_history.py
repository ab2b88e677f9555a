"""The panel of the start page that Dagster's history fills: the last runs, and the checks.

Shown once the page is there, since Dagster takes seconds to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.data.standing import history_of
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import Told, chip, figure, figures, heading, panel
from c360_assets.ui.parts.stack import cell, row, stack
from c360_assets.ui.parts.text import ago

_TONES = {"success": "good", "failure": "bad", "canceled": "bad", "canceling": "warn"}
SHOWN_CHECKS = 20


def history(page: Page) -> None:
    """The last runs and the checks."""
    with panel("Runs and checks", note="From Dagster's history"):
        states.later(
            "Reading Dagster's history…",
            lambda: page.work(history_of(page.settings).read, page.now),
            lambda found: _history(page, found),
        )


def _history(page: Page, found: dict[str, Any] | None) -> None:
    if found is None or not found["runs"]:
        states.empty(
            "Dagster has run nothing here yet.",
            "`c360 run` or `make dev` runs the pipeline; its runs and checks appear here.",
        )
        return
    checks = found["checks"]
    with figures():
        _count("Checks passed", checks["passed"])
        _count("Checks failed", len(checks["failed"]))
        _count("Warnings", len(checks["warned"]))
        _count("Not run yet", len(checks["not_run"]))
    _checks(page, "Failed checks", "bad", checks["failed"])
    _checks(page, "Warnings", "warn", checks["warned"])
    heading("Last runs", 3)
    _runs(page, found["runs"])


def _count(label: str, value: int) -> None:
    words = "By the latest evaluation of each check."
    figure(label, value, "number", source=Told("Dagster: asset checks", words))


def _checks(page: Page, title: str, tone: str, checks: Sequence[dict[str, Any]]) -> None:
    if not checks:
        return
    heading(title, 3)
    with stack(("Check", "Of", "Rows", "When"), title, ("Rows",)):
        for each in checks[:SHOWN_CHECKS]:
            with row():
                with cell("Check"):
                    path = links.check_path(each["asset"], each["check"])
                    _outside(page, each["check"].replace("_", " "), path, tone)
                cell("Of", each["asset"])
                cell("Rows", "-" if each["rows"] is None else f"{each['rows']:,}", is_number=True)
                at = each["evaluated_at"]
                cell("When", "-" if at is None else ago(at, page.now))
    if len(checks) > SHOWN_CHECKS:
        ui.label(f"The first {SHOWN_CHECKS} of {len(checks)}; `c360 status` has all.").classes(
            "c-note"
        )


def _runs(page: Page, runs: Sequence[dict[str, Any]]) -> None:
    columns = ("Run", "Job", "Status", "Began", "Seconds")
    with stack(columns, "The last runs", ("Seconds",)):
        for each in runs:
            with row():
                with cell("Run"):
                    _outside(page, each["run_id"][:8], links.run_path(each["run_id"]))
                cell("Job", each["job"])
                with cell("Status"):
                    chip(each["status"], _TONES.get(each["status"], ""))
                began = each["started_at"]
                cell("Began", "not yet" if began is None else ago(began, page.now))
                seconds = each["seconds"]
                cell("Seconds", "-" if seconds is None else f"{seconds:,.1f}", is_number=True)


def _outside(page: Page, text: str, path: str, tone: str = "") -> None:
    """A link into Dagster's own pages where it is known at which address these are."""
    address = links.outside(page.settings.rules.alerts.base_url, path)
    if address is None:
        ui.label(text).classes(f"c-inline c-{tone}" if tone else "c-inline")
        return
    ui.link(text, address, new_tab=True).props('rel="noopener noreferrer"')
