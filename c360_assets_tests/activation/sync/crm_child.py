"""One sync in a process of its own, which may be killed: `start` it with what `Small` says.

What shall kill it is told to the vendor between `prepared` and `start`, before its first call.

The processes are forked from one that has imported everything, so that each begins at once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from dataclasses import asdict
from functools import cache
from multiprocessing import forkserver
from pathlib import Path

import pytest

from c360_assets_tests.activation.sync.crm_small import Person, Small

ROOT = Path(__file__).resolve().parents[3]
SAID = ("url", "token", "name", "token_env", "rules")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
# a busy machine is no failure; a test has some minutes
PATIENCE_SECONDS = 240.0


class Child:
    """A sync that `start` begins."""

    def __init__(self, folder: Path) -> None:
        self._errors = folder / "child.err"
        _ready()
        self._process = _FORKS.Process(target=_sync, args=(folder, self._errors))
        self._has_pid = threading.Event()

    def start(self) -> None:
        """Begin it."""
        self._process.start()
        self._has_pid.set()

    def kill(self) -> None:
        """End the process at once, by its own id; another thread may, as soon as it makes calls."""
        assert self._has_pid.wait(PATIENCE_SECONDS)
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)

    def communicate(self) -> tuple[None, bytes]:
        """Wait for its end; what it wrote to its standard error.

        Raises:
            TimeoutError: it has not ended in time, and is killed.
        """
        self._process.join(PATIENCE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            raise TimeoutError(f"a sync has not ended within {PATIENCE_SECONDS} s")
        return None, self._errors.read_bytes()

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the number of the signal that ended it."""
        return self._process.exitcode


def start(small: Small) -> Child:
    """Begin one sync of these people."""
    child = prepared(small)
    child.start()
    return child


def prepared(small: Small) -> Child:
    """One sync of these people that is not begun yet."""
    said = {name: getattr(small, name) for name in SAID}
    people = [asdict(person) for person in small.people]
    (small.folder / "small.json").write_text(json.dumps(said | {"people": people}))
    return Child(small.folder)


@cache
def _ready() -> None:
    """Begin the process that the others are forked from; it finds this module from any folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()


def _sync(folder: Path, errors: Path) -> None:
    with errors.open("wb") as stream:
        os.dup2(stream.fileno(), 2)
        said = json.loads((folder / "small.json").read_text())
        people = [Person(**person) for person in said.pop("people")]
        # its run has a number of its own
        Small(folder, people=people, runs=1000, **said).sync()
