"""The DuckDB warehouse: one writer, all or nothing.

Belongs here: locking, transactions, replacing a table, swapping partitions. Not here: what the
tables mean. A Spark warehouse would fill the same few methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from filelock import BaseFileLock, FileLock, Timeout
from pydantic import Field, PrivateAttr

from c360_assets.contracts.bookkeeping import EMPTY_CATALOG, LAYOUT_VERSION
from c360_assets.errors import WarehouseBusyError, WarehouseError
from c360_assets.warehouse.session import SAFE_CONFIG, SESSION


class Warehouse(DuckDBResource):
    """dagster-duckdb's resource with a file lock, transactions and whole-table replacement.

    `patience_seconds` is how long a writer waits for another process before it gives up.
    """

    patience_seconds: float = Field(
        default=1800.0, description="How long to wait for another process's writing, in seconds."
    )

    @classmethod
    def _is_dagster_maintained(cls) -> bool:
        return False

    _held: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)
    # kept while held: a lock object that nobody refers to is freed at once
    _held_lock: BaseFileLock | None = PrivateAttr(default=None)
    _holds: int = PrivateAttr(default=0)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Hold the lock and the open file for a whole run, so that runs never mix their steps."""
        self.hold()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the file and let the next run in."""
        self.let_go()

    def hold(self) -> None:
        """Take the lock and open the file until `let_go`; connections in between share them.

        May be called again while held: the last of as many `let_go` closes the file.

        Raises:
            WarehouseBusyError: another process wrote for longer than the patience.
            WarehouseError: the file cannot be opened.
        """
        if self._held is None:
            self._open()
        self._holds += 1

    def let_go(self) -> None:
        """Close the file, which folds its log into it, and free the lock."""
        if self._holds > 1:
            self._holds -= 1
            return
        held, lock = self._held, self._held_lock
        self._held, self._held_lock, self._holds = None, None, 0
        try:
            if held is not None:
                held.close()
        finally:
            if lock is not None:
                lock.release()

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the lock held. The lock is freed by the kernel if the holder dies.

        Raises:
            WarehouseBusyError: another process wrote for longer than the patience.
            WarehouseError: the file cannot be opened.
        """
        self.hold()
        try:
            held = self._held
            if held is None:
                raise WarehouseError(f"{self.database} was closed while it was in use")
            with held.cursor() as connection:
                connection.execute(SESSION)
                yield connection
        finally:
            self.let_go()

    def _open(self) -> None:
        lock = self._acquire()
        try:
            held = duckdb.connect(self.database, config={**SAFE_CONFIG, **self.connection_config})
            held.execute(EMPTY_CATALOG)
            self._require_layout(held)
        except BaseException as error:
            lock.release()
            if isinstance(error, duckdb.Error):
                raise WarehouseError(
                    f"{self.database} cannot be opened: {error}\nClose other programs that have it "
                    "open. If it is damaged, remove it: a run of `everything` builds it anew"
                ) from error
            raise
        self._held, self._held_lock = held, lock

    def _require_layout(self, held: duckdb.DuckDBPyConnection) -> None:
        """Refuse a warehouse whose bookkeeping another release wrote: its verdicts may not hold."""
        known = held.execute("select version from ops.layout").fetchall()
        if known == [(LAYOUT_VERSION,)]:
            return
        if known or held.execute("select 1 from ops.source_files limit 1").fetchall():
            held.close()
            raise WarehouseError(
                f"{self.database} was made by another release of c360. It is a cache: remove it, "
                "and `c360 run` builds it anew from the source and the merge files"
            )
        held.execute("insert into ops.layout values (?)", [LAYOUT_VERSION])

    def _acquire(self) -> BaseFileLock:
        Path(self.database).parent.mkdir(parents=True, exist_ok=True)
        # one lock object per path and process: several warehouses in one process share it
        lock = FileLock(f"{self.database}.lock", is_singleton=True, thread_local=False)
        try:
            lock.acquire(timeout=self.patience_seconds)
        except Timeout as error:
            raise WarehouseBusyError(
                f"{self.database} has been written by another process for "
                f"{self.patience_seconds:.0f} s; wait for that run to end, or stop it"
            ) from error
        return lock

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: all of it is committed, or nothing.

        Raises:
            WarehouseError: the engine refused a statement; everything was rolled back.
        """
        with self.get_connection() as connection:
            connection.execute("begin transaction")
            try:
                yield connection
                connection.execute("commit")
            except BaseException as error:
                # a commit that was refused has rolled back by itself
                with suppress(duckdb.Error):
                    connection.execute("rollback")
                if isinstance(error, duckdb.Error):
                    raise WarehouseError(
                        f"{error}\nNothing was changed: the previous tables stand."
                    ) from error
                raise

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for reading; it takes the lock, too, since DuckDB has one process."""
        with self.get_connection() as connection:
            yield connection
