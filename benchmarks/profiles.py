"""Customer profiles measured: `python -m benchmarks.profiles`.

- A new day at scale N, beside one bare read of the tables that it must look at.
- Storage of 58,000 contacts over 30 days with 3 % of them changing a day, beside full copies.
- One customer's whole history.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.bare import BarePipeline
from benchmarks.measure import all_days, demo, settings_of
from c360_assets.assets import profiles
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.customers.attributes import Registry, build_registry
from c360_assets.settings import Rules
from c360_assets.warehouse import profile_store

# what must be looked at to know whom a new day concerns, and what was said of them last
INPUTS = (
    *("marts.contacts", "identity.user_identity", "marts.gaggle_facts", "marts.dim_users"),
    *("marts.rfm_segment_history", "marts.lifetime_value_history", "ops.attribute_event_days"),
    *("staging.stg_campaign_targets", "staging.stg_tickets", "staging.user_event_days"),
    "marts.customer_profile_history",
)
CONTACTS, DAYS = 58_000, 30
# a fact changes its contact's profile when it happens, and as it leaves the windows of 1 and 7 days
NEW_FACTS_A_DAY = 0.01
FIRST = date(2021, 1, 1)


def main() -> None:
    """Measure what the arguments ask for and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--history-days", type=int, default=92)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--what", default="day,storage")
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    options = parser.parse_args()
    home = options.folder.resolve() / f"profiles-{os.getpid()}"
    try:
        if "day" in options.what:
            source = demo(options.folder.resolve(), options.scale, options.history_days)
            measure_day(source, home, options.repeat)
        if "storage" in options.what:
            measure_storage(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure_day(source: Path, home: Path, repeat: int) -> None:
    """A new day's profiles, beside the bare read of what they need, in turns.

    The demo ends with the first of a month, when lifetime value is scored anew and nearly
    everybody's profile changes; the day before is one like others.
    """
    pipeline = BarePipeline(settings_of(source, home))
    days = all_days(pipeline.settings)
    full = pipeline.run(days[:-2]).seconds["customer_profiles"]
    warehouse, kept = pipeline.settings.warehouse_path, home / "before.duckdb"
    shutil.copy(warehouse, kept)
    archived = {path.name for path in (home / "profile_history").iterdir()}
    reads: list[float] = []
    news: dict[date, list[float]] = {day: [] for day in days[-2:]}
    for _ in range(repeat):
        shutil.copy(kept, warehouse)
        for path in (home / "profile_history").glob("*.parquet"):
            if path.name not in archived:
                path.unlink()
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            reads.append(_timed(lambda connection=connection: _read(connection)))
        for day, seconds in news.items():
            seconds.append(pipeline.run([day]).seconds["customer_profiles"])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("select count(*) from marts.customer_profile_history").fetchall()
        one = _one_customer(connection)
    read = statistics.median(reads)
    print(f"bare read of the inputs {read:.2f} s; {len(days) - 2} days at once {full:.1f} s")
    for day, seconds in news.items():
        new = statistics.median(seconds)
        print(f"{day}: {new:.2f} s, {new / read:.1f} x the bare read")
    print(f"{rows[0][0]:,} rows; one customer's history {one * 1000:.0f} ms")


def measure_storage(home: Path) -> None:
    """Bytes of the intervals, beside those of a full copy for each day."""
    home.mkdir(parents=True, exist_ok=True)
    registry = build_registry((), Rules().lifecycle, {})
    path = home / "storage.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(EMPTY_CATALOG)
        _invent(connection, registry)
        empty = _bytes(connection)
        _state_days(connection, registry)
        stored = _bytes(connection) - empty
        rows = connection.execute("select count(*) from marts.customer_profile_history").fetchall()
        one = _one_customer(connection)
        copy = _bytes(connection)
        connection.execute(
            "create table one_day as select * from marts.customer_profile_history"
            " where known_until is null and valid_to is null order by client_customer_id"
        )
        full = (_bytes(connection) - copy) * DAYS
    print(
        f"{CONTACTS:,} contacts, {DAYS} days: {rows[0][0]:,} rows, {stored / 1e6:.0f} MB ="
        f" {stored / full:.1%} of full copies ({CONTACTS * DAYS:,} rows, {full / 1e6:.0f} MB);"
        f" one customer's history {one * 1000:.0f} ms"
    )


def _read(connection: duckdb.DuckDBPyConnection) -> None:
    for table in INPUTS:
        names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
        columns = ", ".join(f'"{name}"' for name in names)
        connection.execute(f"select bit_xor(hash({columns})) from {table}").fetchall()


def _one_customer(connection: duckdb.DuckDBPyConnection) -> float:
    """Median seconds of reading everything ever stored of one customer."""
    rows = connection.execute(
        "select client_customer_id from marts.customer_profile_history"
        " group by client_customer_id order by count(*) desc, client_customer_id limit 5"
    ).fetchall()
    query = "select * from marts.customer_profile_history where client_customer_id = ?"
    return statistics.median(
        _timed(lambda row=row: connection.execute(query, list(row)).fetchall()) for row in rows * 3
    )


def _invent(connection: duckdb.DuckDBPyConnection, registry: Registry) -> None:
    """Contacts, and facts of 1 % of them a day."""
    facts_a_day = int(CONTACTS * NEW_FACTS_A_DAY)
    measures = ", ".join(
        f"cast(case when n % 2 = 0 then 1 end as {m.rule.type}) as {m.name}"
        if m.rule.type != "DATE"
        else f"day as {m.name}"
        for m in registry.measures
    )
    connection.execute(
        f"""
        create schema if not exists marts;
        create table contacts as select 'u' || n as user_id, timestamp '2020-01-01' as created_at
            from range({CONTACTS}) as r (n);
        create table all_days as select distinct 'u' || n as user_id, day as fact_date, {measures}
            from (
                select cast(hash(n) % {CONTACTS} as bigint) as n,
                    date '{FIRST}' + cast(floor(n / {facts_a_day}) as integer) - 8 as day
                from range({facts_a_day} * ({DAYS} + 8)) as r (n)
            );
        """
    )


def _state_days(connection: duckdb.DuckDBPyConnection, registry: Registry) -> None:
    connection.execute(
        """
        create or replace table marts.contacts as select * from contacts;
        create or replace table identity.user_identity as
            select user_id, user_id as contact_user_id from contacts;
        """
    )
    sql = profiles.compile_registry(registry)
    nothing = {
        source: f"select user_id{since} {_nulls(registry, source)} from marts.contacts"
        for source in sql.states
        for since in ["" if source == "contacts" else ", date '2020-01-01' as valid_from"]
    }
    sql = profile_store.ProfileSql(**{**vars(sql), "states": nothing})
    profile_store.prepare(connection, sql)
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        connection.execute(
            "create or replace temp table contact_days as"
            f" select * from all_days where fact_date <= date '{day}'"
        )
        at = datetime(2021, 1, 1) + timedelta(days=n, hours=30)
        profile_store.state_profiles(connection, sql, [day], day, at, is_anew=False)


def _nulls(registry: Registry, source: str) -> str:
    return "".join(f", cast(null as {a.type}) as {a.name}" for a in registry.states(source))


def _bytes(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute("checkpoint")
    size, used = connection.execute(
        "select block_size, used_blocks from pragma_database_size()"
    ).fetchall()[0]
    return int(size) * int(used)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
