"""All decisions on who is one: those of the journal, and those that no run has read yet.

Belongs here: the filters of `/review/history`, its rows' parameters, and one decision by its id.
Not here: which pair is next (`review`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from c360_assets.identity.statements import DECISIONS
from c360_assets.resolution.present import Place, Waiting, place
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.review import KIND_NAMES, visible, waiting_now

OUTCOMES = ("applied", "undone", "pending", "refused")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(KIND_NAMES),
    "decision": DECISIONS,
    "outcome": OUTCOMES,
}
TEXTS = ("by", "key")
_SENT = (
    *("kind", "source_file", "source_row", "old_key", "new_key", "decision", "decided_by"),
    *("reason", "outcome", "outcome_reason", "explanation", "is_new", "is_gone"),
    *("old_contact", "new_contact"),
)


def filters(query: Mapping[str, str]) -> dict[str, str | None]:
    """What the URL asks for; what there is no such thing of counts as not asked."""
    found: dict[str, str | None] = {
        name: query[name] if query.get(name) in allowed else None
        for name, allowed in CHOICES.items()
    }
    for name in TEXTS:
        found[name] = (query.get(name) or "").strip().lower() or None
    return found


def parameters(copy: Copy, query: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of `review/history`.

    Raises:
        MergeFileError: the folder of merge files cannot be listed.
    """
    return {**filters(query), "waiting": as_json(copy, waiting_now(copy))}


def as_json(copy: Copy, waiting: Waiting) -> str:
    """What waits for the next run, as far as it may be shown."""
    rows = [{**row, "is_gone": False} for row in visible(copy, waiting.rows)]
    there = {place(row) for row in rows}
    rows += [_gone(copy, each) for each in sorted(waiting.gone - there)]
    return json.dumps([_sent(row) for row in rows])


def _gone(copy: Copy, where: Place) -> dict[str, Any]:
    """A decision of the journal that no file says any more."""
    row = _of_journal(copy, where) or dict.fromkeys(_SENT)
    named = dict(zip(("kind", "source_file", "source_row"), where, strict=True))
    return {**row, **named, "is_new": False, "is_gone": True}


def _sent(row: Mapping[str, Any]) -> dict[str, Any]:
    at = row.get("decided_at")
    return {**{name: row.get(name) for name in _SENT}, "decided_at": at and at.isoformat()}


def decision_at(copy: Copy, waiting: Waiting, text: str) -> dict[str, Any] | None:
    """The decision of an id such as `user/merged_user.csv/3`, with `is_waiting`; None where there
    is none."""
    kind, _, rest = text.partition("/")
    file, _, number = rest.rpartition("/")
    if kind not in KIND_NAMES or not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    where = (kind, file, int(number))
    for row in visible(copy, [row for row in waiting.rows if place(row) == where]):
        return {**row, "is_waiting": bool(row["is_new"])}
    found = _of_journal(copy, where)
    return {**found, "is_waiting": False} if found else None


def _of_journal(copy: Copy, where: Place) -> dict[str, Any] | None:
    kind, file, number = where
    return copy.row("review/decision", kind=kind, source_file=file, source_row=number)
