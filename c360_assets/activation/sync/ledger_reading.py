"""The ledger for those who only look: read-only, page by page, beside a sync under way.

Belongs here: what pages show of runs, refused rows and conflicts, in the order in which they show
it. Not here: anything that a sync needs to know (`ledger`), nor any writing. Nothing is locked, so
that a sync never waits for a reader. Times are naive UTC.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from c360_assets.activation.sync.ledger import BUSY_SECONDS
from c360_assets.activation.sync.ledger_links import key_of
from c360_assets.activation.sync.ledger_rows import VERSION, Conflict, Known, Rejected, Settled
from c360_assets.activation.sync.tally import Tally
from c360_assets.errors import ContractError, LedgerError

# by which rows may be sorted: what is asked for -> the columns
REJECTED_ORDERS: Mapping[str, tuple[str, ...]] = {
    "key": ("object", "key"),
    "attempts": ("attempts", "object", "key"),
    "last_at": ("last_at", "object", "key"),
    "next_at": ("next_at", "object", "key"),
    "reason": ("reason", "object", "key"),
}


@dataclass(frozen=True)
class LedgerRun:
    """One run of the ledger; `total` is None where it did not come to its end.

    `parts` are the figures by object and kind of link; runs of earlier releases have none.
    `acknowledged` are the rows that the CRM took, also of a run that broke off.
    """

    run_id: str
    started_at: datetime
    ended_at: datetime | None
    problem: str | None
    calls: int | None
    total: Tally | None
    acknowledged: int
    parts: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True)
class RejectedRow:
    """A row that the CRM refused. `keys` are its record, or the two ends of a link or merge."""

    object: str
    key: str
    keys: tuple[str, ...]
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime
    next_at: datetime | None


@dataclass(frozen=True)
class OpenConflict:
    """A conflict that nobody has settled, and when it was last seen."""

    conflict: Conflict
    seen_at: datetime


@dataclass(frozen=True)
class RecordRows:
    """What the ledger has of one record; `known` is None where the CRM never acknowledged it.

    `acknowledged_at` and `run_id` are those of the newest acknowledgement. `is_intended` says that
    it was under way when last written, and no answer is known.
    """

    key: str
    known: Known | None
    acknowledged_at: datetime | None
    run_id: str | None
    rejected: Rejected | None
    conflicts: tuple[OpenConflict, ...]
    settled: tuple[Settled, ...]
    is_intended: bool


@dataclass(frozen=True)
class HeldLink:
    """A link that the CRM acknowledged, by the keys of its ends."""

    kind: str
    from_key: str
    to_key: str
    acknowledged_at: datetime


class LedgerReader:
    """What the ledger says of one destination."""

    def __init__(self, connection: sqlite3.Connection, destination: str, version: int) -> None:
        self._connection, self._destination = connection, destination
        self._has_settled, self._has_parts = version >= 2, version >= 3

    def runs(self, limit: int, offset: int = 0) -> list[LedgerRun]:
        """The runs, the newest first."""
        problem = "problem" if self._has_parts else "null"
        rows = self._rows(
            f"select run_id, started_at, ended_at, {problem}, calls, planned, acknowledged,"
            " rejected, unknown from runs where destination = ?"
            " order by started_at desc, run_id desc limit ? offset ?",
            *(limit, offset),
        )
        return [self._run(*row) for row in rows]

    def number_of_runs(self) -> int:
        """How many runs there were."""
        return self._count("runs")

    def _run(
        self,
        run_id: str,
        started_at: str,
        ended_at: str | None,
        problem: str | None,
        calls: int | None,
        planned: int | None,
        *counts: int,
    ) -> LedgerRun:
        total = None if planned is None else Tally(planned, *counts)
        parts = self._parts(run_id)
        if total is not None:
            total.conflicts = sum(part.conflicts for part in parts.values())
        done = total.acknowledged if total is not None else self._count("changes", run_id=run_id)
        times = (_time(started_at), _time(ended_at) if ended_at else None)
        return LedgerRun(run_id, *times, problem, calls, total, done, parts)

    def _parts(self, run_id: str) -> dict[str, Tally]:
        if not self._has_parts:
            return {}
        rows = self._rows(
            "select part, planned, acknowledged, rejected, unknown, conflicts from run_parts"
            " where destination = ? and run_id = ? order by part",
            run_id,
        )
        return {part: Tally(*counts) for part, *counts in rows}

    def rejected(
        self, limit: int, offset: int = 0, order: str = "key", *, is_descending: bool = False
    ) -> list[RejectedRow]:
        """Some of the refused rows; those that are not tried again come last, by `next_at`.

        Raises:
            ContractError: there is no such order.
        """
        if order not in REJECTED_ORDERS:
            raise ContractError(f"no order {order!r}; there are {', '.join(REJECTED_ORDERS)}")
        direction = "desc" if is_descending else "asc"
        columns = [f"{column} {direction} nulls last" for column in REJECTED_ORDERS[order]]
        rows = self._rows(
            "select object, key, reason, attempts, first_at, last_at, next_at from rejected"
            f" where destination = ? order by {', '.join(columns)} limit ? offset ?",
            *(limit, offset),
        )
        return [_refused(*row) for row in rows]

    def number_of_rejected(self) -> int:
        """How many rows are refused."""
        return self._count("rejected")

    def conflicts(self, limit: int, offset: int = 0) -> list[OpenConflict]:
        """Some of the open conflicts, by object, key and field."""
        rows = self._rows(
            "select object, key, field, policy, last_sent, in_crm, wanted, at from conflicts"
            " where destination = ? order by object, key, field limit ? offset ?",
            *(limit, offset),
        )
        return [OpenConflict(Conflict(*row[:-1]), _time(row[-1])) for row in rows]

    def number_of_conflicts(self) -> int:
        """How many conflicts are open."""
        return self._count("conflicts")

    def record(self, object_: str, key: str) -> RecordRows:
        """Everything about one record of an object."""
        columns = "remote_id, payload, hash, acknowledged_at, run_id"
        known = [
            (Known(key, remote_id, json.loads(payload), hash_), _time(at), run)
            for remote_id, payload, hash_, at, run in self._of(object_, key, "records", columns)
        ]
        columns = "hash, reason, attempts, next_at"
        refused = [
            Rejected(object_, key, hash_, reason, attempts, None if at is None else _time(at))
            for hash_, reason, attempts, at in self._of(object_, key, "rejected", columns)
        ]
        columns = "field, policy, last_sent, in_crm, wanted, at"
        conflicts = tuple(
            OpenConflict(Conflict(object_, key, *row[:-1]), _time(row[-1]))
            for row in self._of(object_, key, "conflicts", columns)
        )
        held, acknowledged_at, run_id = known[0] if known else (None, None, None)
        return RecordRows(
            key,
            held,
            acknowledged_at,
            run_id,
            refused[0] if refused else None,
            conflicts,
            self._settled(object_, key),
            bool(self._of(object_, key, "intents", "intent")),
        )

    def remote_ids(self, object_: str, keys: Iterable[str]) -> dict[str, str]:
        """The remote ids of those of these records that the CRM acknowledged, by key."""
        found = {key: self._of(object_, key, "records", "remote_id") for key in keys}
        return {key: rows[0][0] for key, rows in found.items() if rows}

    def links(self, kind: str, key: str, *, is_start: bool) -> list[HeldLink]:
        """The links of a kind that start at a record, or end at it; by their keys."""
        rows = self._rows(
            "select from_key, to_key, acknowledged_at from links where destination = ?"
            f" and kind = ? and {'from_key' if is_start else 'to_key'} = ?"
            " order by from_key, to_key",
            *(kind, key),
        )
        return [HeldLink(kind, start, end, _time(at)) for start, end, at in rows]

    def refused_link(self, kind: str, pair: tuple[str, str]) -> str | None:
        """Why the CRM refused to make, or to take away, the link of these keys."""
        rows = self._of(kind, key_of(pair), "rejected", "reason")
        return rows[0][0] if rows else None

    def _settled(self, object_: str, key: str) -> tuple[Settled, ...]:
        if not self._has_settled:
            return ()
        rows = self._of(object_, key, "settled", "field, decision, value")
        return tuple(Settled(*row) for row in rows)

    def _of(self, object_: str, key: str, table: str, columns: str) -> Sequence[tuple[Any, ...]]:
        return self._rows(
            f"select {columns} from {table} where destination = ? and object = ? and key = ?"
            " order by 1",
            *(object_, key),
        )

    def number_of_intents(self) -> int:
        """Rows of which no answer is known."""
        return self._count("intents")

    def _count(self, table: str, run_id: str | None = None) -> int:
        more, given = (" and run_id = ?", (run_id,)) if run_id is not None else ("", ())
        rows = self._rows(f"select count(*) from {table} where destination = ?{more}", *given)
        return int(rows[0][0])

    def _rows(self, sql: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        return self._connection.execute(sql, [self._destination, *parameters]).fetchall()


@contextmanager
def read_ledger(path: Path, destination: str) -> Iterator[LedgerReader | None]:
    """Look at the ledger as it is now; None where there is none yet, since nothing was synced.

    Raises:
        LedgerError: it was written by a later release, or cannot be read.
    """
    if not path.exists():
        yield None
        return
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(
            sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            # one state of the file for all that is asked
            connection.execute("begin")
            version = connection.execute("pragma user_version").fetchone()[0]
            if version > VERSION:
                raise LedgerError(
                    f"{path} has the format {version}, this c360 reads up to {VERSION}; use the "
                    "release of c360 that wrote it. Do not remove it"
                )
            yield LedgerReader(connection, destination, version) if version else None
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path} cannot be read ({error}); see to its rights and to the disk, and do not "
            "remove it: it alone knows what the CRM holds by us"
        ) from error


def ends_of(key: str) -> tuple[str, ...]:
    """The record of a refused row; of a refused link its two ends."""
    if not key.startswith("["):
        return (key,)
    try:
        found = json.loads(key)
    except ValueError:
        return (key,)
    is_pair = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return tuple(found) if is_pair else (key,)


def _refused(
    object_: str, key: str, reason: str, attempts: int, first: str, last: str, next_: str | None
) -> RejectedRow:
    next_at = None if next_ is None else _time(next_)
    return RejectedRow(
        *(object_, key, ends_of(key), reason, attempts), _time(first), _time(last), next_at
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
