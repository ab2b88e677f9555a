"""The Dagster instance: DAGSTER_HOME under C360_HOME, telemetry off, one run at a time.

`python -m c360_assets.instance` prepares it and prints its path.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.pool import QueuePool

from c360_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAGSTER_YAML = """\
# written by c360; edit freely, it is written only where it is missing
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
"""

# Where Dagster makes an engine for every statement (1.13); each names `sqlalchemy.create_engine`.
HISTORY_MODULES = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
    "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
)
KEPT_ENGINES = 8  # files held open: the index, the runs, the schedules and the newest runs' events


def prepare_dagster_home(settings: Settings) -> Path:
    """Create DAGSTER_HOME with its `dagster.yaml`, point the environment at it; returns it.

    The first caller also sets up Dagster's databases, behind a lock: two processes that find them
    missing at the same moment would fail each other.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    ready = home / ".ready"
    with FileLock(home / ".ready.lock"):
        config = home / "dagster.yaml"
        if not config.exists():
            config.write_text(DAGSTER_YAML, encoding="utf-8")
        if not ready.exists():
            _set_up_databases()
            ready.touch()
    return home


@contextmanager
def quiet_dagster() -> Iterator[None]:
    """Leave out Dagster's warnings about its own beta features, at this door only."""
    dagster = importlib.import_module("dagster")
    with warnings.catch_warnings():
        for category in (dagster.BetaWarning, dagster.PreviewWarning, dagster.SupersessionWarning):
            warnings.simplefilter("ignore", category)
        yield


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The instance of DAGSTER_HOME under C360_HOME, which the Dagster UI shows."""
    prepare_dagster_home(settings)
    dagster = importlib.import_module("dagster")
    with dagster.DagsterInstance.get() as instance:
        yield instance


def _set_up_databases() -> None:
    # Dagster takes seconds to import, and callers that only need the folder should not wait
    dagster = importlib.import_module("dagster")
    with dagster.DagsterInstance.get() as instance:
        instance.get_runs_count()
        instance.event_log_storage.get_maximum_record_id()
        instance.all_instigator_state()


@lru_cache(maxsize=1)
def relax_sqlite() -> None:
    """Make Dagster's SQLite history cheap: flush at checkpoints, and keep its files open.

    A run writes some thousand events. Flushing after each costs milliseconds; in WAL mode it is
    safe against a killed process not to (a power cut may lose the newest events, never the file).
    And Dagster makes a new engine per statement, which compiles the statement anew, and whose
    closing folds the WAL into the file: with kept engines an event costs half. Where a later
    Dagster makes its engines otherwise, it is left alone.
    """
    sa.event.listen(sa.engine.Engine, "connect", _flush_at_checkpoints)
    for name in HISTORY_MODULES:
        module = importlib.import_module(name)
        if getattr(module, "create_engine", None) is sa.create_engine:
            vars(module)["create_engine"] = _ENGINES.get


def _flush_at_checkpoints(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = normal")


class _KeptPool(QueuePool):
    """A pool that outlives `Engine.dispose`, which Dagster calls after every statement."""

    def dispose(self) -> None:
        """Keep the connections; see `close`."""

    def recreate(self) -> _KeptPool:
        return self

    def close(self) -> None:
        """Close the idle connections."""
        super().dispose()


@dataclass
class _Kept:
    engine: sa.Engine
    inode: int | None

    def close(self) -> None:
        pool = self.engine.pool
        if isinstance(pool, _KeptPool):
            pool.close()


class _Engines:
    """Engines by process and file, the least recently used ones closed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str, **options: Any) -> sa.Engine:
        """The engine of that file; a new one where the file was deleted or replaced."""
        key = (os.getpid(), url)
        inode = _inode(url)
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is not None and kept.inode not in (None, inode):
                kept.close()
                kept = None
            if kept is None:
                pool = {"poolclass": _KeptPool, "pool_size": 1, "max_overflow": -1}
                kept = _Kept(sa.create_engine(url, **{**options, **pool}), inode)
            kept.inode = inode
            self._kept[key] = kept
            while len(self._kept) > KEPT_ENGINES:
                self._kept.popitem(last=False)[1].close()
            return kept.engine


def _inode(url: str) -> int | None:
    try:
        return os.stat(url.removeprefix("sqlite:///")).st_ino
    except OSError:
        return None


_ENGINES = _Engines()


if __name__ == "__main__":
    print(prepare_dagster_home(Settings.load()))
