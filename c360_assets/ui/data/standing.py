"""How things stand: the published copy and how old it is, what was refused, and Dagster's history.

The history comes through `History`, which keeps what it read for some seconds: Dagster takes
seconds to import, and its files are not to be opened for each page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy, Order, Slice
from c360_assets.ui.parts.text import change

if TYPE_CHECKING:
    from c360_assets.standing import Graph

KEPT_SECONDS = 10.0
SHOWN_REASONS = 12
SHOWN_DECISIONS = 8
LAST_RUNS = 5


@dataclass(frozen=True)
class Freshness:
    """How old the data is. Times are naive UTC.

    `newest` is the newest event or order, `clock` the time from which figures count back, where any
    figure tells. With `clock_is_newest` (no C360_AS_OF) that is always the newest, however old.
    """

    published_at: datetime
    run_id: str
    newest: datetime | None
    clock: datetime | None
    clock_is_newest: bool
    max_age_hours: float

    @property
    def behind(self) -> timedelta | None:
        """How much older than the clock the newest event or order is."""
        if self.newest is None:
            return None
        return max((self.clock or self.newest) - self.newest, timedelta(0))

    @property
    def is_late(self) -> bool:
        """Whether the data is older than `freshness.max_age_hours` allows."""
        behind = self.behind
        return behind is None or behind > timedelta(hours=self.max_age_hours)


@dataclass(frozen=True)
class Revenue:
    """Revenue of the last 30 days up to `last_day`, and its change against the 30 before.

    None where no order has an amount, or there is nothing to compare with.
    """

    amount: float | None
    last_day: date | None
    change: float | None


@dataclass(frozen=True)
class Rejected:
    """Rejected rows by table and reason, the first SHOWN_REASONS, and how many there are of all."""

    reasons: list[dict[str, Any]]
    number_of_reasons: int
    number_of_rows: int


@dataclass(frozen=True)
class Decisions:
    """Merge decisions that wait or were refused: the first SHOWN_DECISIONS, and all in numbers."""

    unsettled: Slice
    outcomes: dict[str, int]


@dataclass(frozen=True)
class Standing:
    """Everything that the published copy tells on the start page."""

    counts: dict[str, int]
    revenue: Revenue
    freshness: Freshness
    rejected: Rejected
    decisions: Decisions


def standing(copy: Copy, settings: Settings) -> Standing:
    """How things stand by the published copy."""
    return Standing(
        copy.one("home/counts"),
        _revenue(copy),
        _freshness(copy, settings),
        _rejected(copy),
        _decisions(copy),
    )


def _freshness(copy: Copy, settings: Settings) -> Freshness:
    published = copy.one("home/clock")["clock"]
    # where nobody ordered no figure tells it, and the setting does
    clock = published or (settings.clock if settings.as_of not in (None, "now") else None)
    return Freshness(
        copy.published_at,
        copy.manifest.run_id,
        copy.one("home/newest")["newest"],
        clock,
        settings.as_of is None,
        settings.rules.freshness.max_age_hours,
    )


def _revenue(copy: Copy) -> Revenue:
    row = copy.row("home/revenue")
    if row is None:
        return Revenue(None, None, None)
    before = row["revenue_before"] if row["is_before_whole"] else None
    amount = row["revenue"]
    return Revenue(amount, row["last_day"], change(amount, before))


def _rejected(copy: Copy) -> Rejected:
    rows = copy.rows("home/rejected")
    most = sorted(rows, key=lambda row: -row["number_of_rows"])[:SHOWN_REASONS]
    return Rejected(most, len(rows), sum(row["number_of_rows"] for row in rows))


def _decisions(copy: Copy) -> Decisions:
    order = Order("outcome", True, ("kind", "source_file", "source_row"))
    outcomes: dict[str, int] = {}
    for row in copy.rows("home/decisions"):
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + row["decisions"]
    return Decisions(copy.page("home/unsettled", order, SHOWN_DECISIONS), outcomes)


class History:
    """Dagster's history, read at most every KEPT_SECONDS; threads may ask at the same time.

    `clock` gives seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._graph: Graph | None = None
        self._kept: tuple[float, dict[str, Any]] | None = None

    def read(self, now: datetime) -> dict[str, Any] | None:
        """What `c360_assets.standing.history` gives; None where Dagster has none yet."""
        # looking must not make a history
        if not (self._settings.dagster_home / "dagster.yaml").exists():
            return None
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > KEPT_SECONDS:
                self._kept = (self._clock(), self._read(now))
            return self._kept[1]

    def _read(self, now: datetime) -> dict[str, Any]:
        # here, since it takes seconds, and no page but this part of one needs it
        from c360_assets import standing as dagsters

        self._graph = self._graph or dagsters.graph_of(self._settings)
        return dagsters.history(self._settings, self._graph, now, LAST_RUNS)


_HISTORIES: dict[Path, History] = {}


def history_of(settings: Settings) -> History:
    """The one history of a home in this process."""
    return _HISTORIES.setdefault(settings.home_dir, History(settings))
