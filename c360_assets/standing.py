"""How the pipeline stands by Dagster's history: assets, the latest of every check, the last runs.

Belongs here: reading the history, for `c360 status` and the pages. Not here: the published copy,
and how it is shown. The warehouse is left alone, since a run may hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from c360_assets.definitions import build_defs
from c360_assets.instance import open_instance, quiet_dagster
from c360_assets.settings import Settings

LAST_RUNS = 5


@dataclass(frozen=True)
class Graph:
    """The assets, those before others first, and the checks that these settings give."""

    assets: tuple[dg.AssetKey, ...]
    checks: tuple[dg.AssetCheckKey, ...]


def graph_of(settings: Settings) -> Graph:
    """The names of all assets and checks; takes a second, and is the same while a process lives."""
    with quiet_dagster():
        # only names are needed here: any first day will do, and the source is not read
        definitions = build_defs(settings, dg.DailyPartitionsDefinition("2020-01-01"))
        graph = definitions.resolve_asset_graph()
        assets = tuple(graph.toposorted_asset_keys)
        return Graph(assets, tuple(sorted(graph.asset_check_keys)))


def history(
    settings: Settings, graph: Graph, now: datetime, last_runs: int = LAST_RUNS
) -> dict[str, Any]:
    """The assets, checks and last runs as Dagster keeps them. `now` is naive UTC.

    Returns:
        `assets`: asset, materialized_at, rows, run_id, each. `checks`: passed and not_run (names),
        warned and failed (asset, check, rows, evaluated_at). `runs`, the newest first: run_id,
        job, status, started_at, seconds. Times are naive UTC.
    """
    with quiet_dagster(), open_instance(settings) as instance:
        return {
            "assets": _assets(instance, list(graph.assets)),
            "checks": _checks(instance, list(graph.checks)),
            "runs": _runs(instance, now, last_runs),
        }


def _assets(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> list[dict[str, Any]]:
    latest = instance.get_latest_materialization_events(keys)
    found = []
    for key in keys:
        entry = latest.get(key)
        materialization = entry.asset_materialization if entry else None
        rows = materialization.metadata.get("dagster/row_count") if materialization else None
        found.append(
            {
                "asset": key.path[-1],
                "materialized_at": _utc(entry.timestamp) if entry else None,
                "rows": rows.value if isinstance(rows, dg.IntMetadataValue) else None,
                "run_id": entry.run_id if entry else None,
            }
        )
    return found


def _checks(instance: dg.DagsterInstance, keys: list[dg.AssetCheckKey]) -> dict[str, Any]:
    """The latest evaluation of every check; planned ones that never ran count as not run."""
    storage = instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(keys)
    found: dict[str, Any] = {"passed": 0, "warned": [], "failed": [], "not_run": []}
    for key in keys:
        record = latest.get(key)
        event = record.event.dagster_event if record and record.event else None
        name = {"asset": key.asset_key.path[-1], "check": key.name}
        if record is None or record.status == AssetCheckExecutionRecordStatus.PLANNED or not event:
            found["not_run"].append(name)
        elif record.status == AssetCheckExecutionRecordStatus.SUCCEEDED:
            found["passed"] += 1
        else:
            evaluation = event.asset_check_evaluation_data
            is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
            breaches = evaluation.metadata.get("breaches")
            rows = breaches.value if isinstance(breaches, dg.IntMetadataValue) else None
            at = _utc(record.event.timestamp) if record.event else None
            entry = {**name, "rows": rows, "evaluated_at": at}
            found["failed" if is_error else "warned"].append(entry)
    return found


def _runs(instance: dg.DagsterInstance, now: datetime, limit: int) -> list[dict[str, Any]]:
    found = []
    for record in instance.get_run_records(limit=limit):
        began, ended = record.start_time, record.end_time
        seconds = None if began is None else (ended or now.replace(tzinfo=UTC).timestamp()) - began
        found.append(
            {
                "run_id": record.dagster_run.run_id,
                "job": record.dagster_run.job_name,
                "status": record.dagster_run.status.value.lower(),
                "started_at": None if began is None else _utc(began),
                "seconds": None if seconds is None else round(seconds, 1),
            }
        )
    return found


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)
