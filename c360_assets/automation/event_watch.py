"""One tick of the sensor `event_files`: which days the changed files touch, and who runs them.

The days of a file are those that it has rows on now and those that it had before. They are owed
until every file at rest has been read and the day is over, then asked for in ranges of days. While
no account is staged yet, the first run is one of everything.

A file of up to `HASH_UP_TO_BYTES` is compared by content. A bigger one counts as changed when size
or modification time did: landing decides by these whether to read it anew, and reading it all to
find out would cost more than the run that it may save.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import dagster as dg

from c360_assets.assets.events import DAYS_TAG
from c360_assets.automation.folder_files import (
    MEBIBYTE,
    ContentReader,
    built_at,
    is_built,
    skip,
    skip_for_trouble,
    stamp_of,
)
from c360_assets.automation.folder_watch import Step, Watch, digest_of, names, take_step
from c360_assets.automation.jobs import EVENTS, EVERYTHING
from c360_assets.days import days_in, joined, read_spans, spans, write_spans
from c360_assets.errors import SourceError
from c360_assets.identity.merge_files import printable
from c360_assets.settings import Settings
from c360_assets.sources.event_span import days_by_file
from c360_assets.sources.folder import SourceFile, SourceFolder
from c360_assets.sources.row_rules import FACTS

FILES_TAG = "c360/event_files"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
HASH_UP_TO_BYTES = 64 * MEBIBYTE
BUDGET_BYTES = 1024 * MEBIBYTE
# a run rebuilds all that is downstream, so many small ones cost more than some days in between
MAX_RANGES = 5
MAX_RANGES_PER_FILE = 20
# The note on a file is its days; that on one that cannot be read begins so, with the days it had.
UNREADABLE = "! "

Files = dict[str, tuple[str, SourceFile]]


def look_at_events(
    settings: Settings,
    partitions: dg.DailyPartitionsDefinition,
    instance: dg.DagsterInstance,
    cursor: str | None,
    now: float,
    log: logging.Logger,
) -> dg.SensorResult:
    """Compare the files with the cursor; `now` is in Unix seconds."""
    before = Watch.load(cursor, now, log)
    try:
        folder = SourceFolder(settings.source_dir)
        files = _files(folder)
    except (SourceError, OSError) as error:
        return skip_for_trouble(before, error, log)
    before.told = ""
    if before.baseline is None:
        before.baseline = built_at(instance, FACTS)
    reader = _reader(folder, files)
    settle_seconds = settings.rules.sensors.settle_seconds
    step = take_step(before, reader.stamps, now, settle_seconds, reader.content_of)
    touched = _touched_days(folder, files, before, step, log)
    watch = step.watch
    watch.owed = write_spans(spans([*days_in(read_spans(before.owed)), *touched]))
    due = [] if reader.has_backlog else _due_days(watch, settings, now, log)
    if not due:
        return skip(watch, _summary(step))
    if is_built(instance, "stg_users"):
        return _ask(step, _runs(EVENTS, due, partitions, MAX_RANGES), due)
    return _ask(step, _runs(EVERYTHING, days_in(joined(spans(due), 1)), partitions, 1), due)


def _files(folder: SourceFolder) -> Files:
    """The files of all tables of facts, under names that are unique among all of them."""
    return {
        f"{table} {printable(file.name)}": (table, file)
        for table in FACTS
        for file in folder.files(table)
    }


def _reader(folder: SourceFolder, files: Files) -> ContentReader:
    # another mapping gives the same file other days
    meanings = {table: repr(sorted(folder.mapping(table).columns.items())) for table in FACTS}
    stamps = {
        key: stamp
        for key, (table, file) in files.items()
        if (stamp := stamp_of(file.path, True, meanings[table])) is not None
    }
    paths = {key: file.path for key, (_, file) in files.items()}
    return ContentReader(paths, stamps, HASH_UP_TO_BYTES, BUDGET_BYTES, follows_links=True)


def _touched_days(
    folder: SourceFolder, files: Files, before: Watch, step: Step, log: logging.Logger
) -> list[date]:
    """The days that the news touch, now and before; notes the days of what was read."""
    touched: list[date] = []
    for key in step.removed:
        log.info("%s was removed: the days that it touched run again", key)
        touched += _noted_days(before, key)
    for table in FACTS:
        keys = {files[key][1].name: key for key in step.read if files[key][0] == table}
        if not keys:
            continue
        found, problems = days_by_file(folder, table, list(keys))
        for name, key in keys.items():
            earlier = _noted_days(before, key)
            if name in problems:
                log.warning("%s is left out until it is mended: %s", key, problems[name])
                step.watch.set_note(key, UNREADABLE + write_spans(spans(earlier)))
                continue
            ranges = joined(spans(found.get(name, ())), MAX_RANGES_PER_FILE)
            step.watch.set_note(key, write_spans(ranges))
            if key not in step.known:
                touched += [*days_in(ranges), *earlier]
    return touched


def _noted_days(watch: Watch, key: str) -> list[date]:
    note = watch.files[key].note if key in watch.files else ""
    return days_in(read_spans(note.removeprefix(UNREADABLE)))


def _due_days(watch: Watch, settings: Settings, now: float, log: logging.Logger) -> list[date]:
    """The owed days that are over; the others stay owed, but for those that no one wants."""
    today = datetime.fromtimestamp(now, UTC).date()
    start = settings.rules.events.first_day or date.min
    owed = days_in(read_spans(watch.owed))
    early = [day for day in owed if day < start]
    if early:
        log.info("days before events.first_day are left out: %s", write_spans(spans(early)))
    watch.owed = write_spans(spans(day for day in owed if day >= max(today, start)))
    return [day for day in owed if start <= day < today]


def _runs(
    job: str, due: list[date], partitions: dg.DailyPartitionsDefinition, at_most: int
) -> list[dg.RunRequest]:
    """A run for each range of days.

    Dagster refuses a partition that the loaded definitions do not have, be it new or gone; such
    days are named by a tag instead. Where `at_most` is one, so are all days that go with them.
    """
    loaded = _first_and_last(partitions)
    inside = [day for day in due if loaded and loaded[0] <= str(day) <= loaded[-1]]
    outside = sorted(set(due) - set(inside))
    if at_most == 1 and outside:
        inside, outside = [], due
    runs = [_run(job, first, last) for first, last in joined(spans(inside), at_most)]
    for span in joined(spans(outside), at_most):
        runs.append(dg.RunRequest(job_name=job, tags={DAYS_TAG: write_spans([span])}))
    return runs


def _first_and_last(partitions: dg.DailyPartitionsDefinition) -> list[str]:
    found = (partitions.get_first_partition_key(), partitions.get_last_partition_key())
    return [key for key in found if key is not None]


def _run(job: str, first: date, last: date) -> dg.RunRequest:
    if first == last:
        return dg.RunRequest(job_name=job, partition_key=str(first))
    tags = dict(zip(RANGE_TAGS, (str(first), str(last)), strict=True))
    return dg.RunRequest(job_name=job, tags=tags)


def _ask(step: Step, runs: list[dg.RunRequest], due: list[date]) -> dg.SensorResult:
    watch = step.watch
    digest = digest_of(f"{watch.content} {write_spans(spans(due))}")[:12]
    changed = [*step.new, *step.changed, *step.removed]
    files = {FILES_TAG: names(changed)} if changed else {}
    requests = []
    for run in runs:
        watch.sequence += 1
        key = f"event_files:{watch.sequence}:{digest}"
        requests.append(run.with_replaced_attrs(run_key=key, tags={**run.tags, **files}))
    return dg.SensorResult(run_requests=requests, cursor=watch.dump())


def _summary(step: Step) -> str:
    owed = step.watch.owed
    waiting = f"; wait to be at rest or read: {names(step.waiting)}" if step.waiting else ""
    later = f"; days that wait until they are over or all is read: {owed}" if owed else ""
    return f"{len(step.watch.files)} files of events and orders{waiting}{later}"
