"""Running assets in this process, recorded in Dagster's history like any other run.

Belongs here: what Dagster needs to run a selection over days, quietly, with progress. Not here:
reading the request (`selection`), showing the outcome (`report`), or any asset.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from filelock import FileLock, Timeout

from c360_assets.automation.jobs import EVERYTHING, newest_complete_day
from c360_assets.cli_support.report import CheckFinding, RunReport, StepReport
from c360_assets.cli_support.selection import parse_days, parse_selection, require_known
from c360_assets.definitions import build_defs, build_partitions
from c360_assets.errors import RequestError
from c360_assets.settings import Settings

OnChange = Callable[[RunReport, str], None]
"""Called with the report and a line whenever a step begins, ends, or has something to say."""

# Dagster's console: a thousand lines a run. All of it stays in the run's history.
QUIET_LOGGERS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Plan:
    """A run that can be started: its job, its assets (None: all) and its range of days.

    `claims` says of each check what must hold.
    """

    job: dg.JobDefinition
    assets: tuple[dg.AssetKey, ...] | None
    steps: tuple[str, ...]
    days: tuple[str, str] | None
    claims: dict[dg.AssetCheckKey, str]


def plan_run(
    settings: Settings, instance: dg.DagsterInstance, select: str | None, partition: str | None
) -> Plan:
    """What a request means, before anything runs.

    Raises:
        RequestError: an asset or day that there is not, or an empty selection.
    """
    partitions = build_partitions(settings)
    definitions = build_defs(settings, partitions)
    graph = definitions.resolve_asset_graph()
    chosen = None if select is None else _resolve(select, graph)
    keys = sorted(graph.materializable_asset_keys if chosen is None else chosen)
    partitioned = [key for key in keys if graph.get(key).partitions_def is not None]
    if partition is not None and not partitioned:
        raise RequestError(
            f"--partition {partition} is for assets with days (user_event_days), and none is in "
            f"--select {select}; leave --partition out"
        )
    days = None
    if partitioned:
        is_whole = chosen is None or len(chosen) == len(graph.materializable_asset_keys)
        days = _days(settings, instance, partitions, partition, partitioned[0], is_whole)
    return Plan(
        definitions.resolve_job_def(EVERYTHING),
        None if chosen is None else tuple(keys),
        tuple(key.path[-1] for key in graph.toposorted_asset_keys if key in set(keys)),
        days,
        {
            spec.key: spec.description or ""
            for assets in definitions.assets or ()
            if isinstance(assets, dg.AssetsDefinition)
            for spec in assets.check_specs
        },
    )


def execute(
    settings: Settings, instance: dg.DagsterInstance, plan: Plan, on_change: OnChange
) -> RunReport:
    """Run the plan to its end, whether it succeeds or not."""
    report = RunReport(str(uuid.uuid4()), plan.days)
    report.steps = {name: StepReport(name) for name in plan.steps}
    tags = {}
    if plan.days:
        tags = {
            ASSET_PARTITION_RANGE_START_TAG: plan.days[0],
            ASSET_PARTITION_RANGE_END_TAG: plan.days[1],
        }
    instance.add_event_listener(report.run_id, _Listener(report, plan.claims, on_change))
    _tell_if_busy(settings, report, on_change)
    started = time.perf_counter()
    result = plan.job.execute_in_process(
        run_config=QUIET_LOGGERS,
        instance=instance,
        asset_selection=plan.assets,
        run_id=report.run_id,
        tags=tags,
        raise_on_error=False,
    )
    report.seconds = time.perf_counter() - started
    report.is_success = result.success
    for step in report.steps.values():
        step.status = "skipped" if step.status in ("waiting", "running") else step.status
    return report


def _resolve(select: str, graph: Any) -> set[dg.AssetKey]:
    request = parse_selection(select)
    require_known(request.names, [key.path[-1] for key in graph.materializable_asset_keys])
    try:
        chosen: set[dg.AssetKey] = set(dg.AssetSelection.from_string(request.text).resolve(graph))
    except dg.DagsterError as error:
        raise RequestError(f"--select {select!r} cannot be read: {error}") from error
    chosen &= set(graph.materializable_asset_keys)
    if not chosen:
        groups = sorted({node.group_name for node in graph.asset_nodes if node.group_name})
        raise RequestError(
            f"--select {select!r} chooses no asset; the groups are {', '.join(groups)}"
        )
    return chosen


def _days(
    settings: Settings,
    instance: dg.DagsterInstance,
    partitions: dg.DailyPartitionsDefinition,
    partition: str | None,
    asset: dg.AssetKey,
    is_whole: bool,
) -> tuple[str, str]:
    """The days asked for; else all of them for a whole run, else what is missing or the newest.

    Days that were rolled up before their files changed are mended by the asset in any case.
    """
    available = partitions.get_partition_keys()
    if partition is not None:
        return parse_days(partition, available)
    if not available:
        raise RequestError("the source has no complete day of events yet; nothing can be rolled up")
    if is_whole or not settings.warehouse_path.exists():
        return available[0], available[-1]
    known = instance.get_materialized_partitions(asset)
    missing = [day for day in available if day not in known]
    if missing:
        return missing[0], missing[-1]
    newest = newest_complete_day(partitions) or available[-1]
    return newest, newest


def _tell_if_busy(settings: Settings, report: RunReport, on_change: OnChange) -> None:
    settings.home_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{settings.warehouse_path}.lock", is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
        lock.release()
    except Timeout:
        on_change(report, "another run is writing the warehouse; this one waits for it to end")


class _Listener:
    """Keeps a report in step with the events of its run."""

    def __init__(
        self, report: RunReport, claims: dict[dg.AssetCheckKey, str], on_change: OnChange
    ) -> None:
        self._report = report
        self._claims = claims
        self._on_change = on_change
        self._started: dict[str, float] = {}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        step = self._report.steps.get(entry.step_key or "")
        if event is None:
            # of a step that never began Dagster only says that its upstream failed
            has_begun = step is None or step.status != "waiting"
            if int(entry.level) >= logging.WARNING and has_begun:
                self._on_change(self._report, f"{entry.step_key or 'run'}: {entry.user_message}")
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._check(event.asset_check_evaluation_data)
        elif event.event_type_value == "PIPELINE_FAILURE":
            self._report.error = _innermost(event.job_failure_data.error)
        elif step is not None:
            self._step(step, event)

    def _step(self, step: StepReport, event: dg.DagsterEvent) -> None:
        kind = event.event_type_value
        if kind == "STEP_START":
            step.status = "running"
            self._started[step.asset] = time.perf_counter()
        elif kind == "ASSET_MATERIALIZATION":
            _read_metadata(step, event.step_materialization_data.materialization.metadata)
            return
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
            step.status = kind.removeprefix("STEP_").lower()
            since = self._started.get(step.asset)
            step.seconds = None if since is None else round(time.perf_counter() - since, 3)
            if kind == "STEP_FAILURE":
                step.error = _innermost(event.step_failure_data.error)
        else:
            return
        self._on_change(self._report, step.asset)

    def _check(self, evaluation: dg.AssetCheckEvaluation) -> None:
        if evaluation.passed:
            self._report.checks_passed += 1
            return
        breaches = evaluation.metadata.get("breaches")
        finding = CheckFinding(
            evaluation.asset_key.path[-1],
            evaluation.check_name,
            self._claims.get(evaluation.asset_check_key, ""),
            breaches.value if isinstance(breaches, dg.IntMetadataValue) else None,
        )
        is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
        (self._report.failed if is_error else self._report.warned).append(finding)


def _read_metadata(step: StepReport, metadata: Any) -> None:
    rows = metadata.get("dagster/row_count")
    step.rows = rows.value if rows is not None else step.rows
    location = metadata.get("location")
    step.location = str(location.value) if location is not None else step.location


def _innermost(error: Any) -> str:
    """The message of the cause of a failure, without Dagster's wrapping and class names."""
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "for an unknown reason; see the run in the Dagster UI"
    text = str(error.message).strip()
    if text.endswith(dg.DagsterExecutionInterruptedError.__name__):
        return "it was interrupted; the tables that it finished stand, the others are as before"
    prefix, separator, rest = text.partition(": ")
    is_ours = prefix.startswith(("c360_assets.errors.", "dagster._core.errors."))
    return rest if separator and is_ours else text
