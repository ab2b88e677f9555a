"""One scale measured in a process of its own, so that its peak memory is its own.

`python -m benchmarks.measure SCALE [--history-days N] [--what sql,day,dagster]` prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks import HISTORY_DAYS
from benchmarks.bare import MARTS_TO_ACCOUNTS, TIME_STEPS, BarePipeline, Timings
from c360_assets.settings import Settings
from c360_assets.sources.demo import write_demo
from c360_assets.sources.event_span import event_span

BARE_SCAN = """
select count(*), sum(events), min(first_event), max(last_event) from (
    select user_id, count(*) as events, min(timestamp) as first_event, max(timestamp) as last_event
    from read_parquet('{files}')
    group by user_id
)
"""
UP_TO_ACCOUNTS = (
    "stg_users", "stg_gaggles", "stg_promos", "stg_events", "stg_orders", "stg_deals",
    "user_event_days", "merge_journal", "contact_id_history", "user_identity", "domain_identity",
    *MARTS_TO_ACCOUNTS,
)  # fmt: skip
# costs what it costs whatever the number of events is, and is told apart
SUGGESTIONS = "merge_candidates"


def main() -> None:
    """Measure what the arguments ask for and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scale", type=int)
    parser.add_argument("--history-days", type=int, default=HISTORY_DAYS)
    parser.add_argument("--what", default="sql")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    options = parser.parse_args()
    source = demo(options.folder.resolve(), options.scale, options.history_days)
    home = options.folder.resolve() / f"home-{os.getpid()}"
    measured = {"sql": measure_sql, "day": measure_day, "dagster": measure_dagster}[options.what]
    try:
        result = measured(source, home, options.repeat)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    usage = max(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    )
    print(json.dumps({**result, "peak_memory_mib": round(usage / 1024)}))


def demo(folder: Path, scale: int, history_days: int) -> Path:
    """The demo data of that scale, written once."""
    source = folder / f"demo-{scale}-{history_days}"
    marker = source / ".complete"
    if not marker.exists():
        write_demo(source, scale=scale, history_days=history_days)
        marker.touch()
    return source


def settings_of(source: Path, home: Path) -> Settings:
    """The default settings, but for where things lie."""
    return Settings(home=home, source=source, merges=source, _env_file=None)  # type: ignore[call-arg]


def all_days(settings: Settings) -> list[date]:
    """Every day of the source."""
    span = event_span(settings.source_dir, settings.home_dir)
    if span is None:
        raise SystemExit(f"{settings.source_dir} has no events")
    first, last = span
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def bare_scan(source: Path) -> float:
    """Seconds of the plain aggregation over the event files."""
    with duckdb.connect() as connection:
        start = time.perf_counter()
        connection.execute(BARE_SCAN.format(files=source / "raw_event" / "*.parquet")).fetchall()
        return time.perf_counter() - start


def measure_sql(source: Path, home: Path, repeat: int) -> dict[str, object]:
    """(a) the bare scan and (b) a full build of everything, taken in turns."""
    scans, builds = [], []
    for _ in range(repeat):
        scans.append(bare_scan(source))
        builds.append(_full_build(source, home))
        scans.append(bare_scan(source))
    steps = {name: _median([build.seconds[name] for build in builds]) for name in builds[0].seconds}
    return {
        "bare_scan": _median(scans),
        "up_to_corporate_accounts": _median([build.sum(UP_TO_ACCOUNTS) for build in builds]),
        "everything": _median([build.sum(_transforms(build)) for build in builds]),
        "suggested_merges": steps[SUGGESTIONS],
        "tables_of_time": _median([build.sum(TIME_STEPS) for build in builds]),
        "landing_and_judging": _median([build.sum(_intake(build)) for build in builds]),
        "steps": {name: round(seconds, 3) for name, seconds in steps.items()},
    }


def measure_day(source: Path, home: Path, repeat: int) -> dict[str, object]:
    """(c) one more day: its event work, and the whole day's run, beside a full build."""
    copy = home / "source"
    rows = []
    for _ in range(repeat):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, copy, copy_function=os.link)
        newest = max((copy / "raw_event").glob("*.parquet"))
        (home / newest.name).hardlink_to(newest)
        newest.unlink()
        pipeline = BarePipeline(settings_of(copy, home / "c360"))
        days = all_days(pipeline.settings)
        last = date.fromisoformat(newest.stem)
        full = pipeline.run([day for day in days if day != last])
        newest.hardlink_to(home / newest.name)
        day = pipeline.run([last])
        rows.append((full, day))
    event_steps = ("land raw_event", "judge raw_event", "stg_events", "user_event_days")
    return {
        "full_build": _median([full.sum(_pipeline(full)) for full, _ in rows]),
        "full_event_rollup": _median([full.sum(event_steps) for full, _ in rows]),
        "day_run": _median([day.sum(_pipeline(day)) for _, day in rows]),
        "day_suggestions": _median([day.seconds[SUGGESTIONS] for _, day in rows]),
        "full_tables_of_time": _median([full.sum(TIME_STEPS) for full, _ in rows]),
        "day_tables_of_time": _median([day.sum(TIME_STEPS) for _, day in rows]),
        "day_event_work": _median([day.sum(event_steps) for _, day in rows]),
        "day_steps": {k: round(v, 3) for k, v in rows[-1][1].seconds.items()},
    }


def measure_dagster(source: Path, home: Path, repeat: int) -> dict[str, object]:
    """(d) the whole run through Dagster from the shell, warm, and the same transforms bare."""
    walls, bares = [], []
    environment = {**os.environ, "C360_HOME": str(home), "C360_SOURCE": str(source)}
    command = [sys.executable, "-m", "c360_assets.cli", "run", "--json"]
    _timed(lambda: subprocess.run(command, env=environment, check=True, capture_output=True))
    for _ in range(repeat):
        walls.append(
            _timed(
                lambda: subprocess.run(command, env=environment, check=True, capture_output=True)
            )
        )
        bares.append(_bare_warm(source, home / "bare"))
    return {"dagster_run": _median(walls), "bare_run": _median(bares)}


def _bare_warm(source: Path, home: Path) -> float:
    pipeline = BarePipeline(settings_of(source, home))
    days = all_days(pipeline.settings)
    if not pipeline.settings.warehouse_path.exists():
        pipeline.run(days)
    start = time.perf_counter()
    pipeline.run(days)
    pipeline.publish()
    return time.perf_counter() - start


def _full_build(source: Path, home: Path) -> Timings:
    shutil.rmtree(home, ignore_errors=True)
    pipeline = BarePipeline(settings_of(source, home))
    return pipeline.run(all_days(pipeline.settings))


def _intake(build: Timings) -> list[str]:
    return [name for name in build.seconds if name.startswith(("land ", "judge "))]


def _transforms(build: Timings) -> list[str]:
    return [name for name in _pipeline(build) if name not in _intake(build)]


def _pipeline(build: Timings) -> list[str]:
    return [name for name in build.seconds if name != SUGGESTIONS and name not in TIME_STEPS]


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return round(ordered[len(ordered) // 2], 4)


if __name__ == "__main__":
    main()
