"""`python -m benchmarks.suggestions --contacts 100000`: what suggesting merges costs and is worth.

Seconds and peak memory of the one asset, in a process of its own, on demo data of about so many
contacts; then, at each seed of the demo at its normal size, how many of the planted duplicates are
suggested, and how many suggestions are wrong. Every pair that was not planted as one person counts
as wrong. No rule or number of c360 was chosen by looking at these seeds.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bare import BarePipeline
from benchmarks.measure import all_days, settings_of
from c360_assets.assets.shell import open_step
from c360_assets.assets.suggestions import make_candidates
from c360_assets.contracts.bookkeeping import LAYOUT_VERSION
from c360_assets.settings import Settings
from c360_assets.sources.demo import write_demo
from c360_assets.warehouse.duckdb import Warehouse

USERS_PER_SCALE = 5781
SEEDS = "7001,7002,7003"
TRUTH = """
    select
        coalesce(t.kind, 'anybody else') as kind,
        bool_or(coalesce(t.is_same, false)) as is_same,
        count(*) filter (where t.kind is not null) as planted,
        count(m."left") as listed
    from read_csv('{truth}') as t
    full join (select * from identity.merge_candidates where kind = 'user') as m
        on least(t.left_email, t.right_email) = m."left"
        and greatest(t.left_email, t.right_email) = m."right"
    where t.kind is distinct from 'merged'
    group by 1
    order by 2 desc, 1
"""


def main() -> None:
    """Measure and print; with `--only`, measure one warehouse in this process and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suggestions", description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3, help="medians are over this many")
    parser.add_argument("--seeds", default=SEEDS, help="comma separated")
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    parser.add_argument("--only", nargs=2, metavar=("SCALE", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.only:
        print(json.dumps(_measure(_built(folder, *map(int, options.only)))))
        return
    console = Console()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    scale = max(1, round(options.contacts / USERS_PER_SCALE))
    _built(folder, scale, seeds[0])
    costs = [_in_its_own_process(folder, scale, seeds[0]) for _ in range(options.repeat)]
    seconds = sorted(cost["seconds"] for cost in costs)[len(costs) // 2]
    again = sorted(cost["seconds_again"] for cost in costs)[len(costs) // 2]
    peak = max(cost["peak_memory_mib"] for cost in costs)
    console.print(
        f"{costs[0]['contacts']:,} contacts: {seconds:.1f} s, and {again:.1f} s where nothing "
        f"changed since; {peak:,} MiB at most"
    )
    console.print(_quality(f"scale {scale}, seed {seeds[0]}", costs[0]["kinds"]))
    for seed in seeds if scale > 1 else []:
        _built(folder, 1, seed)
        kinds = _in_its_own_process(folder, 1, seed)["kinds"]
        console.print(_quality(f"scale 1, seed {seed}", kinds))


def _built(folder: Path, scale: int, seed: int) -> Settings:
    """The settings of a warehouse with everything in it, built once per layout of warehouses."""
    source = folder / f"suggestions-{scale}-{seed}"
    settings = settings_of(source, folder / f"suggestions-home-{scale}-{seed}")
    marker = settings.home_dir / ".complete"
    if not marker.exists() or marker.read_text() != LAYOUT_VERSION:
        shutil.rmtree(settings.home_dir, ignore_errors=True)
        write_demo(source, scale=scale, seed=seed)
        BarePipeline(settings).run(all_days(settings))
        marker.write_text(LAYOUT_VERSION)
    return settings


def _in_its_own_process(folder: Path, scale: int, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.suggestions", "--folder", str(folder)]
    command += ["--only", str(scale), str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure(settings: Settings) -> dict[str, Any]:
    warehouse = Warehouse(database=str(settings.warehouse_path))
    seconds = []
    for is_new in (True, False):
        start = time.perf_counter()
        with open_step(settings, warehouse, "benchmark") as step:
            if is_new:  # as if the people had changed: the model has to be trained
                step.connection.execute("delete from ops.suggestion_models")
            make_candidates(step)
        seconds.append(time.perf_counter() - start)
    truth = settings.source_dir / "truth" / "duplicates.csv"
    with warehouse.reading() as connection:
        contacts = connection.execute("select count(*) from marts.contacts").fetchall()[0][0]
        kinds = connection.execute(TRUTH.format(truth=truth)).fetchall()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "contacts": contacts,
        "seconds": seconds[0],
        "seconds_again": seconds[1],
        "peak_memory_mib": peak,
        "kinds": kinds,
    }


def _quality(title: str, kinds: list[tuple[str, bool, int, int]]) -> Table:
    same = [row for row in kinds if row[1]]
    right = sum(row[3] for row in same)
    wrong = sum(row[3] for row in kinds if not row[1])
    precision, recall = right / max(right + wrong, 1), right / max(sum(r[2] for r in same), 1)
    table = Table(title=f"{title}: precision {precision:.4f}, recall {recall:.4f}")
    for heading in ("pairs", "one person", "planted", "suggested", "share"):
        table.add_column(heading, justify="left" if heading == "pairs" else "right")
    for kind, is_same, planted, listed in kinds:
        share = f"{listed / planted:.3f}" if planted else ""
        table.add_row(kind, "yes" if is_same else "no", f"{planted:,}", f"{listed:,}", share)
    return table


if __name__ == "__main__":
    main()
