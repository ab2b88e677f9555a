"""The failures that are open, and so the one decision: is this news?

A failure is told when it opens, not while it stays open, and once more when it is over:

* a check, by asset, name and partition: open from a failed evaluation to the next that passes.
  From WARN to ERROR is news; the other way is not.
* a run, by job, targets and partition: open until a later run has succeeded at the same, or until
  later runs, of whatever job, have built all that the failed one owed. Another step or another
  kind of error is news. A canceled run is somebody's wish: neither a failure nor a recovery.

Pure: no clock, no Dagster. `AlertBook` is a pydantic model and so goes into a cursor and back.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

from pydantic import BaseModel, Field

from c360_assets.automation.alert_model import (
    Alert,
    CheckResult,
    PartitionRange,
    RunResult,
    Severity,
    check_failed,
    check_recovered,
    run_failed,
    run_recovered,
    run_subject,
)

MAX_OPEN = 200
MAX_OWED = 100
MAX_REASONS = 20

_logger = logging.getLogger(__name__)


class OpenCheck(BaseModel):
    """A check that fails. `since` and `at` (its latest failure) are Unix seconds."""

    severity: Severity
    since: float
    at: float


class OpenRun(BaseModel):
    """A failed run and what it still owes; `reasons` are `step:error class`, each told once."""

    subject: str
    run_id: str
    since: float
    at: float
    reasons: list[str]
    owed: list[str]
    partition: PartitionRange | None


class AlertBook(BaseModel):
    """The open failures; `record_*` returns the alerts that are news. Holds `MAX_OPEN` of each."""

    checks: dict[str, OpenCheck] = Field(default_factory=dict)
    runs: dict[str, OpenRun] = Field(default_factory=dict)

    def record_check(self, result: CheckResult) -> list[Alert]:
        """Take in one evaluation; results must come in the order in which their runs finished."""
        key = "\n".join((result.asset, result.check, result.partition or ""))
        known = self.checks.get(key)
        if known is not None and result.at < known.at:
            return []  # an older evaluation, from a run that finished later
        if result.passed:
            if known is None:
                return []
            del self.checks[key]
            return [check_recovered(result, known.since)]
        if known is None:
            self.checks[key] = OpenCheck(severity=result.severity, since=result.at, at=result.at)
            _forget_oldest(self.checks)
            return [check_failed(result)]
        known.at = result.at
        if known.severity == "WARN" and result.severity == "ERROR":
            known.severity = "ERROR"
            return [check_failed(result)]
        return []

    def record_run(self, result: RunResult) -> list[Alert]:
        """Take in one finished run; results must come in the order in which the runs finished."""
        if result.outcome == "canceled":
            return []
        key = _run_key(result)
        alerts = self._record_failure(key, result) if result.outcome == "failed" else []
        return alerts + self._record_built(key, result)

    def _record_failure(self, key: str, result: RunResult) -> list[Alert]:
        reasons = [f"{failure.step or ''}:{failure.error_class}" for failure in result.failures]
        known = self.runs.get(key)
        if known is None:
            self.runs[key] = OpenRun(
                subject=run_subject(result),
                run_id=result.run_id,
                since=result.at,
                at=result.at,
                reasons=_some(reasons, MAX_REASONS),
                owed=_some(result.missing, MAX_OWED),
                partition=result.partition,
            )
            _forget_oldest(self.runs)
            return [run_failed(result)]
        is_news = not set(reasons) <= set(known.reasons)
        known.reasons = _some([*known.reasons, *reasons], MAX_REASONS)
        known.owed = _some(result.missing, MAX_OWED)
        known.at = result.at
        return [run_failed(result)] if is_news else []

    def _record_built(self, key: str, result: RunResult) -> list[Alert]:
        alerts = []
        for other, failure in list(self.runs.items()):
            is_same = other == key
            if is_same and result.outcome == "failed":
                continue
            if not is_same:
                if not _covers(result.partition, failure.partition):
                    continue
                owed = [name for name in failure.owed if name not in result.built]
                if owed or not failure.owed:  # a run without targets is made good by its like only
                    failure.owed = owed
                    continue
            del self.runs[other]
            alerts.append(run_recovered(result, failure.subject, failure.run_id, failure.since))
        return alerts


def _run_key(result: RunResult) -> str:
    targets = hashlib.sha256("\n".join(sorted(result.targets)).encode()).hexdigest()[:16]
    return "\n".join((result.job, targets, *(result.partition or ())))


def _covers(done: PartitionRange | None, failed: PartitionRange | None) -> bool:
    """Whether the partitions done hold those that failed; day keys sort as text."""
    if done is None or failed is None:
        return done == failed
    return done[0] <= failed[0] and failed[1] <= done[1]


def _some(names: Iterable[str], limit: int) -> list[str]:
    return sorted(set(names))[:limit]


def _forget_oldest(failures: dict[str, OpenCheck] | dict[str, OpenRun]) -> None:
    while len(failures) > MAX_OPEN:
        oldest = min(failures, key=lambda key: failures[key].at)
        del failures[oldest]
        _logger.warning(
            "more than %d failures are open at once; %r is forgotten and would be told again",
            MAX_OPEN,
            oldest,
        )
