"""The ledger: what each CRM has acknowledged, and what was under way.

A SQLite file of its own, since nothing else can tell: the warehouse can be rebuilt, a CRM's
acknowledgement cannot. It is written in small transactions that are flushed before the caller goes
on, so that a killed process leaves either an intent or its outcome. Readers are never blocked.

Belongs here: records, runs, what was refused; links and conflicts have modules of their own. Not
here: what to send (`plan`) and how (`apply`). Payloads are JSON texts; times are naive UTC in ISO
8601; no secret is ever among them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from c360_assets.activation.sync.ledger_rows import (
    SCHEMA,
    SINCE_1,
    SINCE_2,
    VERSION,
    Acknowledged,
    Change,
    Counts,
    Intent,
    Known,
    Rejected,
)
from c360_assets.activation.sync.model import Payload
from c360_assets.activation.sync.tally import Tally
from c360_assets.errors import LedgerError

BUSY_SECONDS = 60.0
# a rejected row waits longer from time to time, and at last for a change of what is wanted
FIRST_WAIT = timedelta(minutes=5)
MAX_WAIT = timedelta(days=1)
MAX_ATTEMPTS = 8


class Ledger:
    """The acknowledged state of one destination in the ledger's file."""

    def __init__(self, path: Path, destination: str) -> None:
        self.path, self.destination = path, destination
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = full")
        self._prepare()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        with self.transaction() as connection:
            version = connection.execute("pragma user_version").fetchone()[0]
            # each part is what a file of that version lacks
            lacking = [SCHEMA, SINCE_1, SINCE_2][version:]
            if 0 <= version < VERSION:
                for statement in ";".join(lacking).split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {VERSION}")
            elif version != VERSION:
                raise LedgerError(
                    f"{self.path} has the format {version}, this c360 writes {VERSION}; "
                    "use the release of c360 that wrote it. Do not remove it: it alone knows what "
                    "the CRM holds by us"
                )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, flushed to disk at its end."""
        connection = self.connection
        connection.execute("begin immediate")
        try:
            yield connection
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")

    # --- reading -------------------------------------------------------------------------------

    def hashes(self, object_: str) -> list[tuple[str, str, str]]:
        """(key, remote id, hash) of every acknowledged record, by key."""
        rows = self.rows(
            "select key, remote_id, hash from records where destination = ? and object = ?"
            " order by key",
            object_,
        )
        return [(key, remote_id, hash_) for key, remote_id, hash_ in rows]

    def known(self, object_: str, keys: Iterable[str]) -> dict[str, Known]:
        """The acknowledged records of these keys."""
        found = {}
        for key in keys:
            rows = self.rows(
                "select key, remote_id, payload, hash from records"
                " where destination = ? and object = ? and key = ?",
                object_,
                key,
            )
            for row in rows:
                found[row[0]] = Known(row[0], row[1], json.loads(row[2]), row[3])
        return found

    def owners(self, object_: str, remote_ids: Iterable[str]) -> dict[str, str]:
        """Whose records these are: remote id -> key, of those that are ours."""
        return {
            remote_id: key
            for remote_id in remote_ids
            for (key,) in self.rows(
                "select key from records where destination = ? and object = ? and remote_id = ?",
                *(object_, remote_id),
            )
        }

    def rejected(self, object_: str) -> dict[str, Rejected]:
        """The rejected rows by key."""
        rows = self.rows(
            "select object, key, hash, reason, attempts, next_at from rejected"
            " where destination = ? and object = ?",
            object_,
        )
        return {
            key: Rejected(name, key, hash_, reason, attempts, _time(next_at))
            for name, key, hash_, reason, attempts, next_at in rows
        }

    def all_rejected(self) -> list[Rejected]:
        """Every rejected row, by object and key."""
        names = self.rows("select distinct object from rejected where destination = ? order by 1")
        return [row for (name,) in names for row in self.rejected(name).values()]

    def first_changes(self, run_id: str) -> list[Change]:
        """The first change of each record in a run: what stood before it."""
        rows = self.rows(
            "select object, key, action, payload_before, hash_before from changes"
            " where destination = ? and run_id = ? and change in ("
            "     select min(change) from changes where destination = ? and run_id = ?"
            "     group by object, key"
            " ) order by object, key",
            run_id,
            *(self.destination, run_id),
        )
        return [
            Change(name, key, action, None if payload is None else json.loads(payload), hash_)
            for name, key, action, payload, hash_ in rows
        ]

    def runs(self) -> list[str]:
        """The runs so far, the newest first."""
        rows = self.rows("select run_id from runs where destination = ? order by started_at desc")
        return [run_id for (run_id,) in rows]

    def last_action(self, object_: str, key: str) -> str | None:
        """What was last acknowledged about a record: create, update, adopt, merge, merged, …"""
        rows = self.rows(
            "select action from changes where destination = ? and object = ? and key = ?"
            " order by change desc limit 1",
            object_,
            key,
        )
        return rows[0][0] if rows else None

    def intents(self) -> list[Intent]:
        """The rows of which no answer is known, in the order in which they were intended."""
        rows = self.rows(
            "select object, key, remote_id, unique_text, written, payload, hash, run_id"
            " from intents where destination = ? order by intent, key"
        )
        return [
            Intent(name, key, remote_id, unique, json.loads(written), json.loads(payload), *rest)
            for name, key, remote_id, unique, written, payload, *rest in rows
        ]

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query whose first parameter is the destination."""
        return self.connection.execute(sql, [self.destination, *parameters]).fetchall()

    # --- writing -------------------------------------------------------------------------------

    def intend(self, rows: Sequence[Intent], at: datetime) -> None:
        """Note that these rows are about to be sent."""
        with self.transaction() as connection:
            (number,) = connection.execute("select coalesce(max(intent), 0) + 1 from intents")
            connection.executemany(
                "insert or replace into intents values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(number[0], self.destination, row.object, row.key, row.remote_id),
                        *(row.unique, _json(row.written), _json(row.payload), row.hash),
                        *(row.run_id, at.isoformat()),
                    )
                    for row in rows
                ],
            )

    def settle(
        self,
        acknowledged: Sequence[Acknowledged],
        rejected: Mapping[tuple[str, str, str], str],
        run_id: str,
        at: datetime,
    ) -> None:
        """Write what the CRM said of rows: those it took, and those it refused with the reason.

        `rejected` is (object, key, hash) -> reason. Their intents end; those of others stay open.
        """
        if not acknowledged and not rejected:
            return  # an empty transaction would be flushed, too
        with self.transaction() as connection:
            for row in acknowledged:
                self._remember(connection, row, run_id, at)
            for (object_, key, hash_), reason in rejected.items():
                self.refuse(connection, object_, key, hash_, reason, run_id, at)

    def forget_intents(self, rows: Sequence[tuple[str, str]]) -> None:
        """End the intents of (object, key) that never arrived."""
        with self.transaction() as connection:
            connection.executemany(
                "delete from intents where destination = ? and object = ? and key = ?",
                [(self.destination, *row) for row in rows],
            )

    def _remember(
        self, connection: sqlite3.Connection, row: Acknowledged, run_id: str, at: datetime
    ) -> None:
        where = (self.destination, row.object, row.key)
        before = connection.execute(
            "select remote_id, payload, hash from records"
            " where destination = ? and object = ? and key = ?",
            where,
        ).fetchone() or (None, None, None)
        connection.execute(
            "insert into changes (destination, run_id, at, object, key, action, remote_id_before,"
            " payload_before, hash_before, remote_id, payload) values (?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(self.destination, run_id, at.isoformat(), row.object, row.key, row.action),
                *(*before, row.remote_id, _json(row.payload)),
            ),
        )
        hash_ = self._close_decisions(connection, row, at)
        if row.action in ("delete", "merged"):
            connection.execute(
                "delete from records where destination = ? and object = ? and key = ?", where
            )
        else:
            connection.execute(
                "insert or replace into records values (?, ?, ?, ?, ?, ?, ?, ?)",
                (*where, row.remote_id, _json(row.payload), hash_, at.isoformat(), run_id),
            )
        for table in ("rejected", "intents"):
            connection.execute(
                f"delete from {table} where destination = ? and object = ? and key = ?", where
            )
        connection.execute(
            "delete from rejected where destination = ? and object = ? || ' merges' and key = ?",
            where,
        )

    def _close_decisions(
        self, connection: sqlite3.Connection, row: Acknowledged, at: datetime
    ) -> str:
        """Take out what people settled for us, which is done with; theirs stays.

        Returns the hash to keep: none where somebody decided after the row had been looked at, so
        that the next run looks again.
        """
        where = (self.destination, row.object, row.key)
        looked_at = None if row.looked_at is None else row.looked_at.isoformat()
        if looked_at is None:
            intents = connection.execute(
                "select at from intents where destination = ? and object = ? and key = ?", where
            ).fetchone()
            looked_at = intents[0] if intents else at.isoformat()
        connection.execute(
            "delete from settled where destination = ? and object = ? and key = ?"
            " and decision = 'ours' and decided_at <= ?",
            (*where, looked_at),
        )
        later = connection.execute(
            "select 1 from settled where destination = ? and object = ? and key = ?"
            " and decided_at > ?",
            (*where, looked_at),
        ).fetchone()
        return "" if later else row.hash

    def refuse(
        self,
        connection: sqlite3.Connection,
        object_: str,
        key: str,
        hash_: str,
        reason: str,
        run_id: str,
        at: datetime,
    ) -> None:
        """Keep a row that was refused, and when it is tried again; its intent ends."""
        where = (self.destination, object_, key)
        before = connection.execute(
            "select attempts, first_at from rejected"
            " where destination = ? and object = ? and key = ? and hash = ?",
            (*where, hash_),
        ).fetchone() or (0, at.isoformat())
        attempts = before[0] + 1
        wait = min(FIRST_WAIT * 2 ** (attempts - 1), MAX_WAIT)
        next_at = None if attempts >= MAX_ATTEMPTS else (at + wait).isoformat()
        connection.execute(
            "insert or replace into rejected values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*where, hash_, reason, attempts, before[1], at.isoformat(), next_at, run_id),
        )
        connection.execute(
            "delete from intents where destination = ? and object = ? and key = ?", where
        )

    def begin_run(self, run_id: str, at: datetime) -> None:
        """Note that a run began; one that was killed and is run again keeps its row."""
        with self.transaction() as connection:
            connection.execute(
                "insert or replace into runs (destination, run_id, started_at) values (?, ?, ?)",
                (self.destination, run_id, at.isoformat()),
            )

    def end_run(self, run_id: str, counts: Counts, at: datetime) -> None:
        """Note how a run ended."""
        total = Tally.of(counts.parts.values())
        with self.transaction() as connection:
            connection.execute(
                "update runs set ended_at = ?, planned = ?, acknowledged = ?, rejected = ?,"
                " unknown = ?, calls = ? where destination = ? and run_id = ?",
                (
                    *(at.isoformat(), total.planned, total.acknowledged, total.rejected),
                    *(total.unknown, counts.calls, self.destination, run_id),
                ),
            )
            connection.executemany(
                "insert or replace into run_parts values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(self.destination, run_id, part, tally.planned, tally.acknowledged),
                        *(tally.rejected, tally.unknown, tally.conflicts),
                    )
                    for part, tally in counts.parts.items()
                ],
            )

    def break_run(self, run_id: str, problem: str, at: datetime) -> None:
        """Note that a run could not go on, and why; what was acknowledged until then stands."""
        with self.transaction() as connection:
            connection.execute(
                "update runs set ended_at = ?, problem = ? where destination = ? and run_id = ?",
                (at.isoformat(), problem, self.destination, run_id),
            )


def _json(payload: Payload) -> str:
    return json.dumps(dict(payload), ensure_ascii=False, sort_keys=True)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
