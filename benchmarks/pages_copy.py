"""A home with a published copy of a million contacts, for `python -m benchmarks.pages`.

The demo at scale 156 (902,000 people) is taken through the pipeline's own steps, with three things
that the demo has not got: a company of 100,000 people, who have no events, in 2,500 gaggles; a
person with 2,500 addresses, as the merges of one file; and a journal of that length.

Customer profiles are made of the last PROFILED_DAYS alone: a copy of months of them would be some
ten times as large, and pages read no more of it than one person's rows.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from filelock import FileLock

from benchmarks import HISTORY_DAYS
from benchmarks.bare import AREAS, BarePipeline
from benchmarks.measure import all_days, settings_of
from c360_assets.settings import Settings
from c360_assets.sources.demo import write_demo

SCALE = 156
PROFILED_DAYS = 2
# the rest of the machine is for others
MEMORY_LIMIT = "14GB"
COMPANY = "hundredthousand.com"
COMPANY_PEOPLE = 100_000
COMPANY_GAGGLES = 2_500
MANY_ADDRESSES = 2_500
PERSON_ADDRESS = "address1@manyaddresses.com"
_PEOPLE = """
    with people as (
        select
            cast(row_number() over (order by id) as integer) as n,
            split_part(name, ' ', 1) as first_name,
            -- a surname of their own, or millions of pairs would be compared to suggest merges
            'Ha' || chr(97 + n // 17576 % 26) || chr(97 + n // 676 % 26) || chr(97 + n // 26 % 26)
                || chr(97 + n % 26) || 'ford' as last_name
        from read_parquet($users) qualify n <= $people
    )
    select
        'big-' || n as id,
        first_name || ' ' || last_name as name,
        lower(first_name || '.' || last_name) || '@' || $company as email,
        'big-gaggle-' || (1 + n % $gaggles) as gaggle_id,
        timestamp '2021-10-01' + to_minutes(n) as created_at,
        cast(null as varchar) as phone,
        cast(null as varchar) as address_id,
        cast(null as timestamp) as updated_at
    from people
    union all
    select
        'many-' || n, 'Many Addresses', 'address' || n || '@manyaddresses.com', null,
        timestamp '2021-10-01' + to_minutes(n), null, null, null
    from range(1, $addresses + 1) as t (n)
"""
_GAGGLES = """
    select 'big-gaggle-' || n as id, 'Hundred Thousand ' || n as name,
        timestamp '2021-10-01' as created_at
    from range(1, $gaggles + 1) as t (n)
"""
_MERGES = """
    select 'address' || n || '@manyaddresses.com' as old_email, $into as new_email,
        'merge' as decision, 'benchmark' as decided_by, 'a person with many addresses' as reason
    from range(2, $addresses + 1) as t (n)
"""


def home_of(folder: Path, scale: int, tell: Callable[[str], None]) -> Settings:
    """The settings of a home with such a copy, which is built where it is not there yet."""
    source, home = folder / f"pages-{scale}-source", folder / f"pages-{scale}"
    settings = settings_of(source, home)
    marker = home / ".complete"
    folder.mkdir(parents=True, exist_ok=True)
    # a second benchmark waits, and does not remove what the first is building
    with FileLock(folder / f"pages-{scale}.lock"):
        if not marker.exists():
            shutil.rmtree(source, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
            write_source(source, scale)
            tell(f"{source} is written")
            build(settings, tell)
            marker.touch()
    return settings


def write_source(source: Path, scale: int) -> None:
    """The demo's raw tables, and what it has not got beside them."""
    write_demo(source, scale=scale, history_days=HISTORY_DAYS)
    for table in ("raw_user", "raw_gaggle"):
        (source / table).mkdir()
        (source / f"{table}.parquet").rename(source / table / "demo.parquet")
    with duckdb.connect() as engine:
        _copy(
            engine,
            _PEOPLE,
            source / "raw_user" / "more.parquet",
            users=str(source / "raw_user" / "demo.parquet"),
            people=COMPANY_PEOPLE,
            company=COMPANY,
            gaggles=COMPANY_GAGGLES,
            addresses=MANY_ADDRESSES,
        )
        _copy(engine, _GAGGLES, source / "raw_gaggle" / "more.parquet", gaggles=COMPANY_GAGGLES)
        _copy(
            engine,
            _MERGES,
            source / "merged_user_many.csv",
            into=PERSON_ADDRESS,
            addresses=MANY_ADDRESSES,
        )


def build(settings: Settings, tell: Callable[[str], None]) -> None:
    """Everything but profiles for all days, then the last days with them, and the copy of it."""
    pipeline = BarePipeline(settings)
    pipeline.warehouse.hold()
    try:
        with pipeline.warehouse.get_connection() as connection:
            connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        days = all_days(settings)
        others = [area for area in AREAS if area not in ("profiles", "campaigns")]
        for wanted, areas in ((days, others), (days[-PROFILED_DAYS:], ("profiles", "campaigns"))):
            start = time.perf_counter()
            pipeline.run(wanted, areas)
            tell(f"{', '.join(areas)}: {time.perf_counter() - start:.0f} s")
        pipeline.publish()
        tell(f"published in {pipeline.timings.seconds['published']:.0f} s")
    finally:
        pipeline.warehouse.let_go()


def _copy(engine: duckdb.DuckDBPyConnection, select: str, to: Path, **values: object) -> None:
    kind = "parquet" if to.suffix == ".parquet" else "csv, header"
    target = str(to).replace("'", "''")
    engine.execute(f"copy ({select}) to '{target}' (format {kind})", values)
