"""The links that a CRM acknowledged or refused, in the ledger.

A link has no id: its ends have, in the vendor's spelling. A refused one is kept among the rejected
rows, under the name of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from c360_assets.activation.sync.ledger import Ledger

# (from key, to key), and (from id, to id)
Pair: TypeAlias = tuple[str, str]


def links(ledger: Ledger, kind: str) -> dict[Pair, Pair]:
    """The acknowledged links: keys -> remote ids."""
    rows = ledger.rows(
        "select from_key, to_key, from_id, to_id from links where destination = ? and kind = ?",
        kind,
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def links_astray(ledger: Ledger, kind: str, objects: tuple[str, str]) -> list[Pair]:
    """Links whose ends are records that the CRM has no more, or under another id; by their keys."""
    return [
        (start, end)
        for start, end in ledger.rows(
            "select l.from_key, l.to_key from links as l"
            " left join records as a on a.destination = ?"
            " and a.object = ? and a.key = l.from_key"
            " left join records as b on b.destination = l.destination"
            " and b.object = ? and b.key = l.to_key"
            " where l.destination = ? and l.kind = ?"
            " and (a.remote_id is not l.from_id or b.remote_id is not l.to_id)",
            *(*objects, ledger.destination, kind),
        )
    ]


def waiting_links(ledger: Ledger, kind: str, now: datetime) -> set[Pair]:
    """Refused links whose next attempt is not due. `now` is naive UTC."""
    return {
        _pair(row.key)
        for row in ledger.rejected(kind).values()
        if row.next_at is None or row.next_at > now
    }


def settle_links(
    ledger: Ledger,
    kind: str,
    taken: Mapping[Pair, Pair],
    refused: Mapping[Pair, str],
    is_made: bool,
    run_id: str,
    at: datetime,
) -> None:
    """Write which links the CRM made or took away (keys -> remote ids), and what it refused."""
    if not taken and not refused:
        return
    with ledger.transaction() as connection:
        for pair in taken:
            connection.execute(
                "delete from rejected where destination = ? and object = ? and key = ?",
                (ledger.destination, kind, key_of(pair)),
            )
        _drop(ledger, kind, taken)
        if is_made:
            _add(ledger, kind, taken, run_id, at)
        for pair, reason in refused.items():
            ledger.refuse(connection, kind, key_of(pair), "", reason, run_id, at)


def follow_records(
    ledger: Ledger,
    kind: str,
    moved: Mapping[Pair, tuple[Pair, Pair]],
    ended: Iterable[Pair],
    run_id: str,
    at: datetime,
) -> None:
    """Let links follow records that were merged: old keys -> (new keys, remote ids of today).

    `ended` are links that the ledger is to know no more.
    """
    if not moved and not ended:
        return
    with ledger.transaction():
        _drop(ledger, kind, [*moved, *ended])
        _add(ledger, kind, dict(moved.values()), run_id, at)


def _drop(ledger: Ledger, kind: str, pairs: Iterable[Pair]) -> None:
    ledger.connection.executemany(
        "delete from links where destination = ? and kind = ? and from_key = ? and to_key = ?",
        [(ledger.destination, kind, *pair) for pair in pairs],
    )


def _add(ledger: Ledger, kind: str, pairs: Mapping[Pair, Pair], run_id: str, at: datetime) -> None:
    ledger.connection.executemany(
        "insert or replace into links values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (ledger.destination, kind, *pair, *ids, at.isoformat(), run_id)
            for pair, ids in pairs.items()
        ],
    )


def key_of(pair: Pair) -> str:
    """Under which key a refused link is kept."""
    return json.dumps(pair, ensure_ascii=False)


def _pair(key: str) -> Pair:
    start, end = json.loads(key)
    return start, end
