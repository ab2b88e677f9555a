"""`python -m benchmarks.crm --contacts 1000000`: planning a CRM sync beside a full ledger.

Contacts are invented; of those, so many in a thousand differ from what was acknowledged. Timed is
what `c360 crm plan` does without asking the CRM: the wanted payloads from the tables, the ledger
read, both compared. Memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb

from benchmarks.crm_tables import create_published
from c360_assets.activation.destinations.build import rules_of
from c360_assets.activation.objects import SYNC_OBJECTS
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_rows import Acknowledged
from c360_assets.activation.sync.plan import compare
from c360_assets.activation.sync.wanted import load_suppression, make_wanted
from c360_assets.crm_rules import CrmRules, ObjectRules

AT = datetime(2021, 12, 1)
PEOPLE = """
insert into marts.contacts by name
select 'u' || n as user_id, 'c_' || n as contact_id,
    'p' || n || '@c' || n % 50000 || '.com' as email,
    'Person ' || n as user_name, 'c' || n % 50000 || '.com' as corporate_email,
    n % 40 as number_of_orders, n % 300 as number_of_events, [] as merged_emails,
    timestamp '2021-09-01' + (n % 90) * interval '1 day' as first_order
from range(?) as r (n)
"""
VALUES = """
insert into marts.customer_lifetime_value by name
select user_id, number_of_orders * 12.5 as clv_365d, 0.5 as probability_alive from marts.contacts
"""


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crm", description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=30, help="of a thousand")
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    parser.add_argument("--only-prepare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve() / "crm"
    if options.only_prepare:
        prepare(folder, options.contacts, options.changed)
        return
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "benchmarks.crm", *sys.argv[1:], "--only-prepare"], check=True
    )
    print(json.dumps(measure(folder), indent=2))


def prepare(folder: Path, contacts: int, changed: int) -> None:
    """Write the tables, and a ledger in which so many of a thousand are others."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "published.duckdb")) as connection:
        create_published(connection)
        connection.execute(PEOPLE, [contacts])
        connection.execute(VALUES)
        _wanted(connection)
        with Ledger(folder / "ledger.sqlite", "hubspot") as ledger:
            cursor = connection.execute(
                "select key, payload, case when hash(key) % 1000 < ? then 'other' else hash end"
                " from wanted_contacts",
                [changed],
            )
            while rows := cursor.fetchmany(100_000):
                taken = [
                    Acknowledged("contacts", key, f"9{key[2:]}", json.loads(text), hash_, "create")
                    for key, text, hash_ in rows
                ]
                ledger.settle(taken, {}, "run", AT)


def _rules() -> ObjectRules:
    rules = rules_of("hubspot", CrmRules()).contacts
    if rules is None:
        raise LookupError("the mapping that is shipped has no contacts")
    return rules


def _wanted(connection: duckdb.DuckDBPyConnection) -> int:
    load_suppression(connection, [], Path())
    source = next(each for each in SYNC_OBJECTS if each.name == "contacts")
    return make_wanted(connection, source, _rules(), "contact_id")


def measure(folder: Path) -> dict[str, float | int]:
    """Plan once."""
    with (
        duckdb.connect(str(folder / "published.duckdb"), read_only=True) as connection,
        Ledger(folder / "ledger.sqlite", "hubspot") as ledger,
    ):
        start = time.perf_counter()
        rows = _wanted(connection)
        middle = time.perf_counter()
        plan = compare(connection, ledger, _rules(), "contacts", {}, AT)
        end = time.perf_counter()
    return {
        "contacts": rows,
        "to_update": len(plan.update),
        "to_create": len(plan.create),
        "wanted_seconds": round(middle - start, 2),
        "compare_seconds": round(end - middle, 2),
        "plan_seconds": round(end - start, 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
