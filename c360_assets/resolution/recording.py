"""Recording a decision: one at a time, whoever decides where, and never twice.

Belongs here: the last look at the folder and the new file, under one lock. Not here: what a
decision comes to (`present`), nor the file's form (`decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from c360_assets.errors import MergeFileError
from c360_assets.identity.statements import UNDO
from c360_assets.resolution.decisions import Decision, append_decision
from c360_assets.resolution.present import Trial, folder_at, stands, trial
from c360_assets.settings import Settings
from c360_assets.warehouse.published import published_file

LOCK = "merge_decisions.lock"
LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Recorded:
    """What became of a decision that somebody took: its file, or why there is none.

    `objection`: it would not stand. `overtaken_by`: the row of the journal by which somebody else
    decided the same pair meanwhile.
    """

    path: Path | None
    objection: str | None = None
    overtaken_by: dict[str, Any] | None = None


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One decision at a time, of all processes of this home."""
    path = settings.home_dir / LOCK
    try:
        settings.home_dir.mkdir(parents=True, exist_ok=True)
        held = FileLock(path, timeout=LOCK_SECONDS).acquire()
    except Timeout as error:
        raise MergeFileError(
            f"another decision holds {path} for over {LOCK_SECONDS:.0f} seconds; try again, and "
            "if that does not help, end the process that holds it"
        ) from error
    except OSError as error:
        raise MergeFileError(
            f"{path}, which keeps decisions apart, cannot be opened ({error.strerror}); nothing "
            "was decided. Mend the rights of C360_HOME, or make room on its disk"
        ) from error
    with held:
        yield


def record(
    settings: Settings,
    decision: Decision,
    *,
    once: bool = False,
    is_allowed: Callable[[], bool] = lambda: True,
) -> Recorded:
    """Write the decision into a new file, at this moment, unless it would not stand.

    With `once` it is written only if nothing is decided on the two by now and it ends no other
    decision (for an undo: if something is decided). `is_allowed` is asked last of all.

    Raises:
        NothingPublishedError: there are no accounts to decide about yet.
        MergeFileError: the folder or a file in it cannot be read, or not be written to.
    """
    with _alone(settings):
        now = replace(decision, decided_at=datetime.now(UTC).replace(tzinfo=None))
        folder = folder_at(settings.merges_dir)
        found = trial(folder, published_file(settings), settings.rules, now)
        if once and (other := _overtaken_by(found, now)):
            return Recorded(None, overtaken_by=other)
        if objection := found.objection:
            return Recorded(None, objection)
        if not is_allowed():
            return Recorded(None, f"{decision.decided_by} may not decide any more; log in again")
        return Recorded(append_decision(settings.merges_dir, now))


def _overtaken_by(found: Trial, decision: Decision) -> dict[str, Any] | None:
    """The decision of somebody else because of which this one comes too late."""
    said = found.on(decision.pair)
    standing = next((row for row in said if stands(row)), None)
    if decision.decision != UNDO:
        return standing or next(iter(found.ended), None)
    return None if standing else next((row for row in said if row["decision"] == UNDO), None)
