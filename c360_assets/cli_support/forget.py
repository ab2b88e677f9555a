"""`c360 forget`: a person leaves every table, every copy and every CRM, and does not come back.

In this order, so that a stop at any point loses nothing and a second try goes on: a note of who it
is (`erasure.pending`), tombstones, CRMs, the copies that no run rebuilds, the run that builds the
rest anew, the check that nothing is left, the receipt.
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
from c360_assets.erasure.pending import Pending, find_pending
from c360_assets.erasure.person import Person, find_person, spellings, traces
from c360_assets.errors import C360Error, NothingPublishedError, RequestError
from c360_assets.mentions import Mentions
from c360_assets.settings import Settings
from c360_assets.sources.erased_rows import PERSONAL
from c360_assets.sources.tombstones import FOLDER, Tombstones, open_tombstones, read_tombstones
from c360_assets.warehouse.profile_archive import FOLDER as HISTORY
from c360_assets.warehouse.published import open_published, read_manifest

RECEIPTS = "receipts"


@dataclass
class Forgotten:
    """What was found and done; becomes the receipt, which names nobody."""

    task: Pending
    rows_left: Mapping[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def person(self) -> Person:
        """Who is forgotten."""
        return self.task.person


def forget(out: Output, settings: Settings, email: str, by: str | None, now: datetime) -> Forgotten:
    """Erase the person with an address; `now` is naive UTC.

    Raises:
        NothingPublishedError: there is nothing to look into.
        RequestError: nobody has that address, and nobody with it was erased before.
    """
    home = settings.home_dir
    done = Forgotten(_task(settings, email, by, now))
    task, person = done.task, done.person
    task.write(home)
    about = {"at": f"{now.isoformat(timespec='seconds')}Z", "receipt": task.receipt}
    tombstones = open_tombstones(home).add(person.marks(), about)
    for name in _destinations(settings):
        task.told(name, _erase_in(settings, name, person, done.problems))
    task.files_rewritten += copies.forget_in_history(home / HISTORY, person.user_ids)
    task.write(home)
    left = _left(settings, person)
    if task.run_id is None or left is None or left:
        _build_anew(out, settings, done)
    else:
        copies.drop_older_versions(settings.published_dir)
    if held := copies.forget_in_deliveries(settings.crm_dir, person.user_ids, person.addresses()):
        done.problems.append(f"{', '.join(held)} still hold them: run `crm_sync`, and forget again")
    done.sources = _source_rows(settings, person)
    path = _write_receipt(settings, now, tombstones, done)
    if done.problems:
        task.write(home)
    else:
        task.remove(home)
    _show(out, path, done)
    return done


def _build_anew(out: Output, settings: Settings, done: Forgotten) -> None:
    """Build everything that a run makes without the person, and look whether anything is left."""
    done.task.run_id = None
    copies.remove_warehouse(settings.warehouse_path)
    report = run_pipeline(out, settings, None, None)
    if report.exit_code != 0:
        done.problems.append(f"the run {report.run_id} failed, see `c360 status`; mend the cause")
    manifest = read_manifest(settings)
    if manifest is None or manifest.run_id != report.run_id:
        done.problems.append("the published copy still holds them, since nothing was published")
        return
    copies.drop_older_versions(settings.published_dir)
    done.rows_left = _left(settings, done.person) or {}
    if done.rows_left:
        done.problems.append(f"rows are left in {', '.join(done.rows_left)}")
    else:
        done.task.run_id = report.run_id


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


def _task(settings: Settings, email: str, by: str | None, now: datetime) -> Pending:
    """The erasure of the person with an address: the one that is under way, or a new one."""
    names = spellings(email)
    task = find_pending(settings.home_dir, names)
    tombstones = read_tombstones(settings.home_dir)
    is_known = task is not None or any(tombstones.covers("email", each) for each in names)
    person, rows = None, {}
    try:
        with open_published(settings) as connection:
            person = find_person(connection, email)
            rows = traces(connection, person) if person else {}
    except NothingPublishedError:
        if not is_known:
            raise
    if person is None and not is_known:
        raise RequestError(
            f"nobody in the published copy has the address {email}; `c360 explain {email}` names "
            "addresses that are near"
        )
    person = person or Person(frozenset(names), frozenset(), frozenset())
    if task is None:
        digest = open_tombstones(settings.home_dir).hash_of("email", min(person.emails))
        receipt = f"{now:%Y%m%dT%H%M%SZ}-{digest[:8]}"
        return Pending(receipt, now, person, by, rows)
    task.person = task.person.and_also(person)
    task.by = by or task.by
    task.rows_before = task.rows_before or rows
    return task


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


def _left(settings: Settings, person: Person) -> dict[str, int] | None:
    """The person's rows in the warehouse and the published copy; None where one is not there."""
    if not settings.warehouse_path.exists():
        return None
    found = {}
    try:
        with open_published(settings) as connection:
            found.update(traces(connection, person))
    except NothingPublishedError:
        return None
    with (
        copies.unwritten(settings.warehouse_path),
        duckdb.connect(str(settings.warehouse_path), read_only=True) as connection,
    ):
        found.update(traces(connection, person))
    return found


def _source_rows(settings: Settings, person: Person) -> dict[str, int]:
    """Lines of source and merge files that still name an address: their owner's to mend."""
    found, theirs = {}, Mentions(person.addresses())
    for folder in {settings.source_dir, settings.merges_dir}:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".csv", ".jsonl") and path.is_file():
                with path.open(encoding="utf-8", errors="replace") as lines:
                    hits = sum(theirs.are_in(line) for line in lines)
                if hits:
                    found[str(path.relative_to(folder))] = hits
    return found


def _write_receipt(
    settings: Settings, now: datetime, tombstones: Tombstones, done: Forgotten
) -> Path:
    """Write what all tries have done so far; each writes over the receipt of the one before."""
    task = done.task
    path = settings.home_dir / FOLDER / RECEIPTS / f"{task.receipt}.json"
    path.parent.mkdir(exist_ok=True)
    content = {
        "receipt": task.receipt,
        "begun_at": f"{task.begun_at.isoformat(timespec='seconds')}Z",
        "at": f"{now.isoformat(timespec='seconds')}Z",
        "by": task.by,
        "addresses": sorted(tombstones.hash_of("email", each) for each in done.person.emails),
        "accounts": len(done.person.user_ids),
        "rows_removed": task.rows_before,
        "rows_left": dict(done.rows_left),
        "history_files_rewritten": task.files_rewritten,
        "run_id": task.run_id,
        "crm": task.crm,
        "still_in_files_of_the_source": done.sources,
        "raw_tables_without_them": sorted(PERSONAL),
        "is_complete": not done.problems,
        "problems": done.problems,
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def _show(out: Output, path: Path, done: Forgotten) -> None:
    out.json(json.loads(path.read_text(encoding="utf-8")))
    out.table("Rows removed", ("table", "rows"), done.task.rows_before.items())
    out.table(
        "CRMs",
        ("", "records erased", "what it said"),
        [
            (name, len(each.get("erased", ())), each.get("why") or "; ".join(each["told"]))
            for name, each in done.task.crm.items()
        ],
    )
    out.table("Files of the source that still name them", ("file", "lines"), done.sources.items())
    out.say(f"The receipt is {path}; it names nobody.")
    for problem in done.problems:
        out.say(f"[bold]Not done[/]: {problem}")
    if done.problems:
        out.say("Mend the cause and run the same command again: it goes on with what is left.")
