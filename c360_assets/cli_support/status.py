"""`c360 status`: what is there, how old it is, and what needs attention.

From Dagster's history and the published copy; never from the warehouse, which a run may hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from c360_assets.cli_support.output import STYLES, Output, ago, duration
from c360_assets.cli_support.pipeline import open_instance, quiet_dagster
from c360_assets.definitions import build_defs
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published, read_manifest
from c360_assets.warehouse.session import fetch_dicts

LAST_RUNS = 5
SHOWN_DECISIONS = 10

NEWEST = """
    select max(greatest(
        coalesce(most_recent_event, most_recent_order),
        coalesce(most_recent_order, most_recent_event)
    )) as newest
    from marts.contacts
"""
REJECTED = """
    select source_table, reason, count(*) as number_of_rows from ops.rejected_rows
    group by all order by source_table, number_of_rows desc, reason
"""
OUTCOMES = """
    select kind, outcome, count(*) as decisions from identity.merge_journal
    group by all order by kind desc, outcome
"""
UNSETTLED = """
    select kind, source_file, source_row, old_key, new_key, outcome, outcome_reason, explanation
    from identity.merge_journal where outcome in ('pending', 'refused')
    order by outcome desc, kind desc, source_file, source_row
"""


def status(settings: Settings, now: datetime) -> dict[str, Any]:
    """Everything there is to say, as a document. `now` is naive UTC."""
    with quiet_dagster(), open_instance(settings) as instance:
        # only names are needed here: any first day will do, and the source is not read
        definitions = build_defs(settings, dg.DailyPartitionsDefinition("2020-01-01"))
        graph = definitions.resolve_asset_graph()
        found = {
            "home": settings.home_dir,
            "source": settings.source_dir,
            "assets": _assets(instance, list(graph.toposorted_asset_keys)),
            "checks": _checks(instance, sorted(graph.asset_check_keys)),
            "runs": _runs(instance, now),
        }
    return {**found, **_published(settings, now)}


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


def _runs(instance: dg.DagsterInstance, now: datetime) -> list[dict[str, Any]]:
    found = []
    for record in instance.get_run_records(limit=LAST_RUNS):
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


def _published(settings: Settings, now: datetime) -> dict[str, Any]:
    manifest = read_manifest(settings)
    if manifest is None:
        return {"published": None, "data": None, "rejected": [], "merges": None}
    with open_published(settings) as connection:
        newest = connection.execute(NEWEST).fetchall()[0][0]
        return {
            "published": {
                "path": manifest.database,
                "published_at": manifest.published_at,
                "run_id": manifest.run_id,
                "size_bytes": manifest.size_bytes,
                "rows": manifest.rows,
            },
            "data": {
                "newest_event_or_order": newest,
                "age_hours": None if newest is None else _hours(now, newest),
                "clock": settings.as_of or "the newest event or order",
            },
            "rejected": fetch_dicts(connection, REJECTED),
            "merges": {
                "outcomes": fetch_dicts(connection, OUTCOMES),
                "unsettled": fetch_dicts(connection, UNSETTLED),
            },
        }


def exit_code(found: dict[str, Any]) -> int:
    """1 where the latest evaluation of a check is a failure, else 0."""
    return 1 if found["checks"]["failed"] else 0


def show(out: Output, found: dict[str, Any], now: datetime) -> None:
    """The status for people."""
    out.json(found)
    done = [a for a in found["assets"] if a["materialized_at"]]
    if not done:
        out.say(f"Nothing has run in {found['home']} yet; run `c360 demo`.")
        return
    out.table(
        "Assets",
        ("asset", "materialized", "rows"),
        [
            (
                a["asset"],
                ago(a["materialized_at"], now) if a["materialized_at"] else "never",
                a["rows"],
            )
            for a in found["assets"]
        ],
    )
    _show_checks(out, found["checks"])
    out.table(
        "Last runs",
        ("run", "job", "status", "started", "seconds"),
        [
            (r["run_id"][:8], r["job"], r["status"], r["started_at"], f"{r['seconds'] or 0:.1f}")
            for r in found["runs"]
        ],
    )
    if found["published"] is None:
        out.say("Nothing is published yet: `published` has not run, or a blocking check failed.")
        return
    _show_data(out, found, now)


def _show_checks(out: Output, checks: dict[str, Any]) -> None:
    for name, title in (("failed", "Failed checks"), ("warned", "Warnings")):
        rows = [(c["asset"], c["check"], c["rows"]) for c in checks[name]]
        out.table(title, ("asset", "check", "rows"), rows)
    style = STYLES["failed"] if checks["failed"] else STYLES["passed"]
    out.say(
        f"Checks: {checks['passed']} passed, {len(checks['warned'])} warned, "
        f"[{style}]{len(checks['failed'])} failed[/], {len(checks['not_run'])} not run"
    )


def _show_data(out: Output, found: dict[str, Any], now: datetime) -> None:
    published, data, merges = found["published"], found["data"], found["merges"]
    newest = data["newest_event_or_order"]
    out.facts(
        "Published copy",
        {
            "path": published["path"],
            "published": ago(published["published_at"], now),
            "size": f"{published['size_bytes'] / 1e6:.1f} MB",
            "newest event or order": newest,
            "age of the data": None if newest is None else duration(now - newest),
            "clock": data["clock"],
        },
    )
    out.table(
        "Rejected rows",
        ("table", "reason", "rows"),
        [(r["source_table"], r["reason"], r["number_of_rows"]) for r in found["rejected"]],
    )
    out.table(
        "Merge decisions",
        ("kind", "outcome", "decisions"),
        [(o["kind"], o["outcome"], o["decisions"]) for o in merges["outcomes"]],
    )
    out.table(
        "Decisions that wait or were refused",
        ("file and row", "outcome", "why"),
        [
            (f"{d['source_file']}, row {d['source_row']}", d["outcome"], d["explanation"])
            for d in merges["unsettled"]
        ],
        limit=SHOWN_DECISIONS,
    )


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)


def _hours(now: datetime, then: datetime) -> float:
    return round((now - then).total_seconds() / 3600, 1)
