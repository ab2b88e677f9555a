"""`python -m benchmarks.rfm --scale 1`: the RFM history beside the original's formulation.

The original (Greenery Analytics) joins every hour with every order up to it, groups by hour and
customer, and ranks the customers of each hour. Both are timed in one run on the same orders, and
every score and segment of the hours that the original computed is compared. With `--hours N` the
original computes N hours spread evenly over the history, and its time is extrapolated by the number
of pairs of an hour and an order; the printed line says so. Memory is that of this process.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.bare import BarePipeline
from benchmarks.measure import all_days, demo, settings_of
from c360_assets.assets import rfm_history
from c360_assets.assets.shell import open_step
from c360_assets.contracts.rfm_history import HISTORY, MIGRATIONS
from c360_assets.customers.rfm_states import STORED
from c360_assets.settings import Settings
from c360_assets.warehouse.duckdb import Warehouse

MEMORY_LIMIT = "450MB"
COUNTS = """
select
    (select sum(number_of_orders)::bigint from marts.rfm_hours),
    (select count(distinct user_id) from marts.rfm_segment_history),
    (select count(*) from marts.rfm_hours),
    (select count(*) from marts.rfm_segment_history),
    (select max(date_hour) from marts.rfm_hours)
"""
# every column of every customer, kept, as a dashboard that asks for an hour would
ONE_HOUR = """
create or replace temp table one_hour as
select * from marts.rfm_segments_hourly where date_hour = ?
"""
SOME_CUSTOMERS = "select user_id from marts.contacts where number_of_orders > 0 using sample 9"
ONE_CUSTOMER = "select * from marts.rfm_segment_history where user_id = ? order by valid_from"
ASKED_HOURS = """
create or replace temp table asked_hours as
select date_hour
from (
    select date_hour, row_number() over (order by date_hour) as nth, count(*) over () as hours
    from marts.rfm_hours
) as numbered
where ? is null or nth % greatest(hours // ?, 1) = 0
"""
PAIRS = """
select
    sum(orders),
    sum(orders) filter (where date_hour in (select date_hour from asked_hours)),
    (select count(*) from asked_hours)
from (
    select date_hour, sum(number_of_orders) over (order by date_hour)::double as orders
    from marts.rfm_hours
) as so_far
"""
# the hours and orders formulation; scores by the same cuts, so that the results can be compared
ORIGINAL = """
create or replace temp table original as
with measures as (
    select
        h.date_hour,
        o.user_id,
        date_diff('second', max(o.ordered_at), h.date_hour) // 60 as recency,
        count(*) as frequency,
        sum(o.sales_total) as monetary
    from asked_hours as h
    inner join bought as o on o.ordered_at <= h.date_hour
    group by h.date_hour, o.user_id
),
ranked as (
    select
        *,
        percent_rank() over (partition by date_hour order by recency desc) as r,
        percent_rank() over (partition by date_hour order by frequency) as f,
        percent_rank() over (partition by date_hour order by monetary) as m
    from measures
),
scored as (
    select
        date_hour, user_id,
        1 + (r >= 0.2)::int + (r >= 0.4)::int + (r >= 0.6)::int + (r >= 0.8)::int as recency_score,
        1 + (f >= 0.2)::int + (f >= 0.4)::int + (f >= 0.6)::int + (f >= 0.8)::int
            as frequency_score,
        1 + (m >= 0.2)::int + (m >= 0.4)::int + (m >= 0.6)::int + (m >= 0.8)::int
            as monetary_score
    from ranked
)
select s.*, g.rfm_segment
from scored as s
inner join ops.rfm_grid as g
    on g.recency_score = s.recency_score and g.frequency_score = s.frequency_score
"""
# both sides have one row per hour and customer
DIFFERENCES = """
with history as (
    select h.date_hour, s.user_id, s.recency_score, s.frequency_score, s.monetary_score,
        s.rfm_segment
    from asked_hours as h
    inner join marts.rfm_segment_history as s
        on s.valid_from <= h.date_hour
        and coalesce(s.valid_to, timestamp '9999-12-31') > h.date_hour
)
select
    (select count(*) from history) + (select count(*) from original) - 2 * count(*)
from original as o
inner join history as h
    on h.date_hour = o.date_hour and h.user_id = o.user_id
    and h.recency_score = o.recency_score and h.frequency_score = o.frequency_score
    and h.monetary_score = o.monetary_score and h.rfm_segment = o.rfm_segment
"""


def main() -> None:
    """Measure what the arguments ask for and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rfm", description=__doc__)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--days", type=int, default=92, help="of history in the demo data")
    parser.add_argument("--hours", type=int, help="of the original; by default all")
    parser.add_argument("--no-original", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    parser.add_argument("--only-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    home = folder / f"rfm-{options.scale}-{options.days}"
    settings = settings_of(demo(folder, options.scale, options.days), home)
    if options.only_build:
        BarePipeline(settings).run(all_days(settings))
        return
    shutil.rmtree(home, ignore_errors=True)
    # in a process of its own, so that its memory is not counted here
    subprocess.run(
        [sys.executable, "-m", "benchmarks.rfm", *sys.argv[1:], "--only-build"], check=True
    )
    warehouse = Warehouse(
        database=str(settings.warehouse_path), connection_config={"memory_limit": MEMORY_LIMIT}
    )
    warehouse.hold()
    found = ours(settings, warehouse)
    if not options.no_original:
        found |= original(warehouse, options.hours)
        found["ratio"] = round(found["original_seconds"] / found["history_seconds"], 1)
    warehouse.let_go()
    print(json.dumps(found, indent=2))


def ours(settings: Settings, warehouse: Warehouse) -> dict[str, Any]:
    """The history from nothing, the counts over it, and what reading it costs."""
    with warehouse.transaction() as connection:
        for name in (*STORED, "rfm_rules"):
            connection.execute(f"drop table marts.{name}")
    seconds = {}
    for name, body in rfm_history.BODIES.items():
        start = time.perf_counter()
        with open_step(settings, warehouse, "benchmark") as step:
            body(step)
        seconds[name] = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with warehouse.reading() as connection:
        counts = connection.execute(COUNTS).fetchall()[0]
        hour = _median(lambda: connection.execute(ONE_HOUR, [counts[-1]]).fetchall())
        people = connection.execute(SOME_CUSTOMERS).fetchall()
        customer = max(
            _median(lambda one=one: connection.execute(ONE_CUSTOMER, one).fetchall())
            for one in people
        )
    return {
        **dict(zip(("orders", "customers", "hours", "intervals"), counts, strict=False)),
        "history_seconds": round(seconds[HISTORY], 2),
        "counts_seconds": round(seconds[MIGRATIONS], 2),
        "peak_memory_mib": peak,
        "one_hour_ms": round(hour * 1000),
        "one_customer_ms": round(customer * 1000, 1),
    }


def original(warehouse: Warehouse, hours: int | None) -> dict[str, Any]:
    """The original for all hours or for some, and how many rows of it are others than ours."""
    with warehouse.get_connection() as connection:
        connection.execute(
            "create or replace temp table bought as select i.contact_user_id as user_id,"
            " o.ordered_at, o.sales_total from staging.stg_orders as o"
            " inner join identity.user_identity as i on i.user_id = o.user_id"
        )
        connection.execute(ASKED_HOURS, [hours, hours])
        all_pairs, pairs, asked = connection.execute(PAIRS).fetchall()[0]
        start = time.perf_counter()
        connection.execute(ORIGINAL)
        seconds = time.perf_counter() - start
        differing = connection.execute(DIFFERENCES).fetchall()[0][0]
    return {
        "original_hours": asked,
        "original_seconds": round(seconds * all_pairs / pairs, 1),
        "original_is_extrapolated": pairs < all_pairs,
        "original_seconds_measured": round(seconds, 1),
        "rows_that_differ": differing,
    }


def _median(body: Callable[[], object]) -> float:
    """Seconds of the middle one of five calls."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
