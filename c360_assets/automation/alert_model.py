"""What happened (`CheckResult`, `RunResult`) and the words a person reads about it (`Alert`).

Belongs here: plain values and their wording. Not here: when to speak (`alert_book`), how the
values are read from Dagster (`alert_history`), how an alert travels (`alert_channels`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

Kind = Literal["run_failed", "check_failed", "recovered"]
Severity = Literal["ERROR", "WARN", "INFO"]
Outcome = Literal["succeeded", "failed", "canceled"]
PartitionRange = tuple[str, str]

MAX_TITLE_CHARACTERS = 150
MAX_NAMES_SHOWN = 5


@dataclass(frozen=True)
class CheckResult:
    """One evaluation of an asset check. `at` is in Unix seconds."""

    asset: str
    check: str
    passed: bool
    severity: Severity
    run_id: str
    at: float
    blocking: bool = False
    partition: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepFailure:
    """Why one step of a run failed; `step` is None where the run failed outside its steps."""

    step: str | None
    error_class: str
    message: str


@dataclass(frozen=True)
class RunResult:
    """A finished run. `at` is in Unix seconds.

    `targets` is what it set out to build, `built` what now stands, `missing` what it owes still;
    all three are asset keys, or `asset:check` where the run was for checks alone.
    """

    run_id: str
    name: str
    job: str
    outcome: Outcome
    at: float
    targets: frozenset[str] = frozenset()
    built: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    partition: PartitionRange | None = None
    failures: tuple[StepFailure, ...] = ()
    will_retry: bool = False


@dataclass(frozen=True)
class Alert:
    """One message to people. `title` and each of `details` is short, clean and free of secrets."""

    kind: Kind
    severity: Severity
    title: str
    details: tuple[str, ...]
    run_id: str
    at: float
    asset_key: str | None = None
    check_name: str | None = None
    link_path: str = ""

    @property
    def id(self) -> str:
        """The same for the same event, however often it is sent."""
        content = f"{self.kind}\n{self.title}\n{self.run_id}\n{self.at!r}"
        return hashlib.sha256(content.encode()).hexdigest()[:20]

    def body(self, base_url: str | None = None) -> str:
        """Everything but the title, as plain text; `base_url` makes the link complete."""
        lines = [*self.details, f"Run: {self.run_id}", f"When: {moment(self.at)}"]
        if self.link_path:
            lines.append(f"Link: {(base_url or '').rstrip('/')}{self.link_path}")
        return "\n".join(lines)

    def text(self, base_url: str | None = None) -> str:
        """Title and body as plain text."""
        return f"{self.title}\n{self.body(base_url)}"


def check_failed(result: CheckResult) -> Alert:
    """The alert about a check that did not pass."""
    part = f" (partition {result.partition})" if result.partition else ""
    stops = result.blocking and result.severity == "ERROR"
    consequence = (
        "It blocks: what builds on this table keeps its previous version until the check passes."
        if stops
        else "It does not block: the run went on, and what builds on this table was built from it."
    )
    return Alert(
        kind="check_failed",
        severity=result.severity,
        title=_title(f"[{result.severity}] Check failed: {result.check} on {result.asset}{part}"),
        details=(
            *result.details,
            consequence,
            f"Next: mend the rows or the rule behind {result.check}, then materialize "
            f"{result.asset} again; you hear of it once when the check passes.",
        ),
        run_id=result.run_id,
        at=result.at,
        asset_key=result.asset,
        check_name=result.check,
        link_path=_check_link(result),
    )


def check_recovered(result: CheckResult, since: float) -> Alert:
    """The alert about a check that passes again after failing since `since` (Unix seconds)."""
    part = f" (partition {result.partition})" if result.partition else ""
    return Alert(
        kind="recovered",
        severity="INFO",
        title=_title(f"[OK] Recovered: {result.check} on {result.asset}{part} passes again"),
        details=(f"It had failed since {moment(since)}.",),
        run_id=result.run_id,
        at=result.at,
        asset_key=result.asset,
        check_name=result.check,
        link_path=_check_link(result),
    )


def run_failed(result: RunResult) -> Alert:
    """The alert about a run that failed."""
    where = some_names(failure.step for failure in result.failures if failure.step)
    details = [
        f"{f'Step {failure.step}' if failure.step else 'Before or between steps'}: "
        f"{failure.message}"
        for failure in result.failures[:MAX_NAMES_SHOWN]
    ]
    if result.missing:
        details.append(
            f"Still owed: {some_names(result.missing)}; what is published stays as it was."
        )
    details.append(
        "Next: Dagster runs it again by itself; nothing to do yet."
        if result.will_retry
        else "Next: mend the cause, then choose 'Re-execute from failure' on the page of the run."
    )
    return Alert(
        kind="run_failed",
        severity="ERROR",
        title=_title(
            f"[ERROR] Run failed: {result.name}{_part(result)}{f' at {where}' if where else ''}"
        ),
        details=tuple(details),
        run_id=result.run_id,
        at=result.at,
        link_path=f"/runs/{quote(result.run_id, safe='')}",
    )


def run_recovered(result: RunResult, failed_name: str, failed_run_id: str, since: float) -> Alert:
    """The alert that what the failed run owed is built, by the run `result`."""
    return Alert(
        kind="recovered",
        severity="INFO",
        title=_title(f"[OK] Recovered: {failed_name}"),
        details=(
            f"It had failed since {moment(since)} (run {failed_run_id}); "
            "all that it owed is built now.",
        ),
        run_id=result.run_id,
        at=result.at,
        link_path=f"/runs/{quote(result.run_id, safe='')}",
    )


def run_subject(result: RunResult) -> str:
    """How a run is called in a sentence: its name and partition."""
    return f"{result.name}{_part(result)}"


def moment(at: float) -> str:
    """Unix seconds as a person writes them, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def some_names(names: Iterable[str]) -> str:
    """The first names in order, and how many more there are."""
    found = sorted(set(names))
    more = f" and {len(found) - MAX_NAMES_SHOWN} more" if len(found) > MAX_NAMES_SHOWN else ""
    return ", ".join(found[:MAX_NAMES_SHOWN]) + more


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, the cut shown by an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def one_line(text: str) -> str:
    """White space and control characters folded to single blanks: safe in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _title(text: str) -> str:
    return shortened(one_line(text), MAX_TITLE_CHARACTERS)


def _part(result: RunResult) -> str:
    if result.partition is None:
        return ""
    first, last = result.partition
    return f" (partition {first})" if first == last else f" (partitions {first} to {last})"


def _check_link(result: CheckResult) -> str:
    return f"/assets/{quote(result.asset)}?view=checks&checkDetail={quote(result.check, safe='')}"
