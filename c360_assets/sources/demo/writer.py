"""The demo's files: written beside the folder, then moved into it one by one.

What does NOT belong here: what the tables hold (`blocks`, `staging`).
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from c360_assets.sources.demo import clock
from c360_assets.sources.demo.blocks import add_block
from c360_assets.sources.demo.staging import TABLES, Numbers, Staging

PARQUET_FROM_SCALE = 10
"""From this scale on every raw table is Parquet; below, all but the events are CSV."""

_IN_MEMORY_BELOW = 4 * clock.HISTORY_DAYS  # blocks times days

MANIFEST = "truth/demo.json"
"""Says which files of the folder are the generator's, and what they were made from."""

TRUTH = "truth/duplicates"

_ALWAYS_CSV = ("merged_user", "merged_company_domain", TRUTH)


@dataclass(frozen=True)
class DemoSummary:
    """What `write_demo` wrote: where, from what, and the rows of every table."""

    folder: Path
    scale: int
    seed: int
    history_days: int
    rows: dict[str, int]


def write_demo(
    folder: Path,
    *,
    seed: int = 360,
    scale: int = 1,
    history_days: int = clock.HISTORY_DAYS,
    progress: Callable[[str], None] | None = None,
) -> DemoSummary:
    """Write the raw tables and merge files of an invented Jaffle Gaggle into `folder`.

    Scale 1 has 823 gaggles, 5,781 users and 120,307 events from 2021-09-01 to 2021-12-01, both
    included. Scale N has N times as many of everything but products, promos and campaigns. The
    same arguments give the same bytes, as long as the versions of numpy and DuckDB are the same.

    `history_days` above 92 appends days at the end at the same mean number of events a day: the
    users, and the events of the first 92 days, stay as they are.

    An earlier demo in the folder is replaced; every other file in it stays. `progress` gets a
    line per step.

    Raises ValueError for a scale or history out of range, a negative seed, and a folder that
    holds a raw table by the name of one of the demo's which the generator did not write.
    """
    _refuse_bad_arguments(seed, scale, history_days)
    folder = Path(folder)
    owned = _owned_files(folder)
    _refuse_strangers(folder, owned, history_days)
    say = progress or _silent
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        rows = _write(scratch / "new", scratch, seed, scale, history_days, say)
        written = _files_below(scratch / "new")
        about = {"seed": seed, "scale": scale, "history_days": history_days, "rows": rows}
        say(f"moving {len(written)} files into {folder}")
        _publish(scratch / "new", folder, written, owned, about)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return DemoSummary(folder, scale, seed, history_days, rows)


def _refuse_bad_arguments(seed: int, scale: int, history_days: int) -> None:
    if scale < 1:
        raise ValueError(f"scale {scale} of the demo is too small; the smallest is 1")
    if seed < 0:
        raise ValueError(f"seed {seed} of the demo is negative; use 0 or more")
    if history_days < clock.HISTORY_DAYS:
        raise ValueError(
            f"a history of {history_days} days is shorter than the demo's; "
            f"use {clock.HISTORY_DAYS} or more"
        )


def _refuse_strangers(folder: Path, owned: set[str], history_days: int) -> None:
    """Refuse files of others that the demo would overwrite, or that would be read as its own.

    In the folder of an earlier demo, parts that somebody added to a table's folder may stay.
    """
    endings = (".csv", ".csv.gz", ".parquet", ".jsonl")
    taken = {f"{table}{ending}" for table in TABLES for ending in endings}
    taken |= {_event_file(day) for day in range(history_days)}
    strange = [
        name
        for name in _files_below(folder)
        if name not in owned and (name in taken or (not owned and name.split("/")[0] in TABLES))
    ]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise ValueError(
            f"{folder} holds {strange[0]}{more}, which the demo did not write; "
            "choose another folder for the demo, or move these files away"
        )


def _event_file(day: int) -> str:
    return f"raw_event/{clock.day_name(day)}.parquet"


def _owned_files(folder: Path) -> set[str]:
    manifest = folder / MANIFEST
    if not manifest.exists():
        return set()
    return {*json.loads(manifest.read_text(encoding="utf-8"))["files"], MANIFEST}


def _files_below(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def _write(
    target: Path,
    scratch: Path,
    seed: int,
    scale: int,
    history_days: int,
    say: Callable[[str], None],
) -> dict[str, int]:
    """Draw all blocks and write every file below `target`; return the rows per table."""
    (target / "raw_event").mkdir(parents=True)
    (target / TRUTH).parent.mkdir()
    with Staging(scratch, in_memory=scale * history_days < _IN_MEMORY_BELOW) as staging:
        staging.add_catalogue(history_days)
        printed = 0
        for block in range(scale):
            say(f"block {block + 1} of {scale}")
            found = add_block(staging, seed, block, history_days)
            printed = printed if found is None else found
        staging.finish(Numbers(seed, printed))
        for day in range(history_days):
            say(f"raw_event of {clock.day_name(day)}")
            staging.copy_events(day, target / _event_file(day))
        for table in (*TABLES, TRUTH):
            if table != "raw_event":
                say(table)
                small = scale < PARQUET_FROM_SCALE or table in _ALWAYS_CSV
                staging.copy(table, target / f"{table}{'.csv' if small else '.parquet'}")
        return {table: staging.count(table) for table in TABLES}


def _publish(
    new: Path, folder: Path, written: list[str], owned: set[str], about: dict[str, object]
) -> None:
    """Move the new files in, then remove those of the earlier demo that have no successor.

    The manifest names both from the start: a run that was cut short can be repeated.
    """
    _write_manifest(new, folder, {**about, "files": sorted({*written, *owned} - {MANIFEST})})
    for name in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(new / name, folder / name)
    for name in sorted(owned - {*written, MANIFEST}):
        (folder / name).unlink(missing_ok=True)
    _write_manifest(new, folder, {**about, "files": written})


def _write_manifest(new: Path, folder: Path, content: dict[str, object]) -> None:
    draft = new / "manifest.json"
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / MANIFEST).parent.mkdir(parents=True, exist_ok=True)
    os.replace(draft, folder / MANIFEST)


def _silent(_: str) -> None:
    return None
