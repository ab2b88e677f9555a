"""`/sync`: what went to the CRM, what it refused, where people disagree with us, what comes next.

Belongs here: the page as a whole, the syncs so far. Refused rows and conflicts have a module of
their own (`sync_rows`), and so has the plan (`sync_plan`) and the files (`sync_files`).
"""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from c360_assets.activation.sync.ledger_reading import LedgerRun
from c360_assets.activation.sync.run import ROLLBACK
from c360_assets.activation.sync.tally import Tally
from c360_assets.assets.crm_job import FILE
from c360_assets.ui import links
from c360_assets.ui.data import sync as data
from c360_assets.ui.downloads import Sheet
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages.sync_files import files
from c360_assets.ui.pages.sync_plan import next_sync
from c360_assets.ui.pages.sync_rows import SHEETS, conflicts, rejected
from c360_assets.ui.parts import forms, states
from c360_assets.ui.parts.figures import Told, chip, figure, figures, heading, panel
from c360_assets.ui.parts.stack import cell, page_of, pager, row, stack
from c360_assets.ui.parts.text import ago
from c360_assets.ui.site import Route

_PARTS = ("planned", "acknowledged", "rejected", "unknown", "conflicts")


async def build(page: Page) -> None:
    """The monitor; `to` in the query is the destination."""
    names = await page.work(data.destinations, page.settings)
    name = page.query.get("to") or next((each for each in names if each != FILE), FILE)
    if name not in names:
        raise NotThereError(
            f"C360_CRM names no destination {name!r}; it names {', '.join(names)}. Choose one of "
            "these, or name it there and start the pages anew"
        )
    if name == FILE:
        made = await page.work(data.deliveries, page.settings)
        _head(names, name)
        return files(page, made)
    monitor = await page.ask(data.monitor, page.settings, name, _asked(page))
    _head(names, name)
    _standing(page, monitor)
    next_sync(page, monitor)
    _runs(page, monitor)
    conflicts(page, monitor)
    rejected(page, monitor)


def _asked(page: Page) -> data.Asked:
    return data.Asked(
        *(page_of(page, "runs_page"), page_of(page, "rejected_page")),
        page_of(page, "conflicts_page"),
        *data.order_of(page.query),
    )


def _head(names: tuple[str, ...], name: str) -> None:
    heading("CRM sync", 1)
    if len(names) > 1:
        with ui.element("nav").classes("c-actions").props('aria-label="Destinations"'):
            for each in names:
                forms.choice_link(data.title_of(each), links.sync(each), is_chosen=each == name)


def _standing(page: Page, monitor: data.Monitor) -> None:
    with panel("Where it stands", note=f"{data.title_of(monitor.name)}, by the ledger of syncs"):
        _state(page, monitor)
        with figures():
            _number(
                *("Refused rows", monitor.number_of_rejected, "rejected"),
                "Records, merges and links that the CRM did not take.",
            )
            _number(
                *("Conflicts to settle", monitor.number_of_conflicts, "conflicts"),
                "Fields that people wrote in the CRM, and that are something else here.",
            )
            if monitor.doubtful:
                _number(
                    *("Rows without an answer", monitor.doubtful, "intents"),
                    "Rows that were under way when a sync ended; the next one reads them back.",
                )
        if monitor.page:
            ui.link(f"Open {data.title_of(monitor.name)}", monitor.page, new_tab=True).props(
                'rel="noopener noreferrer"'
            )


def _number(label: str, value: int, table: str, words: str) -> None:
    figure(label, value, "number", source=Told(f"ledger.{table}", words))


def _state(page: Page, monitor: data.Monitor) -> None:
    last = monitor.last
    with ui.element("div").classes("c-chips"):
        if monitor.is_under_way:
            chip("A sync is under way", "warn")
        if last is None:
            chip("Never synced")
            return
        _outcome(last, monitor.is_under_way)
        ui.label(f"Last sync {ago(last.ended_at or last.started_at, page.now)}").classes("c-inline")
    if last.problem:
        states.trouble("The last sync broke off", last.problem)


def _outcome(run: LedgerRun, is_under_way: bool) -> None:
    if run.problem:
        chip("broke off", "bad")
    elif run.ended_at is None:
        # a run that did not say how it ended was killed, unless it is the one under way
        chip(*(("under way", "warn") if is_under_way else ("cut off", "bad")))
    elif run.total is not None and (run.total.rejected or run.total.unknown):
        chip("not everything was taken", "warn")
    else:
        chip("everything was taken", "good")


def _runs(page: Page, monitor: data.Monitor) -> None:
    note = "Rows by what became of them; from the ledger, where each sync writes it"
    with panel("Last syncs", note=note, wide=True):
        if not monitor.runs:
            states.empty(
                f"Nothing was ever sent to {data.title_of(monitor.name)}.",
                "The asset crm_sync sends it; every run of the whole pipeline ends with it.",
            )
            return
        for run in monitor.runs:
            _run(page, run, monitor)
        pager(
            *(page, "runs_page", monitor.asked.runs_page, monitor.number_of_runs),
            *(data.RUNS_PER_PAGE, "syncs"),
        )


def _run(page: Page, run: LedgerRun, monitor: data.Monitor) -> None:
    is_newest = monitor.last is not None and run.run_id == monitor.last.run_id
    opened = " open" if is_newest else ""
    with ui.element("details").classes("c-run").props(opened):
        with ui.element("summary"):
            ui.label(f"{run.started_at:%Y-%m-%d %H:%M}").classes("c-inline c-strong")
            _outcome(run, monitor.is_under_way and is_newest)
            ui.label(_summary(run)).classes("c-inline c-note")
        _told(page, run, monitor.name)
        if run.total is not None and run.parts:
            _parts(run)


def _summary(run: LedgerRun) -> str:
    said = [f"{run.acknowledged:,} acknowledged"]
    if run.total is not None:
        said += [
            f"{count:,} {word}"
            for word, count in (("refused", run.total.rejected), ("unknown", run.total.unknown))
            if count
        ]
    if run.ended_at is not None:
        said.append(_length(run.started_at, run.ended_at))
    if run.calls is not None:
        said.append(f"{run.calls:,} calls")
    return " · ".join(said)


def _told(page: Page, run: LedgerRun, name: str) -> None:
    if run.problem:
        ui.label(run.problem).classes("c-bad")
    dagster = links.outside(page.settings.rules.alerts.base_url, links.run_path(run.run_id))
    is_back = run.run_id.endswith(ROLLBACK)
    with ui.element("div").classes("c-told"):
        ui.label("Takes back" if is_back else "Run").classes("c-note")
        shown = run.run_id.removesuffix(ROLLBACK)
        if dagster and not is_back:
            ui.link(shown, dagster, new_tab=True).props('rel="noopener noreferrer"')
        else:
            ui.label(shown)
    if not is_back and run.acknowledged:
        with ui.element("div").classes("c-told"):
            ui.label("Taken back by").classes("c-note")
            # options first, so that nothing of an id is taken for one
            ui.label(f"c360 crm rollback --to {name} {run.run_id}").classes("c-code")


def _parts(run: LedgerRun) -> None:
    touched = {name: each for name, each in run.parts.items() if each.planned or each.conflicts}
    if not touched:
        ui.label("Nothing differed from what the CRM had acknowledged.").classes("c-note")
        return
    numbers = [word.capitalize() for word in _PARTS]
    with stack(
        ["", *numbers], f"The sync of {run.started_at:%Y-%m-%d %H:%M} by kind of record", numbers
    ):
        for part, tally in (*touched.items(), ("all", Tally.of(run.parts.values()))):
            with row():
                cell("Kind", part.replace("_", " "))
                for word in _PARTS:
                    cell(word.capitalize(), f"{getattr(tally, word):,}", is_number=True)


def _length(began: datetime, ended: datetime) -> str:
    seconds = (ended - began).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


ROUTES = (Route("/sync", "CRM sync", build),)
DOWNLOADS: tuple[Sheet, ...] = SHEETS
