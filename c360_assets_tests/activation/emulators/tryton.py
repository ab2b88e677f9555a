"""A real Tryton server for the tests: its database made once, its process started once.

The database is made by Tryton itself (some ten seconds) and kept in the system's folder for
temporary files, by the versions that made it. A test's own copy of it is put into the running
server's file, whose caches hold nothing of parties. What the tests look at, they read from SQLite.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from c360_assets_tests.activation.emulators.faults import Wire
from c360_assets_tests.activation.emulators.forward import Forward
from c360_assets_tests.activation.emulators.server import Server
from c360_assets_tests.activation.emulators.tryton_process import (
    ADMIN_PASSWORD,
    DATABASE,
    USER,
    USER_PASSWORD,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MADE_BY = ("trytond", "trytond_party", "trytond_party_relationship", "trytond_country")
MADE_OF = ("tryton_process.py", "tryton_module/party.py", "tryton_module/tryton.cfg")
MAKE_SECONDS = 240
BUSY_SECONDS = 60.0


class TrytonAccount:
    """The database as it was made, the server behind a wire for faults; `url` is the wire's."""

    user, password, database = USER, USER_PASSWORD, DATABASE

    def __init__(self, server: _Process) -> None:
        self._server = server
        self.wire = Wire(Forward(server.url))
        self._front = Server(self.wire)
        self.url = self._front.url
        self._person = httpx.Client(base_url=server.url, timeout=BUSY_SECONDS, trust_env=False)

    def __enter__(self) -> TrytonAccount:
        """Begin with an empty account."""
        self._server.empty()
        self._front.start()
        login = self._post("common.db.login", ["admin", {"password": ADMIN_PASSWORD}])
        self._person.headers["Authorization"] = session_of("admin", *login[:2])
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; the server goes on."""
        self._front.stop()
        self._person.close()

    def call(self, method: str, *params: Any) -> Any:
        """What a person does in Tryton's own client, past the wire."""
        return self._post(method, [*params, {}])

    def _post(self, method: str, params: Sequence[Any]) -> Any:
        asked = {"id": 1, "method": method, "params": params}
        answer = self._person.post(f"/{DATABASE}/rpc/", json=asked).raise_for_status().json()
        if "result" not in answer:
            raise AssertionError(f"{method}: {answer}")
        return answer["result"]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What SQLite holds, read past Tryton."""
        with self._server.connected() as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str, *values: Any) -> None:
        """Change what SQLite holds, past Tryton."""
        with self._server.connected() as connection, connection:
            connection.execute(statement, values)


def session_of(user: str, user_id: int, token: str) -> str:
    """The header of a session."""
    return "Session " + base64.b64encode(f"{user}:{user_id}:{token}".encode()).decode()


@contextmanager
def tryton_account() -> Iterator[TrytonAccount]:
    """An empty account; skips the test where Tryton is not installed, but not in CI."""
    if importlib.util.find_spec("trytond") is None:
        told = "trytond is not installed; `pip install -e '.[dev]' -c constraints.txt` brings it"
        if os.environ.get("CI"):
            raise RuntimeError(told)
        pytest.skip(told)
    with TrytonAccount(_process()) as account:
        yield account


class _Process:
    """The server's process on a copy of the database that was made."""

    def __init__(self) -> None:
        self._made = _made_database()
        self._folder = Path(tempfile.mkdtemp(prefix="c360-tryton-"))
        self._path = self._folder / f"{DATABASE}.sqlite"
        shutil.copyfile(self._made, self._path)
        with (self._folder / "server.log").open("wb") as log:
            self._process = _started("serve", self._folder, log)
        said = self._process.stdout.readline() if self._process.stdout else b""
        if not said.strip().isdigit():
            raise RuntimeError((self._folder / "server.log").read_text()[-4000:])
        self.url = f"http://127.0.0.1:{int(said)}"
        atexit.register(self.stop)

    def empty(self) -> None:
        """Put the database back as it was made."""
        with closing(sqlite3.connect(self._made)) as made, self.connected() as live:
            made.backup(live)

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection past Tryton."""
        with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as connection:
            yield connection

    def stop(self) -> None:
        """End its input, and with it the process and its folder."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@cache
def _process() -> _Process:
    return _Process()


def _started(what: str, folder: Path, log: Any) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.tryton_process", what, str(folder)],
        # the server ends with its input, however this process ends
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
    )


def _made_database() -> Path:
    """The database, made once for these versions on this machine."""
    told = [f"{name} {version(name)}" for name in MADE_BY] + [sys.version]
    content = b"".join((HERE / name).read_bytes() for name in MADE_OF)
    key = hashlib.sha256("\n".join(told).encode() + content).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"c360-tryton-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    path = kept / f"{key}.sqlite"
    with FileLock(kept / f"{key}.lock", timeout=MAKE_SECONDS):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=kept) as folder:
                _make(Path(folder)).replace(path)
    return path


def _make(folder: Path) -> Path:
    log = folder / "make.log"
    with log.open("wb") as file:
        process = _started("make", folder, file)
        process.communicate(timeout=MAKE_SECONDS)
    if process.returncode != 0:
        raise RuntimeError(f"Tryton's database could not be made:\n{log.read_text()[-4000:]}")
    return folder / f"{DATABASE}.sqlite"
