"""Since when each row says what it says: what makes a second delivery the same as the first.

A row is noted before it is sent. What is sent again and says the same has the moment of its first
time, whatever happened in between (a crash, a time-out, another run); what says something else has
a new one, later than the last. So a state that comes back after another is news, and a delivery
that is repeated is not. Kept are keys, hashes and moments, in a SQLite file beside the ledger.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BUSY_SECONDS = 60.0


class Told:
    """What was last told of each row; `clock` gives seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        # a note that is lost with the power would make one delivery look like two
        self._connection.execute("pragma synchronous = full")
        self._connection.execute("pragma secure_delete = on")
        self._connection.execute(
            "create table if not exists told (kind text, key text, hash text not null,"
            " at integer not null, primary key (kind, key)) without rowid"
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def since(self, kind: str, what: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Since when `what` is done with each of these rows (told by `key`), ISO 8601 in UTC."""
        now = int(self._clock() * 1000)
        connection, moments = self._connection, []
        connection.execute("begin immediate")
        try:
            for row in rows:
                said = json.dumps([what, row], ensure_ascii=False, sort_keys=True)
                hash_ = hashlib.sha256(said.encode()).hexdigest()
                before = connection.execute(
                    "select hash, at from told where kind = ? and key = ?", (kind, row["key"])
                ).fetchone() or ("", 0)
                at = before[1] if before[0] == hash_ else max(now, before[1] + 1)
                moments.append(_text(at))
                connection.execute(
                    "insert or replace into told values (?, ?, ?, ?)", (kind, row["key"], hash_, at)
                )
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
        return moments

    def end(self, kind: str, keys: Sequence[str]) -> None:
        """What was said of these was answered with a refusal: said again, it is news."""
        self._connection.executemany(
            "update told set hash = '' where kind = ? and key = ?", [(kind, key) for key in keys]
        )

    def forget(self, kind: str, key: str) -> None:
        """Keep nothing of a row, nor of its links, whose keys hold its own between colons."""
        self._connection.execute(
            "delete from told where (kind = ? and key = ?)"
            " or instr(':' || key || ':', ':' || ? || ':') > 0",
            (kind, key, key),
        )


def _text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
