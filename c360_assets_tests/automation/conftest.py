"""A real web server and a real mail server on loopback, and a Dagster instance to share."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from dagster import DagsterInstance

from c360_assets_tests.ports import free_port

NO_TELEMETRY = {"telemetry": {"enabled": False}}
SECRET_PATH = "/services/T0/B0/s3cr3t"


class Hook:
    """A webhook's server: keeps what was posted; `answers` are the statuses to come, then 200."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = hook.answers.pop(0) if hook.answers else 200
                if status == 200:
                    hook.texts.append(payload["text"])
                answer = b"ok" if status == 200 else b"invalid_payload"
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{SECRET_PATH}"

    def take(self) -> list[str]:
        """The texts since the last call."""
        taken, self.texts = self.texts, []
        return taken

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Mailbox(Message):
    """Keeps the mails that the server takes; it refuses with `answer` and to `unknown`."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list = []
        self.answer = ""
        self.unknown = ""

    async def handle_RCPT(  # noqa: N802
        self, server, session, envelope, address, options
    ) -> str:
        if address == self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        return self.answer or await super().handle_DATA(server, session, envelope)

    def handle_message(self, message) -> None:
        self.mails.append(message)


class MailServer:
    """An SMTP server on a free port; keyword arguments go to aiosmtpd's SMTP."""

    def __init__(self, **options) -> None:
        self.box = Mailbox()
        self.port = free_port()
        self._controller = Controller(
            self.box, hostname="127.0.0.1", port=self.port, ready_timeout=60.0, **options
        )
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()


@pytest.fixture(scope="module")
def instance() -> Iterator[DagsterInstance]:
    """In memory, and so quick; shared by the tests of a module, which look from their start on."""
    with DagsterInstance.ephemeral(settings=NO_TELEMETRY) as shared:
        yield shared


@pytest.fixture
def stored_instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """As in production: SQLite files, with events sharded by run."""
    with DagsterInstance.local_temp(str(tmp_path), overrides=NO_TELEMETRY) as fresh:
        yield fresh


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    server = Hook()
    monkeypatch.setenv("HOOK_URL", server.url)
    yield server
    server.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()
