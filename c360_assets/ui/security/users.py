"""Who may log in: `<C360_HOME>/ui/users.json`, with hashed passwords and roles.

Belongs here: the file, the hashes, the roles. Not here: who is logged in now (`sessions`).
Passwords are hashed by argon2id with the parameters that argon2-cffi recommends (RFC 9106).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from filelock import FileLock, Timeout

from c360_assets.errors import ConfigError, RequestError

FILE = "users.json"
MINIMUM_CHARACTERS = 12
# nobody types more, and hashing a book keeps the machine busy
MAXIMUM_CHARACTERS = 1024
LOCK_SECONDS = 30.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class Role(StrEnum):
    """What somebody may do; each role may do what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Whether who has this role may do what `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class User:
    """One entry of the file. `key` is another one each time that the user is written with
    `add`; `password_hash` is None for people who come through a proxy alone."""

    name: str
    role: Role
    key: str
    password_hash: str | None


class Users:
    """The users of one folder (`<C360_HOME>/ui`); what others write into the file counts at once.

    Raises (any method):
        ConfigError: the file cannot be read; nobody gets in then.
    """

    def __init__(self, folder: Path, hasher: PasswordHasher | None = None) -> None:
        self.path = folder / FILE
        self._hasher = hasher or PasswordHasher()
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int] | None, Mapping[str, User]] = (None, {})

    def all(self) -> list[User]:
        """Everybody in the file, by name."""
        return sorted(self._users().values(), key=lambda user: user.name)

    def get(self, name: str) -> User | None:
        """The user of that name, however it is written; None where there is none."""
        return self._users().get(_plain(name))

    def role_of(self, name: str) -> Role | None:
        """The role that a user has now; None for who is in no file."""
        found = self.get(name)
        return found.role if found else None

    def add(self, name: str, password: str | None, role: Role, *, replace: bool = False) -> User:
        """Write a user, and end what logins the same name had before.

        Without a password only a proxy can say that somebody is this user.

        Raises:
            RequestError: the name or the password will not do, or the name is taken.
        """
        plain = _checked_name(name)
        hashed = None if password is None else self._hasher.hash(_checked_password(password))
        user = User(plain, role, secrets.token_hex(16), hashed)
        with self._writing() as users:
            if plain in users and not replace:
                raise RequestError(
                    f"there is a user {plain!r} already; give another name, or --replace for a new "
                    "password or role"
                )
            users[plain] = user
        return user

    def remove(self, name: str) -> None:
        """Remove a user; who is logged in as them is out at once.

        Raises:
            RequestError: there is no such user.
        """
        with self._writing() as users:
            if users.pop(_plain(name), None) is None:
                known = ", ".join(sorted(users)) or "none"
                raise RequestError(f"there is no user {name!r}; there are: {known}")

    def verify(self, name: str, password: str) -> User | None:
        """The user, if that is the password; takes as long where there is no such user."""
        user = self.get(name)
        stored = user.password_hash if user else None
        try:
            given = _composed(password)[:MAXIMUM_CHARACTERS]
            self._hasher.verify(stored or self._nobody, given)
        except VerificationError:
            return None
        except InvalidHashError as error:
            raise ConfigError(
                f"{self.path}: the password of {name!r} is no argon2 hash; give them a new one "
                "with `c360 ui add-user NAME --replace`"
            ) from error
        if user is None or stored is None:
            return None
        if self._hasher.check_needs_rehash(stored):
            self._rehash(user, given)
        return user

    @cached_property
    def _nobody(self) -> str:
        """What a password is compared with where there is nobody."""
        return self._hasher.hash(secrets.token_hex(16))

    def _rehash(self, user: User, password: str) -> None:
        hashed = self._hasher.hash(password)
        with self._writing() as users:
            # somebody may have given them another password meanwhile
            if users.get(user.name) == user:
                users[user.name] = replace(user, password_hash=hashed)

    def _users(self) -> Mapping[str, User]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        mark = (status.st_mtime_ns, status.st_size, status.st_ino)
        with self._lock:
            if self._read[0] != mark:
                self._read = mark, _parse(self.path)
            return self._read[1]

    @contextmanager
    def _writing(self) -> Iterator[dict[str, User]]:
        """The users to be changed; written, flushed to disk, in one step, by one at a time."""
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        try:
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600):
                users = dict(_parse(self.path)) if self.path.exists() else {}
                yield users
                self._write(users)
        except Timeout as error:
            raise ConfigError(
                f"{self.path} is locked by another process for over {LOCK_SECONDS:.0f} seconds; "
                "try again when it is done"
            ) from error

    def _write(self, users: Mapping[str, User]) -> None:
        content = {"users": [asdict(users[name]) for name in sorted(users)]}
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self.path)


def _parse(path: Path) -> dict[str, User]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        users = [User(**(each | {"role": Role(each["role"])})) for each in content["users"]]
        for each in users:
            _require_texts(each)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}); it says who may log in. Restore it from a backup, "
            "or remove it and add the users anew with `c360 ui add-user NAME --role admin`"
        ) from error
    return {user.name: user for user in users}


def _require_texts(user: User) -> None:
    """What somebody wrote by hand may be anything: a number has no letters to compare."""
    hashed = user.password_hash
    if not (isinstance(user.name, str) and isinstance(user.key, str) and user.key):
        raise TypeError("a user's name and key are texts")
    if not isinstance(hashed, str | None):
        raise TypeError(f"the password_hash of {user.name} is no text")
    if user.name != _plain(user.name):
        raise ValueError(f"the name {user.name!r} is not in small letters, so that nobody has it")


def _plain(name: str) -> str:
    return name.strip().lower()


def _checked_name(name: str) -> str:
    plain = _plain(name)
    if not _NAME.fullmatch(plain):
        raise RequestError(
            f"{name!r} is no name of a user; it has up to 64 letters (a to z), digits and any of "
            "._@+- and begins with a letter or digit"
        )
    return plain


def _checked_password(password: str) -> str:
    composed = _composed(password)
    if not MINIMUM_CHARACTERS <= len(composed) <= MAXIMUM_CHARACTERS or not composed.strip():
        raise RequestError(
            f"the password has {len(composed)} characters; it needs at least {MINIMUM_CHARACTERS} "
            f"and at most {MAXIMUM_CHARACTERS}. A few words in a row do well"
        )
    return composed


def _composed(password: str) -> str:
    # the same letters, whichever keyboard they come from
    return unicodedata.normalize("NFKC", password)
