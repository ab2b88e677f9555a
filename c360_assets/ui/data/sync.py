"""What the sync monitor shows: syncs, refused rows, conflicts, deliveries of files.

From the ledger, which is only read here and never locked; people are looked up in the copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from c360_assets.activation.destinations.base import Delivered
from c360_assets.activation.destinations.build import rules_of
from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.sync.ledger_reading import (
    REJECTED_ORDERS,
    LedgerReader,
    LedgerRun,
    OpenConflict,
    RejectedRow,
    read_ledger,
)
from c360_assets.activation.sync.ledger_rows import Conflict
from c360_assets.activation.sync.lock import is_under_way
from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm_job import FILE, destination_names
from c360_assets.settings import Settings
from c360_assets.ui import links
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.hidden import Told, hidden_in
from c360_assets.ui.data.sync_people import Shown, Subject, ends, who_is_shown
from c360_assets.ui.privacy import HIDDEN

ROWS_PER_PAGE = 25
TITLES = {FILE: "Files", "hubspot": "HubSpot"}
RUNS_PER_PAGE = 10


@dataclass(frozen=True)
class Asked:
    """Which part of the lists is asked for, or shown; pages begin with 1."""

    runs_page: int = 1
    rejected_page: int = 1
    conflicts_page: int = 1
    order: str = "key"
    is_descending: bool = False


@dataclass(frozen=True)
class Refused:
    """A refused row as it may be shown."""

    object: str
    key: str
    subjects: tuple[Subject, ...]
    reason: str
    attempts: int
    last_at: datetime
    next_at: datetime | None


@dataclass(frozen=True)
class Disagreement:
    """An open conflict as it may be shown; without values where the person is hidden."""

    conflict: Conflict
    subject: Subject
    seen_at: datetime

    @property
    def can_be_settled(self) -> bool:
        """Whether everything is shown that a decision hangs on."""
        return not self.subject.is_hidden and HIDDEN not in _values(self.conflict)


@dataclass(frozen=True)
class Monitor:
    """One row-wise destination. Lists are the part that was asked for, beside their numbers.

    `doubtful` are rows of which no answer is known. `page` is where people see the CRM.
    """

    name: str
    page: str | None
    is_under_way: bool
    last: LedgerRun | None = None
    runs: tuple[LedgerRun, ...] = ()
    rejected: tuple[Refused, ...] = ()
    conflicts: tuple[Disagreement, ...] = ()
    number_of_runs: int = 0
    number_of_rejected: int = 0
    number_of_conflicts: int = 0
    doubtful: int = 0
    asked: Asked = Asked()


@dataclass(frozen=True)
class Brief:
    """One destination in a line: when it was last synced, and what is left to look at.

    `at` is when the last sync or delivery ended, or began if it did not end. `problem` is why the
    last sync broke off; `is_cut_off` that it ended without saying why.
    """

    name: str
    at: datetime | None = None
    problem: str | None = None
    is_under_way: bool = False
    is_cut_off: bool = False
    rejected: int = 0
    conflicts: int = 0


# what has a `problem` in words
Problematic = TypeVar("Problematic", LedgerRun, Brief)


def destinations(settings: Settings) -> tuple[str, ...]:
    """The destinations of `C360_CRM`.

    Raises:
        ConfigError: there is no such destination.
    """
    return destination_names(settings)


def title_of(name: str) -> str:
    """A destination as people call it."""
    return TITLES.get(name, name.capitalize())


def briefs(settings: Settings) -> list[Brief]:
    """Every destination in a line.

    Raises:
        ConfigError: `C360_CRM` names what there is not.
        LedgerError: the ledger cannot be read.
    """
    return [_brief(settings, name) for name in destination_names(settings)]


def shown_briefs(copy: Copy, settings: Settings) -> list[Brief]:
    """As `briefs`, but what a problem says of hidden people."""
    found = briefs(settings)
    hidden = hidden_in(copy, settings, (), [each.problem for each in found])
    return [_without_hidden(each, hidden) for each in found]


def _without_hidden(each: Problematic, hidden: Told) -> Problematic:
    return replace(each, problem=HIDDEN) if hidden.are_in(each.problem) else each


def _brief(settings: Settings, name: str) -> Brief:
    if name == FILE:
        made = deliveries(settings)
        return Brief(name, _naive(made[0].delivered_at) if made else None)
    under_way = is_under_way(settings.crm_dir, name)
    with read_ledger(settings.crm_dir / LEDGER, name) as ledger:
        if ledger is None:
            return Brief(name, is_under_way=under_way)
        last = next(iter(ledger.runs(1)), None)
        return Brief(
            name,
            None if last is None else last.ended_at or last.started_at,
            None if last is None else last.problem,
            under_way,
            is_cut_off(last, under_way),
            ledger.number_of_rejected(),
            ledger.number_of_conflicts(),
        )


def is_cut_off(run: LedgerRun | None, is_under_way: bool) -> bool:
    """Whether a newest run ended without a word: its process was killed."""
    return run is not None and run.ended_at is None and not is_under_way


def monitor(copy: Copy, settings: Settings, name: str, asked: Asked) -> Monitor:
    """What there is to see of a row-wise destination.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    page = links.outside(rules_of(name, settings.rules.crm).page)
    # before the ledger: of a sync that ends in between, the ledger then tells how
    under_way = is_under_way(settings.crm_dir, name)
    with read_ledger(settings.crm_dir / LEDGER, name) as ledger:
        if ledger is None:
            return Monitor(name, page, under_way)
        numbers = (
            *(ledger.number_of_runs(), ledger.number_of_rejected()),
            *(ledger.number_of_conflicts(), ledger.number_of_intents()),
        )
        asked = _within(asked, *numbers[:3])
        refused, open_ = _rejected(ledger, asked), _conflicts(ledger, asked)
        runs = ledger.runs(RUNS_PER_PAGE, _offset(asked.runs_page, RUNS_PER_PAGE))
        last = next(iter(ledger.runs(1)), None)
    shown = told(copy, settings, name, refused, open_)
    problems = [run.problem for run in (*runs, *([last] if last else []))]
    hidden = hidden_in(copy, settings, (), problems)
    runs = [_without_hidden(run, hidden) for run in runs]
    last = last and _without_hidden(last, hidden)
    standing = (name, page, under_way, last, tuple(runs))
    return Monitor(*standing, shown[0], shown[1], *(*numbers, asked))


def told(
    copy: Copy,
    settings: Settings,
    name: str,
    refused: Sequence[RejectedRow],
    open_: Sequence[OpenConflict],
) -> tuple[tuple[Refused, ...], tuple[Disagreement, ...]]:
    """Rows of a destination's ledger as they may be shown."""
    rules = rules_of(name, settings.rules.crm)
    pairs = [ends(row.object, row.keys, rules) for row in refused]
    records = {pair for each in pairs for pair in each}
    records |= {(each.conflict.object, each.conflict.key) for each in open_}
    texts = [row.reason for row in refused]
    texts += [text for each in open_ for text in _values(each.conflict) if text]
    shown = who_is_shown(copy, settings, records, texts)
    return (
        tuple(_refused(row, each, shown) for row, each in zip(refused, pairs, strict=True)),
        tuple(_disagreement(each, shown) for each in open_),
    )


def order_of(query: Mapping[str, str]) -> tuple[str, bool]:
    """By what the URL sorts refused rows, and whether the last comes first."""
    sort = query.get("sort", "")
    order = sort.removeprefix("-")
    return (order, sort.startswith("-")) if order in REJECTED_ORDERS else ("key", False)


def _within(asked: Asked, runs: int, rejected: int, conflicts: int) -> Asked:
    """The same with the last page where one beyond it is asked for: rows go while people look."""
    return replace(
        asked,
        runs_page=min(asked.runs_page, max(-(-runs // RUNS_PER_PAGE), 1)),
        rejected_page=min(asked.rejected_page, max(-(-rejected // ROWS_PER_PAGE), 1)),
        conflicts_page=min(asked.conflicts_page, max(-(-conflicts // ROWS_PER_PAGE), 1)),
    )


def _rejected(ledger: LedgerReader, asked: Asked) -> list[RejectedRow]:
    return ledger.rejected(
        *(ROWS_PER_PAGE, _offset(asked.rejected_page, ROWS_PER_PAGE), asked.order),
        is_descending=asked.is_descending,
    )


def _conflicts(ledger: LedgerReader, asked: Asked) -> list[OpenConflict]:
    return ledger.conflicts(ROWS_PER_PAGE, _offset(asked.conflicts_page, ROWS_PER_PAGE))


def _refused(row: RejectedRow, pairs: list[tuple[str, str]], shown: Shown) -> Refused:
    subjects = tuple(shown.of(*pair) for pair in pairs)
    reason = shown.text(row.reason, subjects) or ""
    return Refused(*(row.object, row.key, subjects, reason, row.attempts, row.last_at, row.next_at))


def _disagreement(row: OpenConflict, shown: Shown) -> Disagreement:
    subject = shown.of(row.conflict.object, row.conflict.key)
    last_sent, in_crm, wanted = (shown.text(value, [subject]) for value in _values(row.conflict))
    conflict = replace(row.conflict, last_sent=last_sent, in_crm=in_crm, wanted=wanted)
    return Disagreement(conflict, subject, row.seen_at)


def _values(conflict: Conflict) -> tuple[str | None, str | None, str | None]:
    return conflict.last_sent, conflict.in_crm, conflict.wanted


def deliveries(settings: Settings) -> list[Delivered]:
    """What the destination `file` was delivered, the newest first."""
    return FileDestination(settings.crm_dir).deliveries()


def _offset(page: int, size: int) -> int:
    return (max(page, 1) - 1) * size


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
