"""Rows of the ledger that get another key, go into another one, or are tried anew."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.model import Payload

# a merge notes the record that is left, and right after it the one that went into it
_MERGED_IN = """
    select gone.payload_before
    from changes as kept
    join changes as gone on gone.change = kept.change + 1 and gone.action = 'merged'
    where kept.destination = $destination and kept.object = $object and kept.key = $key
      and kept.action = 'merge'
      and kept.change > (
        select coalesce(max(change), 0) from changes
        where destination = $destination and object = $object and key = $key
          and action <> 'merge'
      )
"""


def follow(ledger: Ledger, object_: str, kept: str, gone: str, run_id: str, at: datetime) -> None:
    """Let the record of `gone` be that of `kept`, which the CRM did not have: they are one now.

    Nothing of it is acknowledged for the new key, so that all its fields are compared.
    """
    where = (ledger.destination, object_, gone)
    with ledger.transaction() as connection:
        connection.execute(
            "insert into changes (destination, run_id, at, object, key, action, remote_id, payload)"
            " select destination, ?, ?, object, ?, 'follow', remote_id, payload from records"
            " where destination = ? and object = ? and key = ?",
            (run_id, at.isoformat(), kept, *where),
        )
        connection.execute(
            "update records set key = ?, hash = '', run_id = ?"
            " where destination = ? and object = ? and key = ?",
            (kept, run_id, *where),
        )
        connection.execute(
            "delete from rejected where destination = ? and object = ? and key in (?, ?)",
            (ledger.destination, object_, gone, kept),
        )


def merged_in(ledger: Ledger, object_: str, key: str) -> list[Payload]:
    """What we had sent of the records that were merged into this one since it was last written.

    What a CRM moves from them into the fields of the one that is left was ours, too.
    """
    where = {"destination": ledger.destination, "object": object_, "key": key}
    found = ledger.connection.execute(_MERGED_IN, where).fetchall()
    return [json.loads(payload) for (payload,) in found]


def drop_rejected(ledger: Ledger, object_: str, keep: Collection[str]) -> None:
    """Take out refused rows of which nothing is to be sent any more."""
    stale = [key for key in ledger.rejected(object_) if key not in keep]
    if not stale:
        return
    with ledger.transaction() as connection:
        connection.executemany(
            "delete from rejected where destination = ? and object = ? and key = ?",
            [(ledger.destination, object_, key) for key in stale],
        )


def retry(ledger: Ledger, at: datetime, row: tuple[str, str] | None = None) -> int:
    """Let refused rows be tried by the next run, with all their attempts; returns how many.

    `row` is (object, key) of the one that is meant; all of them are without it.
    """
    where, given = ("", ()) if row is None else (" and object = ? and key = ?", row)
    with ledger.transaction() as connection:
        done = connection.execute(
            f"update rejected set next_at = ?, attempts = 0 where destination = ?{where}",
            (at.isoformat(), ledger.destination, *given),
        )
        return int(done.rowcount)
