"""What a run of `c360 run` or `c360 demo` did, told in tables or JSON. Imports no Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from c360_assets import contracts
from c360_assets.cli_support.output import Output

SHOWN_FINDINGS = 12


@dataclass(frozen=True)
class CheckFinding:
    """A check that did not pass; `breaches` is the number of rows that break it, where known."""

    asset: str
    check: str
    description: str
    breaches: int | None = None


@dataclass
class StepReport:
    """One asset of the run. `status`: waiting, running, success, failure or skipped."""

    asset: str
    status: str = "waiting"
    rows: int | None = None
    seconds: float | None = None
    error: str | None = None
    location: str | None = None

    @property
    def table(self) -> str:
        """The qualified name of the table that it writes; the asset's where it writes none."""
        named = {table.name: table.qualified_name for table in contracts.ALL_TABLES}
        return named.get(self.asset, self.asset)


@dataclass
class RunReport:
    """One run. `days` is (first, last) where the run has day partitions; checks by outcome."""

    run_id: str
    days: tuple[str, str] | None
    is_success: bool = False
    seconds: float = 0.0
    error: str | None = None
    steps: dict[str, StepReport] = field(default_factory=dict)
    checks_passed: int = 0
    warned: list[CheckFinding] = field(default_factory=list)
    failed: list[CheckFinding] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 where the run succeeded and no check of a contract failed, else 1."""
        return 0 if self.is_success and not self.failed else 1

    def rows_by_table(self, published: Mapping[str, int]) -> dict[str, int]:
        """Rows per `schema.table`: of the run's steps, and of what it published besides."""
        rows = {s.table: s.rows for s in self.steps.values() if s.rows is not None}
        order = {table.qualified_name: n for n, table in enumerate(contracts.ALL_TABLES)}
        merged = {**published, **rows}
        return dict(sorted(merged.items(), key=lambda item: order.get(item[0], len(order))))

    def document(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "run_id": self.run_id,
            "success": self.is_success,
            "seconds": round(self.seconds, 2),
            "error": self.error,
            "first_day": self.days[0] if self.days else None,
            "last_day": self.days[1] if self.days else None,
            "steps": [{**asdict(s), "table": s.table} for s in self.steps.values()],
            "checks": {
                "passed": self.checks_passed,
                "warned": [asdict(finding) for finding in self.warned],
                "failed": [asdict(finding) for finding in self.failed],
            },
        }


def show_run(out: Output, report: RunReport) -> None:
    """Steps that did not succeed, checks, and the verdict in a line."""
    broken = [s for s in report.steps.values() if s.status == "failure"]
    for step in broken:
        out.note(f"{step.asset} failed: {step.error}")
    if report.error and not broken:
        out.note(f"the run failed: {report.error}")
    _show_findings(out, "Failed checks (they block what is downstream)", report.failed)
    _show_findings(out, "Warnings", report.warned)
    done = sum(step.status == "success" for step in report.steps.values())
    skipped = len(report.steps) - done - len(broken)
    days = f", days {report.days[0]} to {report.days[1]}" if report.days else ""
    verdict = "[green]succeeded[/]" if report.exit_code == 0 else "[red]failed[/]"
    out.say(
        f"Run {report.run_id[:8]} {verdict} in {report.seconds:.1f} s: {done} of "
        f"{len(report.steps)} assets{f', {skipped} left out' if skipped else ''}{days}; checks: "
        f"{report.checks_passed} passed, {len(report.warned)} warned, {len(report.failed)} failed"
    )


def _show_findings(out: Output, title: str, findings: Sequence[CheckFinding]) -> None:
    out.table(
        title,
        ("asset", "check", "rows", "what must hold"),
        [(f.asset, f.check, f.breaches, f.description) for f in findings],
        limit=SHOWN_FINDINGS,
    )
