"""The folder of deliveries: whole or not at all, whatever dies and whenever.

Belongs here: naming, locking, sealing, the swap of `latest`, clearing up after the dead, and
trust in the last delivery. Not here: what a delivery's files say (`file`).

A delivery is written in `deliveries/.tmp-<name>`, flushed to disk, renamed to
`deliveries/<name>` and put in force by one `os.replace` of the link `latest`. Only what `latest`
has shown counts as delivered: a delivery that was complete but died before its swap is removed by
the next one, whose changes then start from the same baseline.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from c360_assets.errors import DeliveryError

logger = logging.getLogger(__name__)

FORMAT = 1
MANIFEST = "manifest.json"
STATE = ".state"
_TEMPORARY = ".tmp-"
_LINK = ".latest-"


@dataclass(frozen=True)
class Baseline:
    """A complete delivery on disk and its manifest."""

    path: Path
    sequence: int
    previous: str | None
    manifest: dict[str, Any] = field(repr=False)

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The key of every object that was delivered, in the order of delivery."""
        return {o["name"]: tuple(o["key"]) for o in self.manifest["objects"]}

    def state(self, object_name: str) -> Path:
        """The file of typed records of an object."""
        return self.path / STATE / f"{object_name}.parquet"


def file_facts(path: Path) -> dict[str, Any]:
    """Return the size in bytes and SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(stream, "sha256").hexdigest(),
        }


def deliveries_in(folder: Path) -> list[Baseline]:
    """The deliveries that have been in force, the newest first, which is in force now.

    Reads alone, beside a delivery under way; one that cannot be read is left out with a warning.
    """
    latest = folder / "latest"
    if not latest.is_symlink():
        return []
    found = {}
    for path in sorted((folder / "deliveries").glob("[!.]*")):
        try:
            found[path.name] = _read_manifest(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is left out: its manifest cannot be read (%s)", path, error)
    current = found.get(Path(os.readlink(latest)).name)
    if current is None:
        return []
    earlier = [each for each in found.values() if each.sequence <= current.sequence]
    return sorted(earlier, key=lambda each: -each.sequence)


class DeliveryFolder:
    """`folder/deliveries/<name>` and the link `folder/latest` to the one in force."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deliveries = folder / "deliveries"
        self.latest = folder / "latest"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; the kernel frees it when its holder dies.

        Raises DeliveryError at once where another process delivers to it.
        """
        self.deliveries.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                yield
        except Timeout as error:
            raise DeliveryError(
                f"another delivery to {self.folder} is under way; run again once it has ended"
            ) from error

    def last(self) -> Baseline | None:
        """Return the delivery in force, None before the first.

        Clears up what dead deliveries left. Raises DeliveryError where the delivery in force is
        missing, damaged or of a later version: guessing would hide changes or send them twice.
        """
        self._remove_temporaries()
        name = self._linked_name()
        complete = self._complete(name)
        baseline = complete.get(name) if name else None
        if name and baseline is None:
            raise self._untrusted(f"{self.latest} points to {name}, which is missing or damaged")
        if baseline is None and (len(complete) > 1 or any(b.previous for b in complete.values())):
            raise self._untrusted(
                f"{self.latest} is missing, though {self.deliveries} holds {sorted(complete)}"
            )
        for other in complete.values():
            self._remove_if_never_in_force(other, baseline)
        if baseline:
            self._verify(baseline)
        return baseline

    def free_name(self, wanted: str) -> str:
        """Return the wanted name, numbered where a delivery has it already."""
        name, number = wanted, 2
        while (self.deliveries / name).exists():
            name, number = f"{wanted}-{number}", number + 1
        return name

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Yield an empty temporary folder; on success it is put in force under `name`."""
        temporary = self.deliveries / f"{_TEMPORARY}{name}"
        (temporary / STATE).mkdir(parents=True)
        try:
            yield temporary
            self._put_in_force(temporary, name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def prune(self, keep: int) -> None:
        """Remove all but the newest `keep` deliveries; a failure only warns."""
        try:
            name = self._linked_name()
            newest_first = sorted(self._complete(name).values(), key=lambda b: -b.sequence)
            for old in newest_first[keep:]:
                self._remove(old.path)
        except OSError as error:
            logger.warning("old deliveries in %s could not be removed: %s", self.deliveries, error)

    def _put_in_force(self, temporary: Path, name: str) -> None:
        final = self.deliveries / name
        link = self.folder / f"{_LINK}{name}"
        _flush(temporary)
        os.rename(temporary, final)
        try:
            _flush_folder(self.deliveries)
            os.symlink(Path("deliveries") / name, link, target_is_directory=True)
            os.replace(link, self.latest)
        except BaseException:
            link.unlink(missing_ok=True)
            shutil.rmtree(final, ignore_errors=True)
            raise
        try:
            _flush_folder(self.folder)
        except OSError as error:
            logger.warning("%s is in force but may not survive a power cut: %s", final, error)

    def _linked_name(self) -> str | None:
        if self.latest.is_symlink():
            return Path(os.readlink(self.latest)).name
        if self.latest.exists():
            raise DeliveryError(
                f"{self.latest} is no link to a delivery (copied without links?); "
                f"make it one: ln -s deliveries/<name> {self.latest}"
            )
        return None

    def _complete(self, needed: str | None) -> dict[str, Baseline]:
        """Read the manifest of every delivery; an unreadable one warns unless it is `needed`."""
        found = {}
        for path in sorted(self.deliveries.iterdir()):
            if path.name.startswith(".") or not path.is_dir():
                continue
            try:
                found[path.name] = _read_manifest(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                if path.name == needed:
                    raise self._untrusted(f"{path / MANIFEST} cannot be read ({error})") from error
                logger.warning("%s is left alone: its manifest cannot be read (%s)", path, error)
        return found

    def _remove_if_never_in_force(self, other: Baseline, baseline: Baseline | None) -> None:
        if other.previous != (baseline.path.name if baseline else None):
            return
        if baseline and other.sequence <= baseline.sequence:
            return
        logger.warning("%s was never put in force (killed?) and is removed", other.path)
        self._remove(other.path)

    def _verify(self, baseline: Baseline) -> None:
        for name in baseline.keys:
            path = baseline.state(name)
            facts = baseline.manifest["files"].get(f"{STATE}/{name}.parquet")
            if not path.is_file():
                raise self._untrusted(f"{path} is missing")
            if file_facts(path) != facts:
                raise self._untrusted(f"{path} is not what its manifest says (size or SHA-256)")

    def _untrusted(self, what: str) -> DeliveryError:
        return DeliveryError(
            f"{what}, so changes since the last delivery cannot be told; restore it from a "
            f"backup, or move {self.folder} away to start afresh (every record is new then)"
        )

    def _remove(self, path: Path) -> None:
        """Hide a delivery first, so that a kill leaves no half of one."""
        hidden = self.deliveries / f"{_TEMPORARY}removed-{path.name}"
        os.rename(path, hidden)
        shutil.rmtree(hidden)

    def _remove_temporaries(self) -> None:
        for path in self.deliveries.glob(f"{_TEMPORARY}*"):
            logger.info("removing %s, left by a delivery that died", path)
            shutil.rmtree(path)
        for path in self.folder.glob(f"{_LINK}*"):
            path.unlink()


def _read_manifest(path: Path) -> Baseline:
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']}, where this version reads {FORMAT}")
    baseline = Baseline(path, int(manifest["sequence"]), manifest["previous"], manifest)
    if not baseline.keys or not isinstance(manifest["files"], dict):
        raise ValueError("it names no objects or files")
    return baseline


def _flush(folder: Path) -> None:
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            with (Path(parent) / name).open("rb") as stream:
                os.fsync(stream.fileno())
        _flush_folder(Path(parent))


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
