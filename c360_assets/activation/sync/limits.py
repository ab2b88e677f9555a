"""How many calls an account has left: one count for all runs and processes on this machine.

A vendor allows so many calls within so many seconds. The calls of the last seconds are kept in a
SQLite file; who wants to call waits until fewer than that many lie in the window. What a vendor's
answers say of its limit replaces what we assumed. Keys of an account are never stored.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

BUSY_SECONDS = 30.0


class CallLimit:
    """A sliding window of `calls` within `seconds`, shared by name through a file."""

    def __init__(
        self,
        path: Path,
        name: str,
        calls: int,
        seconds: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name, self._assumed = name, (calls, seconds)
        self._clock, self._sleep = clock, sleep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("create table if not exists calls (name text, at real)")
        self._connection.execute(
            "create table if not exists limits (name text primary key, calls integer,"
            " seconds real, closed_until real)"
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def take(self) -> float:
        """Wait for a free place and take it; returns the seconds waited."""
        waited = 0.0
        while (wait := self._try()) > 0:
            self._sleep(wait)
            waited += wait
        return waited

    def known(self) -> tuple[int, float]:
        """The calls and the seconds of the limit: what the vendor told, else what we assume."""
        row = self._connection.execute(
            "select calls, seconds from limits where name = ?", [self._name]
        ).fetchone()
        return (int(row[0]), float(row[1])) if row else self._assumed

    def learn(self, calls: int, seconds: float) -> None:
        """Go by the limit that the vendor told."""
        if calls > 0 and seconds > 0:
            self._connection.execute(
                "insert into limits (name, calls, seconds) values (?, ?, ?) on conflict (name)"
                " do update set calls = excluded.calls, seconds = excluded.seconds",
                (self._name, calls, seconds),
            )

    def close_for(self, seconds: float) -> None:
        """Let nobody call for so long: the vendor asked for it."""
        calls, window = self._assumed
        self._connection.execute(
            "insert into limits values (?, ?, ?, ?) on conflict (name) do update set"
            " closed_until = max(coalesce(closed_until, 0), excluded.closed_until)",
            (self._name, calls, window, self._clock() + seconds),
        )

    def _try(self) -> float:
        """Take a place (0), or the seconds until one may be free."""
        connection = self._connection
        connection.execute("begin immediate")
        try:
            now = self._clock()
            row = connection.execute(
                "select calls, seconds, coalesce(closed_until, 0) from limits where name = ?",
                [self._name],
            ).fetchone()
            calls, seconds, closed_until = row or (*self._assumed, 0.0)
            connection.execute(
                "delete from calls where name = ? and (at <= ? or at > ?)",
                (self._name, now - seconds, now + seconds),
            )
            wait = max(float(closed_until) - now, 0.0)
            if wait == 0.0:
                made = connection.execute(
                    "select at from calls where name = ? order by at desc limit 1 offset ?",
                    (self._name, calls - 1),
                ).fetchone()
                if made is None:
                    connection.execute("insert into calls values (?, ?)", (self._name, now))
                else:
                    wait = max(float(made[0]) + seconds - now, 0.001)
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
        return wait
