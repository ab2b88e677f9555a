"""Erasures that are under way: what a next try must know, once the tables know nothing any more.

`<C360_HOME>/erasure/pending/<receipt>.json`, readable by its owner alone, names the person. It is
written before anything is erased, and removed when everything is.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from c360_assets.erasure.person import Person
from c360_assets.errors import RequestError
from c360_assets.sources.tombstones import FOLDER

PENDING = "pending"


@dataclass
class Pending:
    """An erasure: whose, and what its tries have done so far. `begun_at` is naive UTC."""

    receipt: str
    begun_at: datetime
    person: Person
    by: str | None = None
    rows_before: dict[str, int] = field(default_factory=dict)
    crm: dict[str, dict[str, Any]] = field(default_factory=dict)
    files_rewritten: int = 0
    # the run that built everything anew without them, and left nothing
    run_id: str | None = None

    def told(self, name: str, word: dict[str, Any]) -> None:
        """Keep what a CRM said, beside what it said at earlier tries."""
        before = self.crm.get(name, {})
        self.crm[name] = word | {
            each: list(dict.fromkeys([*before.get(each, ()), *word.get(each, ())]))
            for each in ("erased", "told")
        }

    def write(self, home: Path) -> None:
        """Write the file, flushed to disk, in one step."""
        path = _path(home, self.receipt)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        content = {each.name: getattr(self, each.name) for each in fields(self)} | {
            "begun_at": self.begun_at.isoformat(),
            "person": {name: sorted(values) for name, values in asdict(self.person).items()},
        }
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)

    def remove(self, home: Path) -> None:
        """Everything is done; nothing names the person any more."""
        _path(home, self.receipt).unlink(missing_ok=True)


def find_pending(home: Path, addresses: set[str]) -> Pending | None:
    """The erasure under way of a person with one of these addresses, the oldest first.

    Raises:
        RequestError: a file of an erasure cannot be read.
    """
    for path in sorted((home / FOLDER / PENDING).glob("*.json")):
        found = _read(path)
        if addresses & found.person.addresses():
            return found
    return None


def _path(home: Path, receipt: str) -> Path:
    return home / FOLDER / PENDING / f"{receipt}.json"


def _read(path: Path) -> Pending:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        person = Person(**{name: frozenset(each) for name, each in content["person"].items()})
        begun_at = datetime.fromisoformat(content["begun_at"])
        return Pending(**(content | {"person": person, "begun_at": begun_at}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(
            f"{path} cannot be read ({error}); it says who is being erased. Restore it from a "
            "backup, or remove it and forget each of their addresses"
        ) from error
