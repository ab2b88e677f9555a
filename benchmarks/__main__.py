"""`python -m benchmarks`: what c360 costs, as ratios within one run.

(a) the bare scan of the event files, (b) the pipeline's SQL, (c) one more day at the normal and at
ten times the history, (d) the whole run through Dagster; medians, and peak memory per measurement.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import HISTORY_DAYS

LONG_HISTORY_DAYS = 10 * HISTORY_DAYS


def main() -> None:
    """Measure the scales asked for and print what came out beside the targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scales", default="1,10,100", help="comma separated; 1000 on request")
    parser.add_argument("--repeat", type=int, default=3, help="medians are over this many")
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    parser.add_argument("--long-history", action="store_true", help="(c) at ten times the history")
    parser.add_argument("--without-dagster", action="store_true", help="leave (d) out")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    options = parser.parse_args()
    console = Console()
    figures: dict[str, Any] = {}
    for scale in (int(part) for part in options.scales.split(",")):
        figures[str(scale)] = _scale(scale, options, console)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _scale(scale: int, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    figures = {"sql": _measure(scale, "sql", options), "day": _measure(scale, "day", options)}
    if options.long_history:
        figures["long"] = _measure(scale, "day", options, LONG_HISTORY_DAYS)
    if not options.without_dagster:
        figures["dagster"] = _measure(scale, "dagster", options)
    console.print(_table(scale, figures))
    steps = figures["sql"]["steps"]
    slowest = sorted(steps.items(), key=lambda item: -item[1])[:10]
    console.print("slowest steps: " + ", ".join(f"{name} {took:.2f} s" for name, took in slowest))
    return figures


def _measure(
    scale: int, what: str, options: argparse.Namespace, history_days: int = HISTORY_DAYS
) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.measure", str(scale), "--what", what]
    command += ["--history-days", str(history_days), "--repeat", str(options.repeat)]
    command += ["--folder", str(options.folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(scale: int, figures: dict[str, Any]) -> Table:
    table = Table(title=f"scale {scale}", title_justify="left")
    for heading in ("what", "seconds", "ratio", "target", "peak MiB"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    sql, day = figures["sql"], figures["day"]
    scan, full = sql["bare_scan"], day["full_build"]
    memory = f"{sql['peak_memory_mib']:,}"
    table.add_row("(a) bare scan", f"{scan:.3f}", "1.0", "", "")
    accounts = sql["up_to_corporate_accounts"]
    _row(table, "(b) SQL up to corporate_accounts", accounts, scan, "2.5 x a")
    _row(table, "(b) SQL, everything", sql["everything"], scan, "3 x a", memory)
    _row(table, "    landing and judging, once per file", sql["landing_and_judging"], scan, "")
    _row(table, "    suggested merges", sql["suggested_merges"], scan, "")
    _row(table, "    segments, profiles, KPIs over time", sql["tables_of_time"], scan, "")
    rollup = day["full_event_rollup"]
    _row(table, "(c) event work of one more day", day["day_event_work"], rollup, "5 % of rollup")
    _row(
        table, "(c) whole run of one more day", day["day_run"], full, "30 % of full build",
        f"{day['peak_memory_mib']:,}",
    )  # fmt: skip
    _row(table, "    suggested merges of that run", day["day_suggestions"], full, "")
    of_time = day["day_tables_of_time"]
    _row(table, "    tables over time of that run", of_time, day["full_tables_of_time"], "")
    if "long" in figures:
        long = figures["long"]
        _row(
            table, "(c) the same at ten times the history", long["day_run"], day["day_run"],
            "1.2 x the day's run", f"{long['peak_memory_mib']:,}",
        )  # fmt: skip
    if "dagster" in figures:
        run = figures["dagster"]
        target = "4 x bare, 12 s" if scale == 1 else ""
        whole, bare = run["dagster_run"], run["bare_run"]
        _row(table, "(d) whole run through Dagster, warm", whole, bare, target)
    return table


def _row(table: Table, what: str, seconds: float, of: float, target: str, memory: str = "") -> None:
    table.add_row(what, f"{seconds:.3f}", f"{seconds / of:.2f}", target, memory)


if __name__ == "__main__":
    main()
