"""Decisions on rows of the ledger: try again, and whose value stands. They work beside a sync.

The same functions as those of `c360 crm retry` and `settle`. A sync under way carries out what was
decided before it looked at a record; the rest is carried out by the one after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import conflict_of, settle_conflict
from c360_assets.activation.sync.ledger_moves import retry
from c360_assets.activation.sync.ledger_rows import Conflict
from c360_assets.activation.sync.run import LEDGER
from c360_assets.errors import LedgerError, RequestError
from c360_assets.settings import Settings


def try_again(
    settings: Settings, name: str, now: datetime, row: tuple[str, str] | None = None
) -> int:
    """Let refused rows be tried by the next sync; `row` is (object, key) of one, else all.

    Returns how many. `now` is naive UTC.

    Raises:
        RequestError: that row is refused no more.
        LedgerError: the ledger cannot be written.
    """
    with _ledger(settings, name) as ledger:
        done = retry(ledger, now, row)
    if row is not None and not done:
        raise RequestError(
            f"{' '.join(row)} is refused no more: a sync took it, or nothing is to be sent of it "
            "any more. Load the page anew"
        )
    return done


def decide(
    settings: Settings, name: str, shown: Conflict, is_ours: bool, by: str, now: datetime
) -> None:
    """Settle a conflict for us or for them, as it was shown. `now` is naive UTC.

    Raises:
        RequestError: it is open no more, or is another one by now.
        LedgerError: the ledger cannot be written.
    """
    with _ledger(settings, name) as ledger:
        conflict = conflict_of(ledger, shown.object, shown.key, shown.field)
        if conflict != shown:
            raise RequestError(
                f"{shown.object} {shown.key} {shown.field} is not what was shown any more: "
                "somebody wrote something else, or something else is wanted. Load the page anew, "
                "and decide again"
            )
        settle_conflict(ledger, conflict, is_ours, by, now)


@contextmanager
def _ledger(settings: Settings, name: str) -> Iterator[Ledger]:
    try:
        with Ledger(settings.crm_dir / LEDGER, name) as ledger:
            yield ledger
    except sqlite3.Error as error:
        raise LedgerError(
            f"the ledger {settings.crm_dir / LEDGER} could not be written ({error}), and nothing "
            "was decided; see to its rights and to the disk, and try again"
        ) from error
