"""Where a CRM and we disagree, and what people decided about it, in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_rows import Conflict, Settled
from c360_assets.errors import RequestError


def keep_conflicts(ledger: Ledger, found: Sequence[Conflict], run_id: str, at: datetime) -> None:
    """Keep the newest conflict of each field."""
    with ledger.transaction() as connection:
        connection.executemany(
            "insert or replace into conflicts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(ledger.destination, c.object, c.key, c.field, c.policy),
                    *(c.last_sent, c.in_crm, c.wanted, at.isoformat(), run_id),
                )
                for c in found
            ],
        )


def conflicts(ledger: Ledger) -> list[Conflict]:
    """Every conflict that nobody has settled, by object, key and field."""
    rows = ledger.rows(
        "select object, key, field, policy, last_sent, in_crm, wanted from conflicts"
        " where destination = ? order by object, key, field"
    )
    return [Conflict(*row) for row in rows]


def settled(ledger: Ledger, object_: str, keys: Iterable[str]) -> dict[str, dict[str, Settled]]:
    """What people decided, by key and field."""
    found: dict[str, dict[str, Settled]] = {}
    for key in keys:
        for field, decision, value in ledger.rows(
            "select field, decision, value from settled"
            " where destination = ? and object = ? and key = ?",
            *(object_, key),
        ):
            found.setdefault(key, {})[field] = Settled(field, decision, value)
    return found


def settle_conflict(
    ledger: Ledger,
    conflict: Conflict,
    is_ours: bool,
    decided_by: str | None,
    at: datetime,
) -> None:
    """Write a decision; the next sync looks at the record again and carries it out."""
    where = (ledger.destination, conflict.object, conflict.key)
    decision, value = ("ours", None) if is_ours else ("theirs", conflict.in_crm)
    with ledger.transaction() as connection:
        connection.execute(
            "insert or replace into settled values (?, ?, ?, ?, ?, ?, ?, ?)",
            (*where, conflict.field, decision, value, decided_by, at.isoformat()),
        )
        connection.execute(
            "delete from conflicts where destination = ? and object = ? and key = ? and field = ?",
            (*where, conflict.field),
        )
        connection.execute(
            "update records set hash = '' where destination = ? and object = ? and key = ?", where
        )
        # a row that was refused because of it is tried at once
        connection.execute(
            "delete from rejected where destination = ? and object = ? and key = ?", where
        )


def conflict_of(ledger: Ledger, object_: str, key: str, field: str) -> Conflict:
    """The open conflict of a field.

    Raises:
        RequestError: there is none; the text lists what there is.
    """
    every = conflicts(ledger)
    for each in every:
        if (each.object, each.key, each.field) == (object_, key, field):
            return each
    listed = "; ".join(f"{c.object} {c.key} {c.field}" for c in every[:5]) or "none at all"
    raise RequestError(
        f"{ledger.destination} has no open conflict {object_} {key} {field}; there are: {listed}"
    )
