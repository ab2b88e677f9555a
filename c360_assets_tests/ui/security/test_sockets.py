"""Whose page a websocket may talk to, asked of NiceGUI's own server of websockets."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from nicegui import Client, ui
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.requests import Request

from c360_assets.ui.security.sockets import LONGEST_LOGGED, MESSAGES, bind
from c360_assets.ui.security.users import Role
from c360_assets.ui.security.visitors import STATE, Visitor


def scope_of(name: str) -> dict[str, Any]:
    visitor = Visitor(name, Role.REVIEWER, f"token of {name}", True, lambda _: Role.REVIEWER)
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "state": {STATE: visitor},
    }


class Sockets(AsyncServer):
    """A server whose sockets are named by who opened them; `heard` is what got through."""

    def __init__(self) -> None:
        super().__init__(async_mode="asgi")
        self.heard: list[tuple[str, Any]] = []
        for name in ("connect", *MESSAGES):
            self.on(name, handler=self._hears(name))
        bind(self)

    def _hears(self, name: str) -> Any:
        def hear(_: str, said: Any, auth: Any = None) -> bool:
            self.heard.append((name, said))
            return True

        return hear

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        return {"asgi.scope": scope_of(sid), "QUERY_STRING": ""}

    def say(self, name: str, who: str, said: Any) -> Any:
        return asyncio.run(self.handlers["/"][name](who, said))

    def connect(self, who: str, query: str) -> Any:
        return self.say("connect", who, {**self.get_environ(who), "QUERY_STRING": query})


@pytest.fixture
def sockets() -> Sockets:
    return Sockets()


@pytest.fixture
def page() -> Iterator[str]:
    """The id of a page that was made for Ann."""
    client = Client(ui.page(""), request=Request(scope_of("ann")))
    yield client.id
    Client.instances.pop(client.id)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_from_another_visitor_is_not_heard(
    sockets: Sockets, page: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"client_id": page, "message": "x"}
    assert sockets.say(name, "vera", said) is False
    assert sockets.heard == []
    assert "websocket of vera" in caplog.text
    assert page not in caplog.text
    assert sockets.say(name, "ann", said) is True
    assert [each for each, _ in sockets.heard] == [name]


@pytest.mark.parametrize(
    "said", [None, "x", [], {}, {"client_id": "gone"}, {"client_id": []}, {"client_id": None}]
)
def test_a_message_for_no_page_is_not_heard(sockets: Sockets, said: Any) -> None:
    assert sockets.say("event", "ann", said) is False
    assert sockets.heard == []


def test_another_visitor_is_not_connected_with_a_page(sockets: Sockets, page: str) -> None:
    assert sockets.connect("ann", f"client_id={page}") is True
    for query in (f"client_id={page}", f"client_id=x&client_id={page}", "client_id=gone"):
        with pytest.raises(Refused, match="handshake failed"):
            sockets.connect("vera", query)
    assert len(sockets.heard) == 1


def test_what_nicegui_listens_for_is_all_asked_about() -> None:
    from nicegui import core

    assert set(core.sio.handlers["/"]) == {"connect", "disconnect", *MESSAGES}


def test_what_a_page_logs_is_one_line_and_not_long(sockets: Sockets, page: str) -> None:
    said = {"client_id": page, "level": "error", "message": "a\n\x1b[1mc360: bob logged in" * 999}
    sockets.say("log", "ann", said)
    ((_, heard),) = sockets.heard
    assert heard["message"].startswith("a page says: a  [1mc360: bob")
    assert heard["message"].isprintable()
    assert len(heard["message"]) <= LONGEST_LOGGED + 20
    assert heard["level"] == "error"
