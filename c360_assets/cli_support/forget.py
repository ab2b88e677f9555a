"""`c360 forget`: a person leaves every table, every copy and every CRM, and does not come back.

In this order, so that a stop at any point loses nothing and a second try goes on: tombstones, CRMs,
the copies that no run rebuilds, the run that builds the rest anew, the check that nothing is left,
the receipt.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm_job import FILE, destination_names, sync_job
from c360_assets.cli_support.output import Output
from c360_assets.cli_support.running import run_pipeline
from c360_assets.erasure import copies
from c360_assets.erasure.person import Person, find_person, spellings, traces
from c360_assets.errors import C360Error, NothingPublishedError, RequestError
from c360_assets.settings import Settings
from c360_assets.sources.erased_rows import PERSONAL
from c360_assets.sources.tombstones import FOLDER, Tombstones, open_tombstones, read_tombstones
from c360_assets.warehouse.profile_archive import FOLDER as HISTORY
from c360_assets.warehouse.published import open_published, read_manifest

RECEIPTS = "receipts"


@dataclass
class Forgotten:
    """What was found and done; becomes the receipt, which names nobody."""

    person: Person
    rows_before: Mapping[str, int]
    crm: dict[str, dict[str, Any]] = field(default_factory=dict)
    files_rewritten: int = 0
    rows_left: Mapping[str, int] = field(default_factory=dict)
    run_id: str | None = None
    sources: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def forget(out: Output, settings: Settings, email: str, by: str | None, now: datetime) -> Forgotten:
    """Erase the person with an address; `now` is naive UTC.

    Raises:
        RequestError: nobody has that address, and nobody with it was erased before.
    """
    person, rows = _who(settings, email)
    tombstones = open_tombstones(settings.home_dir)
    receipt = f"{now:%Y%m%dT%H%M%SZ}-{tombstones.hash_of('email', min(person.emails))[:8]}"
    about = {"at": f"{now.isoformat(timespec='seconds')}Z", "receipt": receipt}
    tombstones = tombstones.add(person.marks(), about)
    done = Forgotten(person, rows)
    for name in _destinations(settings):
        done.crm[name] = _erase_in(settings, name, person, done.problems)
    if rows:
        _build_anew(out, settings, done)
    if held := copies.forget_in_deliveries(settings.crm_dir, person.user_ids, person.emails):
        done.problems.append(f"{', '.join(held)} still hold them: run `crm_sync`, and forget again")
    done.sources = _source_rows(settings, person)
    _write_receipt(settings, receipt, by, now, tombstones, done)
    _show(out, settings.home_dir / FOLDER / RECEIPTS / f"{receipt}.json", done)
    return done


def _build_anew(out: Output, settings: Settings, done: Forgotten) -> None:
    """Rewrite what no run makes again, run the rest, and look whether anything is left."""
    person = done.person
    done.files_rewritten = copies.forget_in_history(settings.home_dir / HISTORY, person.user_ids)
    copies.remove_warehouse(settings.warehouse_path)
    report = run_pipeline(out, settings, None, None)
    done.run_id = report.run_id
    if report.exit_code != 0:
        done.problems.append(f"the run {report.run_id} failed, see `c360 status`; mend the cause")
    manifest = read_manifest(settings)
    if manifest is None or manifest.run_id != report.run_id:
        done.problems.append("the published copy still holds them, since nothing was published")
        return
    copies.drop_older_versions(settings.published_dir)
    done.rows_left = _left(settings, person)
    if done.rows_left:
        done.problems.append(f"rows are left in {', '.join(done.rows_left)}")


def lift(out: Output, settings: Settings, email: str) -> None:
    """Take the tombstone of an address away: its owner came back.

    Raises:
        RequestError: nobody with that address was erased.
    """
    tombstones = read_tombstones(settings.home_dir)
    names = spellings(email)
    if not any(tombstones.covers("email", each) for each in names):
        raise RequestError(f"nobody with the address {email} was erased")
    tombstones.without({"email": names})
    out.json({"lifted": True})
    out.say(
        "The address may come in again with the next run; accounts that were erased stay so, and "
        "CRMs may refuse the address on their own."
    )


def _who(settings: Settings, email: str) -> tuple[Person, Mapping[str, int]]:
    """The person, and their rows in the published copy; also one whose erasure was cut off."""
    try:
        with open_published(settings) as connection:
            person = find_person(connection, email)
            if person is not None:
                return person, traces(connection, person)
    except NothingPublishedError:
        # nothing to look into: only who was erased before is known
        person = None
    tombstones = read_tombstones(settings.home_dir)
    if any(tombstones.covers("email", each) for each in spellings(email)):
        return Person(frozenset(spellings(email)), frozenset(), frozenset()), {}
    raise RequestError(
        f"nobody in the published copy has the address {email}; `c360 explain {email}` names "
        "addresses that are near"
    )


def _destinations(settings: Settings) -> list[str]:
    """The row-wise destinations of today, and those that the ledger still knows."""
    names = {name for name in destination_names(settings) if name != FILE}
    path = settings.crm_dir / LEDGER
    if path.exists():
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            names |= {
                name for (name,) in connection.execute("select distinct destination from changes")
            }
    return sorted(names)


def _erase_in(settings: Settings, name: str, person: Person, problems: list[str]) -> dict[str, Any]:
    try:
        with sync_job(settings, name) as job:
            erased = job.erase(person.contact_ids, person.emails)
    except C360Error as error:
        problems.append(f"{name}: {error}")
        return {"done": False, "why": str(error)}
    problems += [f"{name}: {id_}: {reason}" for id_, reason in erased.failed.items()]
    return {
        "done": not erased.failed,
        "erased": list(erased.done),
        "failed": dict(erased.failed),
        "told": list(erased.told),
    }


def _left(settings: Settings, person: Person) -> dict[str, int]:
    """The person's rows in what the run built, the warehouse and the published copy."""
    found = {}
    with open_published(settings) as connection:
        found.update(traces(connection, person))
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        found.update(traces(connection, person))
    return found


def _source_rows(settings: Settings, person: Person) -> dict[str, int]:
    """Lines of source and merge files that still name an address: their owner's to mend."""
    found = {}
    for folder in {settings.source_dir, settings.merges_dir}:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".csv", ".jsonl") and path.is_file():
                with path.open(encoding="utf-8", errors="replace") as lines:
                    hits = sum(any(e in line.lower() for e in person.emails) for line in lines)
                if hits:
                    found[str(path.relative_to(folder))] = hits
    return found


def _write_receipt(
    settings: Settings,
    receipt: str,
    by: str | None,
    now: datetime,
    tombstones: Tombstones,
    done: Forgotten,
) -> Path:
    path = settings.home_dir / FOLDER / RECEIPTS / f"{receipt}.json"
    path.parent.mkdir(exist_ok=True)
    content = {
        "receipt": receipt,
        "at": f"{now.isoformat(timespec='seconds')}Z",
        "by": by,
        "addresses": sorted(tombstones.hash_of("email", each) for each in done.person.emails),
        "accounts": len(done.person.user_ids),
        "rows_removed": dict(done.rows_before),
        "rows_left": dict(done.rows_left),
        "history_files_rewritten": done.files_rewritten,
        "run_id": done.run_id,
        "crm": done.crm,
        "still_in_files_of_the_source": done.sources,
        "raw_tables_without_them": sorted(PERSONAL),
        "is_complete": not done.problems,
        "problems": done.problems,
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def _show(out: Output, path: Path, done: Forgotten) -> None:
    out.json(json.loads(path.read_text(encoding="utf-8")))
    out.table("Rows removed", ("table", "rows"), done.rows_before.items())
    out.table(
        "CRMs",
        ("", "records erased", "what it said"),
        [
            (name, len(each.get("erased", ())), each.get("why") or "; ".join(each["told"]))
            for name, each in done.crm.items()
        ],
    )
    out.table("Files of the source that still name them", ("file", "lines"), done.sources.items())
    out.say(f"The receipt is {path}; it names nobody.")
    for problem in done.problems:
        out.say(f"[bold]Not done[/]: {problem}")
    if done.problems:
        out.say("Mend the cause and run the same command again: it goes on with what is left.")
