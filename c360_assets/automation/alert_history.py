"""What Dagster has recorded, as the plain values of `alert_model`: the only reader of its history.

Finished runs are read as their status events, in the order in which the storage numbered them:
that number is an exact cursor (a run's row is not: any later tag moves its update time). A failed
check leaves its run green, so checks are read from each run's own records, of any outcome.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    EventLogRecord,
    JsonMetadataValue,
    MetadataValue,
    RunStatusChangeRecordsFilter,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchemaMetadataValue,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import JobFailureData
from dagster._core.execution.plan.objects import StepFailureData
from dagster_shared.error import SerializableErrorInfo

from c360_assets.automation.alert_model import (
    CheckResult,
    Outcome,
    PartitionRange,
    RunResult,
    StepFailure,
    shortened,
    some_names,
)

OUTCOMES: dict[DagsterEventType, Outcome] = {
    DagsterEventType.RUN_SUCCESS: "succeeded",
    DagsterEventType.RUN_FAILURE: "failed",
    DagsterEventType.RUN_CANCELED: "canceled",
}
READ_TYPES = {
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.RUN_FAILURE,
}
PAGE = 1_000
MAX_METADATA_LINES = 8
MAX_LINE_CHARACTERS = 300
MAX_ERROR_LINES = 3
MAX_SAMPLES = 3

SECRET_NAME = re.compile(
    r"PASSW|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE|WEBHOOK|CREDENTIAL", re.I
)
SECRET_TEXTS = (
    (re.compile(r"(?<=://)[^/\s@]+@"), "***@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.I), r"\1 ***"),
    (
        re.compile(
            r"((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)[\"']?\s*[=:]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)",
            re.I,
        ),
        r"\1***",
    ),
    (re.compile(r"https?://hooks\.\S+"), "https://hooks.***"),
)
SHORTEST_SECRET = 6

Show = Callable[[str], str]


@dataclass(frozen=True)
class Finish:
    """A run's end as the storage recorded it; `storage_id` orders all of them."""

    storage_id: int
    run_id: str
    outcome: Outcome
    at: float


def finished_runs(
    instance: DagsterInstance, after_id: int, since: float, limit: int
) -> list[Finish]:
    """The oldest ends, `limit` at most, numbered above `after_id` and later than `since`."""
    found: list[Finish] = []
    for event_type, outcome in OUTCOMES.items():
        records = instance.fetch_run_status_changes(
            RunStatusChangeRecordsFilter(
                event_type,  # type: ignore[arg-type]  # a Literal over enum members, unaliased
                after_timestamp=since,
                after_storage_id=after_id,
            ),
            limit=limit,
            ascending=True,
        ).records
        found += [Finish(r.storage_id, r.run_id, outcome, r.timestamp) for r in records]
    # The oldest of all are among the oldest of each kind.
    return sorted(found, key=lambda finish: finish.storage_id)[:limit]


def read_run(
    instance: DagsterInstance, finish: Finish, show: Show
) -> tuple[list[CheckResult], RunResult] | None:
    """The last result of each check in a run, and the run; None if the run is deleted by now."""
    run = instance.get_run_by_id(finish.run_id)
    if run is None:
        return None
    records = _records(instance, finish.run_id)
    checks: dict[tuple[str, str, str | None], CheckResult] = {}
    for record in records:
        data = _data(record)
        if isinstance(data, AssetCheckEvaluation):
            key = (data.asset_key.to_user_string(), data.check_name, data.partition)
            checks[key] = _check_result(data, record, show)
    return list(checks.values()), _run_result(run, finish, records, show)


def shower(secret_variables: Iterable[str] = ()) -> Show:
    """What makes foreign text fit to be shown: secrets replaced, then shortened.

    Secrets are what looks like one, and the values of the environment variables that are named
    or whose name looks like that of a secret.
    """
    names = {*secret_variables, *(name for name in os.environ if SECRET_NAME.search(name))}
    values = sorted({os.environ.get(name, "") for name in names}, key=len, reverse=True)
    secrets = [value for value in values if len(value) >= SHORTEST_SECRET]

    def show(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        for pattern, replacement in SECRET_TEXTS:
            text = pattern.sub(replacement, text)
        kept = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
        return shortened(kept.strip(), MAX_LINE_CHARACTERS)

    return show


def metadata_lines(metadata: Mapping[str, MetadataValue[Any]], show: Show) -> list[str]:
    """`name: value` of a check's metadata, numbers first; schemas and lineage are left out."""
    numbers: list[str] = []
    others: list[str] = []
    for name, value in metadata.items():
        if isinstance(value, (TableSchemaMetadataValue, TableColumnLineageMetadataValue)):
            continue
        plain = _plain(value)
        is_number = isinstance(plain, (int, float)) and not isinstance(plain, bool)
        shown = f"{plain:,}" if is_number else str(plain)
        (numbers if is_number else others).append(show(f"{name}: {shown}"))
    lines = numbers + others
    left_out = len(lines) - MAX_METADATA_LINES
    more = [f"… and {left_out} more entries in Dagster"] if left_out > 0 else []
    return lines[:MAX_METADATA_LINES] + more


def _records(instance: DagsterInstance, run_id: str) -> list[EventLogRecord]:
    records: list[EventLogRecord] = []
    cursor: str | None = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=READ_TYPES, limit=PAGE)
        records += page.records
        if not page.has_more or not page.records:
            return records
        cursor = page.cursor


def _data(record: EventLogRecord) -> object:
    event = record.event_log_entry.dagster_event
    return event.event_specific_data if event else None


def _check_result(data: AssetCheckEvaluation, record: EventLogRecord, show: Show) -> CheckResult:
    described = [show(data.description)] if data.description else []
    return CheckResult(
        asset=data.asset_key.to_user_string(),
        check=data.check_name,
        passed=data.passed,
        severity="WARN" if data.severity.value == "WARN" else "ERROR",
        run_id=record.run_id,
        at=record.timestamp,
        blocking=bool(data.blocking),
        partition=data.partition,
        details=(*described, *metadata_lines(data.metadata, show)),
    )


@dataclass
class _Footprint:
    """The assets and checks that a run planned and the assets that it built."""

    planned: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    of_step: dict[str, set[str]] = field(default_factory=dict)

    def add(self, record: EventLogRecord) -> None:
        event, data = record.event_log_entry.dagster_event, _data(record)
        if event is None:
            return
        if isinstance(data, AssetCheckEvaluationPlanned):
            asset = data.asset_key.to_user_string()
            self.checks.add(f"{asset}:{data.check_name}")
        elif event.asset_key is None:
            return
        else:
            asset = event.asset_key.to_user_string()
            is_built = event.event_type == DagsterEventType.ASSET_MATERIALIZATION
            (self.built if is_built else self.planned).add(asset)
        self.of_step.setdefault(event.step_key or "", set()).add(asset)


def _run_result(
    run: DagsterRun, finish: Finish, records: Sequence[EventLogRecord], show: Show
) -> RunResult:
    assets = _Footprint()
    for record in records:
        assets.add(record)
    targets = assets.planned or assets.checks
    failures = _failures(records, show) if finish.outcome == "failed" else ()
    broken = {asset for f in failures for asset in assets.of_step.get(f.step or "", ())}
    succeeded = finish.outcome == "succeeded"
    built = assets.built | targets if succeeded else assets.built - broken
    return RunResult(
        run_id=run.run_id,
        name=_name(run.job_name, assets),
        job=run.job_name,
        outcome=finish.outcome,
        at=finish.at,
        targets=frozenset(targets),
        built=frozenset(built),
        missing=frozenset(targets - built),
        partition=_partition(run.tags),
        failures=failures,
        will_retry=run.tags.get("dagster/will_retry") == "true",
    )


def _failures(records: Sequence[EventLogRecord], show: Show) -> tuple[StepFailure, ...]:
    steps: list[StepFailure] = []
    run_wide: list[StepFailure] = []
    for record in records:
        event = record.event_log_entry.dagster_event
        data = _data(record)
        if event is None:
            continue
        if isinstance(data, StepFailureData):
            error_class, message = _reason(data.error, event.message or "", show)
            steps.append(StepFailure(event.step_key, error_class, message))
        elif event.event_type == DagsterEventType.RUN_FAILURE:
            error = data.error if isinstance(data, JobFailureData) else None
            run_wide.append(StepFailure(None, *_reason(error, event.message or "", show)))
    return tuple(steps or run_wide)


def _reason(error: SerializableErrorInfo | None, message: str, show: Show) -> tuple[str, str]:
    """Class and first lines of the error that the code raised, without Dagster's wrappers."""
    if error is None:
        return "", show(message)
    while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    if lines:
        lines[0] = re.sub(r"^(?:\w+\.)+(?=\w+:)", "", lines[0])
    text = " / ".join(lines[:MAX_ERROR_LINES]) or message
    return error.cls_name or "", show(text)


def _name(job: str, assets: _Footprint) -> str:
    if not job.startswith("__"):
        return job
    if assets.planned:
        return f"materialization of {some_names(assets.planned)}"
    return f"checks {some_names(assets.checks)}" if assets.checks else job


def _partition(tags: Mapping[str, str]) -> PartitionRange | None:
    only = tags.get("dagster/partition")
    first = tags.get("dagster/asset_partition_range_start", only)
    last = tags.get("dagster/asset_partition_range_end", only)
    return (first, last) if first and last else None


def _plain(value: MetadataValue[Any]) -> object:
    if isinstance(value, TableMetadataValue):
        return _sample([record.data for record in value.records])
    content = value.value
    if isinstance(value, JsonMetadataValue):
        return _sample(content) if isinstance(content, list) else json.dumps(content, default=str)
    return content


def _sample(rows: Sequence[object]) -> str:
    more = f" … and {len(rows) - MAX_SAMPLES} more" if len(rows) > MAX_SAMPLES else ""
    return "; ".join(json.dumps(row, default=str) for row in rows[:MAX_SAMPLES]) + more
