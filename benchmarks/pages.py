"""`python -m benchmarks.pages`: how long people wait for the pages at a million contacts.

(a) searches, in this process on the published copy as pages see it, with nobody hidden and with
2,500 people who opted out; (b) every page, over HTTP from `c360 ui` in a process of its own: what
the server takes until its whole answer has come; (c) what pages ask for once they are there, in
this process. Each is asked once to warm up, then `--repeat` times in turns; medians and the worst.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import pages_parts
from benchmarks.pages_copy import COMPANY, PERSON_ADDRESS, SCALE, home_of
from c360_assets.crm_rules import CrmRules
from c360_assets.settings import Rules, Settings
from c360_assets.ui import links
from c360_assets.ui.copies import Copies
from c360_assets.ui.data.search import search
from c360_assets.warehouse.published import open_published

SEARCH_TARGET, PAGE_TARGET = 200.0, 500.0  # milliseconds
HIDDEN_PEOPLE = 2_500
OPT_OUTS = "benchmark_optouts.csv"
PATIENCE_SECONDS = 60.0
SEARCHES = {
    "one letter": "a",
    "the rarest letter": "q",
    "two letters as words": "a b",
    "a first name": "constance",
    "first and last name": "constance wakecott",
    "the end of a name": "cott",
    "a whole address": PERSON_ADDRESS,
    "an address merged away": "address1999@manyaddresses.com",
    "an id": "c_123456",
    "a domain of 100,000": COMPANY,
    "a word and that domain": f"ann {COMPANY}",
    "the end of most addresses": ".com",
    "no hit": "zzzzqqqq",
    "no hit, five words": "zz yy xx qq ww",
    "a wildcard": "%",
    "300 characters": "Zebra&|;'\"%_ " * 23 + "x",
    "many short words": "a e i o u n r s t l m d",
}
# what pages are asked about: one row, columns by which `pages_of` makes addresses
_EXAMPLES = f"""
    select
        (select contact_id from marts.contacts where email = '{PERSON_ADDRESS}') as many_addresses,
        (select contact_id from marts.contacts
         order by number_of_orders desc, user_id limit 1) as most_orders,
        (select contact_id from marts.contacts
         order by number_of_events desc, user_id limit 1) as most_events,
        (select contact_id from marts.contacts where number_of_orders = 2
         order by user_id limit 1) as ordinary,
        (select corporate_email from marts.corporate_accounts where number_of_users_corporate = 8
         order by corporate_email limit 1) as company,
        (select gaggle_id from marts.gaggle_facts where corporate_email = '{COMPANY}'
         order by gaggle_id limit 1) as large_gaggle,
        (select gaggle_id from marts.gaggle_facts where number_of_users = 8
         order by gaggle_id limit 1) as gaggle
"""
Figures = dict[str, dict[str, Any]]


def main() -> None:
    """Build the copy where it is missing, measure, and print the figures beside the targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".c360/benchmarks"))
    parser.add_argument("--scale", type=int, default=SCALE, help="of the demo; 156 is a million")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--without-pages", action="store_true", help="searches alone")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    options = parser.parse_args()
    console = Console()
    settings = home_of(options.folder.resolve(), options.scale, console.print)
    with open_published(settings) as copy:
        contacts = copy.execute("select count(*) from marts.contacts").fetchall()[0][0]
    console.print(f"{contacts:,} contacts")
    figures: dict[str, Figures] = {
        "searches": measure_searches(settings, options.repeat),
        f"searches, {HIDDEN_PEOPLE:,} people hidden": measure_searches(
            with_opt_outs(settings), options.repeat
        ),
    }
    if not options.without_pages:
        figures["pages"] = measure_pages(settings, options.repeat)
        figures["parts of pages that come later"] = measure_parts(settings, options.repeat)
    for title, measured in figures.items():
        target = SEARCH_TARGET if title.startswith("searches") else PAGE_TARGET
        console.print(_table(title, measured, target))
    if options.json:
        options.json.write_text(json.dumps({"contacts": contacts, **figures}, indent=2) + "\n")


def measure_searches(settings: Settings, repeat: int) -> Figures:
    """Each search: its median and worst milliseconds, and how much it found."""
    copy = Copies(settings).current()
    found: dict[str, int] = {}

    def asked(name: str) -> None:
        found[name] = search(copy, SEARCHES[name]).total

    taken = in_turns({name: partial(asked, name) for name in SEARCHES}, repeat)
    return {name: {**_summary(taken[name]), "found": found[name]} for name in SEARCHES}


def with_opt_outs(settings: Settings) -> Settings:
    """The same copy, of which HIDDEN_PEOPLE opted out."""
    with open_published(settings) as copy:
        _write_opt_outs(copy, settings.source_dir / OPT_OUTS)
    rules = Rules(crm=CrmRules(suppression=(OPT_OUTS,)))
    return settings.model_copy(update={"rules": rules})


def _write_opt_outs(copy: duckdb.DuckDBPyConnection, path: Path) -> None:
    rows = copy.execute(
        "select email from marts.contacts order by hash(user_id), user_id limit ?", [HIDDEN_PEOPLE]
    ).fetchall()
    path.write_text("\n".join(["email", *(email for (email,) in rows)]) + "\n", encoding="utf-8")


def measure_pages(settings: Settings, repeat: int) -> Figures:
    """Each page: its median and worst milliseconds, the status and the bytes of the answer.

    Raises:
        SystemExit: a page does not answer with 200; figures of an error page tell nothing.
    """
    answers: dict[str, httpx.Response] = {}
    with served(settings) as url, httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:

        def asked(name: str, path: str) -> None:
            answers[name] = client.get(path, headers={"accept": "text/html"})

        paths = pages_of(settings)
        calls = {name: partial(asked, name, path) for name, path in paths.items()}
        taken = in_turns(calls, repeat)
    wrong = {name: answer.status_code for name, answer in answers.items() if answer.is_error}
    if wrong:
        raise SystemExit(f"these pages answer with an error: {wrong}; see the server's log above")
    return {
        name: {**_summary(taken[name]), "bytes": len(answers[name].content), "path": path}
        for name, path in paths.items()
    }


def measure_parts(settings: Settings, repeat: int) -> Figures:
    """Each part: its median and worst milliseconds."""
    taken = in_turns(pages_parts.parts_of(Copies(settings).current()), repeat)
    return {name: _summary(each) for name, each in taken.items()}


def pages_of(settings: Settings) -> dict[str, str]:
    """The paths of the pages, by what they show."""
    with open_published(settings) as copy:
        cursor = copy.execute(_EXAMPLES)
        names = [column[0] for column in cursor.description or ()]
        example = dict(zip(names, cursor.fetchall()[0], strict=True))
    return {
        "home": links.HOME,
        "home, search of a name": links.search("constance"),
        "home, search of one letter": links.search("a"),
        "person, ordinary": links.contact(example["ordinary"]),
        "person, most orders": links.contact(example["most_orders"]),
        "person, most events": links.contact(example["most_events"]),
        "person, 2,500 addresses": links.contact(example["many_addresses"]),
        "company, ordinary": links.account(example["company"]),
        "company, 100,000 people": links.account(COMPANY),
        "gaggle, ordinary": links.gaggle(example["gaggle"]),
        "gaggle of that company": links.gaggle(example["large_gaggle"]),
        "segments": links.SEGMENTS,
        "KPIs": links.KPIS,
        "merge review": links.REVIEW,
        "history of merges": links.REVIEW_HISTORY,
        "CRM sync": links.SYNC,
        "support queue": links.QUEUE,
    }


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """`c360 ui` on a free port of loopback; gives its URL, and ends it by its own process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "c360_assets.cli", "ui", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("C360_")},
            "C360_HOME": str(settings.home_dir),
            "C360_SOURCE": str(settings.source_dir),
        },
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "http://" not in line:
            raise SystemExit(f"the pages did not start: {line!r}")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def in_turns(calls: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, list[float]]:
    """Milliseconds of each call: once unmeasured, then `repeat` times, all before any again."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeat + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                taken[name].append((time.perf_counter() - start) * 1000)
    return taken


def _summary(taken: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(taken)
    return {"median_ms": round(ordered[len(ordered) // 2], 1), "worst_ms": round(ordered[-1], 1)}


def _table(title: str, figures: Figures, target: float) -> Table:
    table = Table(title=f"{title}, target {target:.0f} ms", title_justify="left")
    size = next((each for each in ("bytes", "found") if each in next(iter(figures.values()))), "")
    for heading in ("what", "median ms", "worst ms", size, ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, row in figures.items():
        missed = "missed" if row["median_ms"] > target else ""
        count = f"{row[size]:,}" if size else ""
        table.add_row(name, f"{row['median_ms']:.0f}", f"{row['worst_ms']:.0f}", count, missed)
    return table


if __name__ == "__main__":
    main()
