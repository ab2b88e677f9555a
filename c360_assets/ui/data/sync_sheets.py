"""All refused rows and all open conflicts of a destination, as the rows of a CSV file.

They tell what the monitor tells (`sync`): of hidden people the id and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from c360_assets.activation.sync.ledger_reading import OpenConflict, RejectedRow, read_ledger
from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm_job import FILE
from c360_assets.errors import RequestError
from c360_assets.settings import Settings
from c360_assets.ui.copies import Batches, Copy
from c360_assets.ui.data.sync import (
    Disagreement,
    Refused,
    destinations,
    order_of,
    told,
)
from c360_assets.ui.data.sync_people import Subject

BATCH = 500
_REFUSED = ("kind", "record", "name", "reason", "tries", "last_try", "next_try")
_CONFLICTS = (
    *("kind", "record", "name", "field", "sent_last", "there", "here", "policy", "seen_at"),
)


def refused(copy: Copy, query: Mapping[str, str]) -> Batches:
    """The names of the columns, then every refused row, in the order of the page's URL.

    Raises:
        RequestError: `to` names no destination that has a ledger.
        LedgerError: the ledger cannot be read.
    """
    name, (order, is_descending) = _destination(copy.settings, query), order_of(query)
    with read_ledger(copy.settings.crm_dir / LEDGER, name) as ledger:
        count = ledger.number_of_rejected() if ledger else 0
        rows = ledger.rejected(count, 0, order, is_descending=is_descending) if ledger else []
    return _refused(copy, name, rows)


def _refused(copy: Copy, name: str, rows: Sequence[RejectedRow]) -> Batches:
    yield [_REFUSED]
    for start in range(0, len(rows), BATCH):
        some, _ = told(copy, copy.settings, name, rows[start : start + BATCH], ())
        yield [_refused_line(each) for each in some]


def _refused_line(each: Refused) -> tuple[Any, ...]:
    keys = " / ".join(one.key for one in each.subjects)
    who = each.object, keys, _names(each.subjects)
    return *who, each.reason, each.attempts, each.last_at, each.next_at


def conflicts(copy: Copy, query: Mapping[str, str]) -> Batches:
    """The names of the columns, then every open conflict. A field `*` is the whole record.

    Raises:
        RequestError: `to` names no destination that has a ledger.
        LedgerError: the ledger cannot be read.
    """
    name = _destination(copy.settings, query)
    with read_ledger(copy.settings.crm_dir / LEDGER, name) as ledger:
        rows = ledger.conflicts(ledger.number_of_conflicts()) if ledger else []
    return _conflicts(copy, name, rows)


def _conflicts(copy: Copy, name: str, rows: Sequence[OpenConflict]) -> Batches:
    yield [_CONFLICTS]
    for start in range(0, len(rows), BATCH):
        _, some = told(copy, copy.settings, name, (), rows[start : start + BATCH])
        yield [_conflict_line(each) for each in some]


def _conflict_line(each: Disagreement) -> tuple[Any, ...]:
    one = each.conflict
    who = one.object, one.key, _names([each.subject])
    return *who, one.field, one.last_sent, one.in_crm, one.wanted, one.policy, each.seen_at


def _names(subjects: Sequence[Subject]) -> str:
    return " / ".join(each.title or "" for each in subjects)


def _destination(settings: Settings, query: Mapping[str, str]) -> str:
    names = [name for name in destinations(settings) if name != FILE]
    name = query.get("to", "")
    if name not in names:
        known = ", ".join(names) or "none"
        raise RequestError(
            f"to={name!r} is no destination that keeps a ledger; C360_CRM names {known}"
        )
    return name
