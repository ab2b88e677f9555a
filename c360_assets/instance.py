"""The Dagster instance: DAGSTER_HOME under C360_HOME, telemetry off, one run at a time.

`python -m c360_assets.instance` prepares it and prints its path.
"""

from __future__ import annotations

import os
import sqlite3
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from c360_assets.settings import Settings

DAGSTER_YAML = """\
# written by c360; edit freely, it is written only where it is missing
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Create DAGSTER_HOME with its `dagster.yaml`, point the environment at it; returns it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


@lru_cache(maxsize=1)
def relax_sqlite() -> None:
    """Let Dagster's SQLite history flush at checkpoints instead of after every event.

    A run writes some thousand events, and a flush costs milliseconds. In WAL mode this is safe
    against a killed process; a power cut may lose the newest events, never the file.
    """
    sa.event.listen(sa.engine.Engine, "connect", _flush_at_checkpoints)


def _flush_at_checkpoints(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = normal")


if __name__ == "__main__":
    print(prepare_dagster_home(Settings.load()))
