"""What happened in a folder since the last tick: a pure state machine for sensors.

A tick takes a snapshot of the files and steps from the last `Watch` to the next one. A file counts
once it has come to rest: its stamp (size and times) was the same on a tick at least
`settle_seconds` ago, or it was last written that long ago when first seen. The same holds for a
file that is gone, so that one replaced by deleting it first is never taken for removed. While one
file moves, those at rest wait for it, since a run reads the whole folder; after `HOLD_SECONDS`
they go ahead without it.

Content is compared with that accepted last, so a file that was merely touched is no news, and one
whose content comes back after a change is. No clock, no disk, no Dagster: the caller brings them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, ValidationError

HOLD_SECONDS: Final = 60.0
# Dagster keeps the cursor with every tick: a long one is stored compressed.
PLAIN_CURSOR_CHARACTERS: Final = 2000
_COMPRESSED: Final = "zlib:"
_GONE: Final = ""


class Stamp(NamedTuple):
    """How a file lies on disk. The change time tells new rights and renamed files, too.

    `meaning` is what else decides what its content means; with it changes what the file says.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    meaning: str = ""

    @property
    def digest(self) -> str:
        """Ten characters that change whenever a part does."""
        return digest_of(repr(tuple(self)))[:10]

    @property
    def touched_at(self) -> float:
        """When the file was last written or put here, in Unix seconds."""
        return max(self.mtime_ns, self.ctime_ns) / 1e9


class Accepted(NamedTuple):
    """A file as it was last taken in; `note` is the caller's own."""

    stamp: str
    content: str
    note: str = ""


class Waiting(NamedTuple):
    """A file that must come to rest first: its stamp ("" where it is gone), and since when."""

    stamp: str
    since: float


class Watch(BaseModel):
    """All that is remembered between ticks.

    `sequence` counts the runs asked for and starts at the time of the first tick, so that no run
    key ever comes twice. Files whose names start with a key of `baseline` and that were touched
    before its time (Unix seconds) are known already; None: that is yet to be found out. `told` is
    the trouble with the folder itself that has been reported, `owed` what is yet to be asked for,
    in the caller's own words.
    """

    version: Literal[1] = 1
    sequence: int
    baseline: dict[str, float] | None = None
    told: str = ""
    owed: str = ""
    files: dict[str, Accepted] = Field(default_factory=dict)
    waiting: dict[str, Waiting] = Field(default_factory=dict)

    @classmethod
    def load(cls, cursor: str | None, now: float, log: logging.Logger) -> Self:
        """The watch that `dump` wrote; a new one where there is none or it cannot be read."""
        fresh = cls(sequence=int(now))
        if not cursor:
            return fresh
        try:
            if cursor.startswith(_COMPRESSED):
                packed = base64.b64decode(cursor.removeprefix(_COMPRESSED), validate=True)
                cursor = zlib.decompress(packed).decode()
            return cls.model_validate_json(cursor)
        except (ValidationError, binascii.Error, zlib.error, UnicodeDecodeError) as error:
            log.warning(
                "the cursor cannot be read (%s); the watch starts afresh and compares the files "
                "with the latest runs",
                type(error).__name__,
            )
            return fresh

    def dump(self) -> str:
        """The watch as a cursor: JSON, compressed where it is long."""
        text = self.model_dump_json()
        if len(text) <= PLAIN_CURSOR_CHARACTERS:
            return text
        return _COMPRESSED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()

    def is_known(self, name: str, stamp: Stamp) -> bool:
        """Whether the file was there before the latest run that read such files."""
        return any(
            name.startswith(prefix) and stamp.touched_at <= at
            for prefix, at in (self.baseline or {}).items()
        )

    @property
    def content(self) -> str:
        """One digest of all the files and their contents."""
        return digest_of("\n".join(f"{n} {f.content}" for n, f in sorted(self.files.items())))

    def set_note(self, name: str, note: str) -> None:
        """Remember the caller's note on a file."""
        self.files[name] = self.files[name]._replace(note=note)


@dataclass
class Step:
    """What came of a tick: the next watch, and names of files by what is news about them.

    `known` are files taken in as the baseline. `waiting` are not at rest, or could not be read yet.
    """

    watch: Watch
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def read(self) -> list[str]:
        """Files whose content was taken in now."""
        return sorted([*self.new, *self.changed, *self.known])


ContentOf = Callable[[str], str | None]


def take_step(
    before: Watch,
    snapshot: Mapping[str, Stamp],
    now: float,
    settle_seconds: float,
    content_of: ContentOf,
) -> Step:
    """Compare the folder with the watch; `before` stays as it was.

    `content_of` gives a digest of a file's content, or None to look again on the next tick. It is
    called for files at rest whose stamp is new, in the order of their names.
    """
    watch = before.model_copy(deep=True)
    watch.waiting = _unlike(before, snapshot, now)
    at_rest = [
        name
        for name, waiting in watch.waiting.items()
        if _is_at_rest(waiting, snapshot.get(name), now, settle_seconds)
    ]
    step = Step(watch)
    if not _must_hold(watch, at_rest, now):
        for name in at_rest:
            _take_in(step, name, snapshot.get(name), content_of)
    step.waiting = sorted(watch.waiting)
    return step


def _unlike(before: Watch, snapshot: Mapping[str, Stamp], now: float) -> dict[str, Waiting]:
    """The files that lie otherwise than when accepted, and since when they lie as they do."""
    unlike = {}
    for name in sorted({*snapshot, *before.files}):
        stamp = snapshot[name].digest if name in snapshot else _GONE
        known = before.files.get(name)
        if known is not None and known.stamp == stamp:
            continue
        earlier = before.waiting.get(name)
        is_same = earlier is not None and earlier.stamp == stamp
        since = min(earlier.since, now) if earlier is not None and is_same else now
        unlike[name] = Waiting(stamp, since)
    return unlike


def _is_at_rest(waiting: Waiting, stamp: Stamp | None, now: float, settle_seconds: float) -> bool:
    age = 0.0 if stamp is None else now - stamp.mtime_ns / 1e9
    return max(now - waiting.since, age) >= settle_seconds


def _must_hold(watch: Watch, at_rest: list[str], now: float) -> bool:
    if not at_rest or len(at_rest) == len(watch.waiting):
        return False
    return now - min(watch.waiting[name].since for name in at_rest) < HOLD_SECONDS


def _take_in(step: Step, name: str, stamp: Stamp | None, content_of: ContentOf) -> None:
    files, known = step.watch.files, step.watch.files.get(name)
    if stamp is None:
        del files[name], step.watch.waiting[name]
        step.removed.append(name)
        return
    content = content_of(name)
    if content is None:
        return
    del step.watch.waiting[name]
    files[name] = Accepted(stamp.digest, content, known.note if known is not None else "")
    if known is None:
        is_known = step.watch.is_known(name, stamp)
        (step.known if is_known else step.new).append(name)
    elif known.content != content:
        step.changed.append(name)


def digest_of(text: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def names(found: Iterable[str], at_most: int = 10) -> str:
    """Some names as a list for people."""
    every = sorted(found)
    more = f" and {len(every) - at_most} more" if len(every) > at_most else ""
    return ", ".join(every[:at_most]) + more
