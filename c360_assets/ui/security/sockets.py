"""Whose page a websocket may talk to: pages of the visitor who opened it, and no others.

Belongs here: what NiceGUI does with a message of a browser, but only after this check. Not here:
who may open a websocket at all (`gate`).

A message names the page that it is for by an id, and NiceGUI takes it from whoever knows that id.
Ids are not secret enough: they stand in the URLs of websockets, which proxies write into logs. A
click would count as one of whom the page was made for, with their name and role.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.requests import HTTPConnection

from c360_assets.ui.security.visitors import Visitor, visitor_of

LOG = logging.getLogger("c360.ui")
# all that NiceGUI listens for beside connecting; each message is a dict with a `client_id`
MESSAGES = ("handshake", "event", "javascript_response", "ack", "log")
LONGEST_LOGGED = 2000  # characters, of what a script of a page wants in the server's log
# NiceGUI's own words: its script loads the page anew when it hears them
_NOT_THERE = "Implicit handshake failed"

Handler = Callable[..., Any]


def bind(server: AsyncServer) -> None:
    """Let what NiceGUI listens for reach it only from sockets of the page's own visitor.

    To others a page is not there, as one is that was closed: their browser loads it anew.
    """
    handlers = server.handlers["/"]
    server.on("connect", handler=_connecting(handlers["connect"]))
    for name in MESSAGES:
        server.on(name, handler=_talking(server, handlers[name], is_log=name == "log"))


def _connecting(inner: Handler) -> Handler:
    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> Any:
        for client_id in parse_qs(environ.get("QUERY_STRING", "")).get("client_id", []):
            if not _is_own(environ, client_id):
                raise Refused(_NOT_THERE)
        return await _answer(inner(sid, environ, auth))

    return connect


def _talking(server: AsyncServer, inner: Handler, *, is_log: bool) -> Handler:
    async def message(sid: str, said: Any = None) -> Any:
        page = said.get("client_id") if isinstance(said, dict) else None
        if not _is_own(server.get_environ(sid), page):
            return False
        return await _answer(inner(sid, _one_line(said) if is_log else said))

    return message


async def _answer(result: Awaitable[Any] | Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def _is_own(environ: Mapping[str, Any] | None, client_id: object) -> bool:
    """Whether a page is there, and was made for who opened the socket."""
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    if client is None or environ is None:
        return False
    theirs: Visitor = visitor_of(HTTPConnection(environ["asgi.scope"]))
    if visitor_of(client.request).is_one_with(theirs):
        return True
    LOG.warning("a websocket of %s talked to a page that was not made for it", theirs.name)
    return False


def _one_line(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a page wants in the log, so that it cannot pass for lines of the server's own."""
    text = str(said.get("message", ""))[:LONGEST_LOGGED]
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return {**said, "message": f"a page says: {shown}"}
