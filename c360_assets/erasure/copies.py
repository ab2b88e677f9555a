"""The files under C360_HOME that hold people beside the tables: each without one of them.

The warehouse is a cache and is removed, to be built anew. What cannot be built anew is written
again without the person: the history of profiles, and the newest delivery of files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

import duckdb
from filelock import FileLock

from c360_assets.activation.destinations.file import FileDestination
from c360_assets.mentions import Mentions
from c360_assets.sources.sql_text import literal

LOCK_SECONDS = 600.0


def unwritten(database: Path) -> FileLock:
    """What to hold while nobody may write to the warehouse; waits for who does."""
    return FileLock(f"{database}.lock", timeout=LOCK_SECONDS)


def remove_warehouse(database: Path) -> None:
    """Remove the warehouse's files, once nobody writes to it; a run builds it anew."""
    with unwritten(database):
        for path in (database, database.with_name(f"{database.name}.wal")):
            path.unlink(missing_ok=True)


def forget_in_history(folder: Path, user_ids: Iterable[str]) -> int:
    """Write the files of `profile_history` again without these customers; returns how many."""
    ids, written = sorted(user_ids), 0
    for path in sorted(folder.rglob("*.parquet")):
        source = f"read_parquet({literal(str(path))})"
        with duckdb.connect() as engine:
            rows = engine.execute(
                f"select count(*) from {source} where list_contains(?, client_customer_id)", [ids]
            ).fetchall()[0][0]
            if not rows:
                continue
            partial = path.with_suffix(".partial")
            engine.execute(
                f"copy (select * from {source} where client_customer_id is null"
                f" or not list_contains($ids, client_customer_id)) to {literal(str(partial))}"
                " (format parquet)",
                {"ids": ids},
            )
        partial.replace(path)
        written += 1
    return written


def forget_in_deliveries(
    folder: Path, user_ids: Collection[str], emails: Collection[str]
) -> list[str]:
    """Leave the newest delivery alone, without what its changes told of these people.

    That they are gone stays, by their id: it is what receivers delete by. Returns the files of the
    delivery that name them all the same, since it was made before they were erased.
    """

    theirs = Mentions(emails)

    def cut(line: str) -> str:
        change = json.loads(line)
        is_theirs = change["object"] == "contacts" and change["key"].get("user_id") in user_ids
        if is_theirs or theirs.are_in(line):
            return json.dumps({name: change[name] for name in ("object", "change", "key")})
        return line

    FileDestination(folder).rewrite_changes(cut)
    return sorted(
        path.name
        for path in (folder / "latest").glob("*.*")
        if path.is_file() and theirs.are_in(path.read_text(encoding="utf-8"))
    )


def drop_older_versions(published: Path) -> int:
    """Remove all published versions but the current one; returns how many."""
    current = (published / "current").resolve()
    older = [path for path in (published / "versions").iterdir() if path.resolve() != current]
    for path in older:
        shutil.rmtree(path)
    return len(older)
