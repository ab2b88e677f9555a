"""One sync at a time to each destination: the lock beside the ledger, and who may hold it.

The kernel frees it when its holder dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from c360_assets.errors import CrmError

LOCK_SECONDS = 3600.0


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold a destination alone, once other syncs to it have ended.

    Raises:
        CrmError: another one takes longer than LOCK_SECONDS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(_path(folder, name), timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise CrmError(
            f"another sync to {name} has been under way for {LOCK_SECONDS:.0f} s; wait for it to "
            "end, or stop it"
        ) from error


def is_under_way(folder: Path, name: str) -> bool:
    """Whether a sync to that destination is under way now."""
    path = _path(folder, name)
    if not path.exists():
        return False
    try:
        # a sync that begins in just this moment waits for the lock, and gets it
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"
