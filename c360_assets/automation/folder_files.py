"""Files as sensors look at them: stamps, digests of contents, when an asset was last built.

The part of `folder_watch` that touches the disk and Dagster's history.
"""

from __future__ import annotations

import hashlib
import logging
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from c360_assets.automation.folder_watch import Stamp, Watch, digest_of

MEBIBYTE = 1024 * 1024


def stamp_of(path: Path, follows_links: bool = False, meaning: str = "") -> Stamp | None:
    """How the file lies on disk; None where it is gone."""
    try:
        found = path.stat(follow_symlinks=follows_links)
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, meaning)


@dataclass
class ContentReader:
    """Digests of contents, for `take_step`.

    A file of more than `hash_up_to_bytes` is told by its size and modification time alone. Once
    files of `budget_bytes` were read, the others stay for the next tick: a tick has a minute.
    """

    paths: dict[str, Path]
    stamps: dict[str, Stamp]
    hash_up_to_bytes: int
    budget_bytes: int
    follows_links: bool = False
    has_backlog: bool = False
    _spent: int = 0

    def content_of(self, name: str) -> str | None:
        """Twelve characters that change with the content; None to look again on the next tick."""
        stamp = self.stamps[name]
        # opening a small file takes as long as reading a mebibyte
        cost = max(stamp.size, MEBIBYTE)
        if self._spent and self._spent + cost > self.budget_bytes:
            self.has_backlog = True
            return None
        self._spent += cost
        digest = self._digest(self.paths[name], stamp)
        if stamp_of(self.paths[name], self.follows_links, stamp.meaning) != stamp:
            return None
        return digest_of(f"{stamp.meaning} {digest}")[:12]

    def _digest(self, path: Path, stamp: Stamp) -> str:
        if stamp.size > self.hash_up_to_bytes:
            return f"{stamp.size} {stamp.mtime_ns}"
        try:
            # a pipe would never end
            if not stat.S_ISREG(path.stat(follow_symlinks=self.follows_links).st_mode):
                return "no regular file"
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            return f"unreadable: {error.strerror}"


def built_at(instance: dg.DagsterInstance, assets: Iterable[str]) -> dict[str, float]:
    """When each of the assets was last materialized, in Unix seconds; 0 where it never was."""
    return {asset: _last(instance, asset) for asset in assets}


def is_built(instance: dg.DagsterInstance, asset: str) -> bool:
    """Whether the asset was ever materialized."""
    return _last(instance, asset) > 0


def _last(instance: dg.DagsterInstance, asset: str) -> float:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return event.timestamp if event is not None else 0.0


def skip(watch: Watch, reason: str) -> dg.SensorResult:
    """No run is asked for; the watch is kept."""
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=watch.dump())


def skip_for_trouble(watch: Watch, error: Exception, log: logging.Logger) -> dg.SensorResult:
    """The folder itself cannot be read: told once; what the watch knows of its files stands."""
    if watch.told != str(error):
        log.warning("%s", error)
        watch.told = str(error)
    return skip(watch, str(error))
