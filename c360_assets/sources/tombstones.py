"""Who was erased, as salted hashes: what keeps a person from coming back with the next raw file.

`<C360_HOME>/erasure/` holds the salt (`salt`, readable by its owner alone) and a line per hash
(`tombstones.jsonl`). A hash is SHA-256 of salt, kind and value; who has the salt can tell whether
a given address was erased, and nobody can read the addresses off the file.

Belongs here: the files and the hashes. Not here: which raw rows they hit (`erased_rows`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from c360_assets.errors import SourceError

Kind: TypeAlias = Literal["email", "user", "order", "address"]
Normalise: TypeAlias = Callable[[str], str | None]

FOLDER = "erasure"
_SALT, _FILE = "salt", "tombstones.jsonl"


@dataclass(frozen=True)
class Tombstones:
    """The hashes of everybody who was erased; empty and falsy where nobody was.

    `normalise` gives an address the spelling that staging gives it; the caller brings it.
    """

    folder: Path | None = None
    salt: str = ""
    hashes: frozenset[str] = field(default=frozenset(), repr=False)
    normalise: Normalise | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.hashes)

    @property
    def tag(self) -> str:
        """A text that changes with every tombstone; files landed under another are landed anew."""
        if not self.hashes:
            return ""
        return "-" + hashlib.sha256("".join(sorted(self.hashes)).encode()).hexdigest()[:8]

    def hash_of(self, kind: Kind, value: str) -> str:
        """The hash of a value, as the engine's `sha256(salt || kind || ':' || value)` gives it."""
        return hashlib.sha256(f"{self.salt}{kind}:{value}".encode()).hexdigest()

    def covers(self, kind: Kind, value: str) -> bool:
        """Whether that very value was erased; addresses as `plain_address` gives them."""
        return bool(self.hashes) and self.hash_of(kind, value) in self.hashes

    def erased_form(self, address: str) -> str | None:
        """The erased address that this text is, however it is spelled; None if it is none."""
        plain = plain_address(address)
        if self.covers("email", plain):
            return plain
        normal = self.normalise(address) if self.normalise and self.hashes else None
        return normal if normal and self.covers("email", normal) else None

    def add(self, values: Mapping[Kind, Iterable[str]], about: Mapping[str, Any]) -> Tombstones:
        """Write tombstones, flushed to disk; returns all of them. `about` goes into each line."""
        new = {
            self.hash_of(kind, value): kind
            for kind, each in values.items()
            for value in each
            if value and self.hash_of(kind, value) not in self.hashes
        }
        if self.folder is None or not new:
            return self
        with (self.folder / _FILE).open("a", encoding="utf-8") as stream:
            for hash_, kind in sorted(new.items()):
                stream.write(json.dumps({"hash": hash_, "kind": kind, **about}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        return replace(self, hashes=self.hashes | set(new))

    def without(self, values: Mapping[Kind, Iterable[str]]) -> Tombstones:
        """Take tombstones away, and those of accounts that were left out because of them."""
        gone = {self.hash_of(kind, value) for kind, each in values.items() for value in each}
        if self.folder is None or not gone & self.hashes:
            return self
        path = self.folder / _FILE
        kept = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if not gone & {json.loads(line)["hash"], json.loads(line).get("because")}
        ]
        partial = path.with_suffix(".partial")
        partial.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        partial.replace(path)
        return replace(self, hashes=frozenset(json.loads(x)["hash"] for x in kept))


NOBODY = Tombstones()


def read_tombstones(home: Path, normalise: Normalise | None = None) -> Tombstones:
    """The tombstones under C360_HOME; reading makes nothing.

    Whoever lands rows with them brings staging's `normalise`: an address has many spellings.

    Raises:
        SourceError: the salt is lost, or a line cannot be read; nothing may be landed without them.
    """
    folder = home / FOLDER
    path = folder / _FILE
    if not path.exists():
        return NOBODY
    try:
        salt = (folder / _SALT).read_text(encoding="ascii").strip()
        lines = path.read_text(encoding="utf-8").splitlines()
        hashes = frozenset(json.loads(line)["hash"] for line in lines if line.strip())
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"{path} cannot be read with its salt ({error}); it says who was erased, and without "
            "it they would come back. Restore the folder from a backup"
        ) from error
    return Tombstones(folder, salt, hashes, normalise)


def open_tombstones(home: Path) -> Tombstones:
    """The tombstones, with folder and salt made where there are none yet."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    salt = folder / _SALT
    if not salt.exists():
        with os.fdopen(os.open(salt, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    (folder / _FILE).touch(mode=0o600)
    return read_tombstones(home)


def plain_address(text: str) -> str:
    """An address as its tombstone has it: trimmed, lower case, without a last dot."""
    return text.strip().lower().removesuffix(".")
