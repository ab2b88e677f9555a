"""One tick of the sensor `merge_files`: what changed among the merge files, and what follows.

A change of what can be read asks for one run of `refresh_identity`, which reads the whole folder.
Whatever is wrong with a file is told once, until its content changes.
"""

from __future__ import annotations

import logging
from pathlib import Path

import dagster as dg

from c360_assets.automation.folder_files import (
    MEBIBYTE,
    ContentReader,
    built_at,
    is_built,
    skip,
    skip_for_trouble,
    stamp_of,
)
from c360_assets.automation.folder_watch import Step, Watch, names, take_step
from c360_assets.errors import MergeFileError
from c360_assets.identity.merge_files import MergeFiles, merge_files_in, printable, read_merge_files
from c360_assets.settings import Settings

MERGE_ASSETS = ("merged_user", "merged_company_domain")
FILES_TAG = "c360/merge_files"
HASH_UP_TO_BYTES = 256 * MEBIBYTE
BUDGET_BYTES = 2048 * MEBIBYTE
ROWS_TOLD_PER_FILE = 10
# the note on a file: never read, or read before it became unreadable (those decisions stand)
UNREADABLE = "unreadable"
KEPT = "unreadable, read before"


def look_at_merges(
    settings: Settings,
    instance: dg.DagsterInstance,
    cursor: str | None,
    now: float,
    log: logging.Logger,
) -> dg.SensorResult:
    """Compare the folder with the cursor; `now` is in Unix seconds."""
    before = Watch.load(cursor, now, log)
    if before.baseline is None:
        if not is_built(instance, "stg_users"):
            return skip(before, "no accounts are staged yet; `everything` brings the merges, too")
        before.baseline = built_at(instance, MERGE_ASSETS)
    try:
        reader = _reader(settings.merges_dir)
        settle_seconds = settings.rules.sensors.settle_seconds
        step = take_step(before, reader.stamps, now, settle_seconds, reader.content_of)
        merges = read_merge_files(settings.merges_dir) if step.read else None
    except MergeFileError as error:
        return skip_for_trouble(before, error, log)
    step.watch.told = ""
    reasons = _news(before, step, merges, log)
    return _ask(step.watch, reasons) if reasons else skip(step.watch, _summary(step))


def _reader(folder: Path) -> ContentReader:
    paths = {printable(path.name): path for path, _ in merge_files_in(folder)}
    stamps = {name: stamp for name, path in paths.items() if (stamp := stamp_of(path)) is not None}
    return ContentReader(paths, stamps, HASH_UP_TO_BYTES, BUDGET_BYTES)


def _news(before: Watch, step: Step, merges: MergeFiles | None, log: logging.Logger) -> list[str]:
    """Log what is wrong; the names of files whose change changes the decisions."""
    unreadable = {f.name: f.reason for f in merges.unreadable} if merges is not None else {}
    decided = {name for name, file in before.files.items() if file.note != UNREADABLE}
    news = []
    for name in step.removed:
        if name in decided:
            log.warning("merge file %s was removed: its decisions lapse", name)
            news.append(name)
        else:
            log.warning("merge file %s was removed; it could not be read anyway", name)
    for name in step.read:
        if name not in unreadable:
            step.watch.set_note(name, "")
            if name not in step.known:
                news.append(name)
            continue
        step.watch.set_note(name, KEPT if name in decided else UNREADABLE)
        stands = "what it said before stands" if name in decided else "it is left out"
        log.warning("merge file %s cannot be read, %s: %s", name, stands, unreadable[name])
    if merges is not None:
        _tell_bad_rows(merges, set(step.read), log)
    return sorted(news)


def _tell_bad_rows(merges: MergeFiles, files: set[str], log: logging.Logger) -> None:
    """Name the rows of these files that have no form; the journal refuses them, and only them."""
    for frame in (merges.user_rows, merges.domain_rows):
        bad = frame[frame["source_file"].isin(files)]
        bad = bad[bad["problem"].notna() | bad["old"].isna() | bad["new"].isna()]
        for name, rows in bad.groupby("source_file"):
            told = rows.head(ROWS_TOLD_PER_FILE)
            for number, problem in zip(told["source_row"], told["problem"], strict=True):
                said = problem if isinstance(problem, str) else "lacks the old or the new value"
                log.warning("merge file %s, row %s %s; the row is refused", name, number, said)
            if len(rows) > len(told):
                log.warning("merge file %s has %d more such rows", name, len(rows) - len(told))


def _ask(watch: Watch, files: list[str]) -> dg.SensorResult:
    watch.sequence += 1
    request = dg.RunRequest(
        run_key=f"merge_files:{watch.sequence}:{watch.content[:12]}",
        tags={FILES_TAG: names(files)},
    )
    return dg.SensorResult(run_requests=[request], cursor=watch.dump())


def _summary(step: Step) -> str:
    waiting = f"; waits until at rest: {names(step.waiting)}" if step.waiting else ""
    return f"{len(step.watch.files)} merge files, no news{waiting}"
