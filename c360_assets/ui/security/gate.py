"""The gate: what every request and websocket must pass before anything else sees it.

Belongs here: the order of the checks, and who the visitor is. Not here: any single check
(`origins`, `sessions`, `login`).

1. Path, Host and Origin are of this server.
2. `/login` and `/logout` are answered here.
3. Somebody is there: everybody on loopback (`Access.is_open`), who a trusted proxy names, who is
   logged in. Nobody else gets to see anything, not even a script or a style.
4. Every answer has the headers that protect it; pages are kept in no cache.
5. A websocket is closed once the login is over, at the next message in either direction.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c360_assets.errors import ConfigError
from c360_assets.settings import Settings
from c360_assets.ui.security.access import (
    Access,
    access_of,
    is_loopback,
    site_of,
    users_folder,
)
from c360_assets.ui.security.answers import redirect, refuse, with_headers
from c360_assets.ui.security.login import LOGIN, LOGOUT, SESSION_COOKIE, Asked, Login, cookie
from c360_assets.ui.security.origins import (
    header,
    host_problem,
    origin_problem,
    path_problem,
    require_once,
)
from c360_assets.ui.security.sessions import Sessions
from c360_assets.ui.security.throttle import Throttle
from c360_assets.ui.security.users import Role, Users
from c360_assets.ui.security.visitors import STATE, Visitor, visitor_of

__all__ = ["Access", "Gate", "Role", "Users", "Visitor", "access_of", "visitor_of"]

LOG = logging.getLogger("c360.ui")
SOCKETS = "/_nicegui_ws/"
# files of NiceGUI and of ours, the same for everybody
STATIC = ("/_nicegui/", "/static/", "/favicon.ico")
# what NiceGUI serves for one visitor
MADE_FILES = "/_nicegui/auto"
LONGEST_NAME = 128  # characters, of who a proxy names
# what a browser sends when somebody clicks; the rest is pings, receipts and answers to the server
_CLICK = re.compile(r'4[25]\d*-?\["event"')
# what only a proxy adds
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


class Gate:
    """ASGI middleware round the whole application; `clock` gives seconds."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        access: Access,
        *,
        users: Users | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        rules = settings.rules.ui
        self.app, self.access = app, access
        self.users = users or Users(users_folder(settings))
        self.sessions = Sessions(
            self.users, rules.session_idle_minutes * 60.0, rules.session_hours * 3600.0, clock
        )
        self._login = Login(self.users, self.sessions, Throttle(clock))
        self._secret = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        problem = self._problem(scope)
        if problem is not None:
            return await refuse(scope, send, *problem)
        try:
            visitor = self._visitor(scope)
            if scope["type"] == "http" and scope["path"] in (LOGIN, LOGOUT):
                return await self._show_form(scope, receive, send, visitor)
        except ConfigError as error:
            LOG.error("nobody is let in: %s", error)
            text = "It cannot be told who may log in; the server's log tells why."
            return await refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE, text)
        if visitor is None:
            return await self._turn_away(scope, send)
        await self._let_in(scope, receive, send, visitor)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request is refused, whoever sent it: status and words."""
        headers = list(scope["headers"])
        try:
            host = header(headers, "host")
            require_once(headers)
            foreign = origin_problem(scope.get("method"), headers)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, f"The request is ambiguous: {error}."
        if text := path_problem(scope["path"]):
            return HTTPStatus.BAD_REQUEST, text
        if text := host_problem(self.access, host):
            is_missing = host is None
            return HTTPStatus.BAD_REQUEST if is_missing else HTTPStatus.MISDIRECTED_REQUEST, text
        if foreign:
            return HTTPStatus.FORBIDDEN, foreign
        if self.access.is_open and any(key.lower() in _FORWARDED for key, _ in headers):
            return HTTPStatus.FORBIDDEN, (
                "This request came through a proxy, and these pages are open to this machine "
                "alone. Name the proxy in ui.trusted_proxies, or the public host name in "
                "ui.allowed_hosts, of c360.toml, and start them anew."
            )
        return None

    async def _show_form(
        self, scope: Scope, receive: Receive, send: Send, visitor: Visitor | None
    ) -> None:
        asked = Asked(scope, receive, send, self._throttled_address(scope), visitor)
        form = self._login.login if scope["path"] == LOGIN else self._login.logout
        await form(asked)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        known = self._with_visitor(scope, visitor)
        if scope["type"] == "websocket":
            return await _Watched(visitor, receive, send).run(self.app, known)
        is_static = _is_static(scope["path"])

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = with_headers(message, is_static=is_static)
            await send(message)

        await self.app(known, receive, send_protected)

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        """Nobody is there: pages lead to the form, everything else is refused."""
        path = scope["path"]
        is_page = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and not path.startswith((*STATIC, SOCKETS))
            and header(list(scope["headers"]), "sec-fetch-dest") in (None, "document")
        )
        if not is_page:
            return await refuse(scope, send, HTTPStatus.UNAUTHORIZED, "Log in first.")
        raw = scope.get("raw_path") or quote(path).encode()
        query = scope["query_string"]
        wanted = raw.partition(b"?")[0] + (b"?" + query if query else b"")
        await redirect(send, LOGIN if wanted == b"/" else f"{LOGIN}?next={quote(wanted, safe='')}")

    def _with_visitor(self, scope: Scope, visitor: Visitor) -> Scope:
        """The scope with the visitor, without the header that names users, and without that by
        which NiceGUI would lead elsewhere: nothing else may come to believe them."""
        believed = ((self.access.user_header or "").encode(), b"x-forwarded-prefix")
        headers = [each for each in scope["headers"] if each[0].lower() not in believed]
        state = {**scope.get("state", {}), STATE: visitor}
        return {**scope, "headers": headers, "state": state}

    def _visitor(self, scope: Scope) -> Visitor | None:
        if self.access.is_open:
            name = self.access.local_name
            return Visitor(name, Role.ADMIN, self._csrf(name), False, lambda _: Role.ADMIN)
        return self._proxied(scope) or self._logged_in(scope)

    def _proxied(self, scope: Scope) -> Visitor | None:
        """Who a trusted proxy says that it is."""
        if self.access.user_header is None or not self.access.trusts(_peer(scope)):
            return None
        try:
            given = header(list(scope["headers"]), self.access.user_header) or ""
            name = given.encode("latin-1").decode()
        except ValueError:  # given twice, or no UTF-8
            return None
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            return None

        def ask(is_activity: bool) -> Role:
            return self.users.role_of(name) or self.access.proxy_role

        return Visitor(name, ask(True), self._csrf(name), False, ask)

    def _logged_in(self, scope: Scope) -> Visitor | None:
        token = cookie(list(scope["headers"]), SESSION_COOKIE)
        if not token:
            return None
        session = self.sessions.find(token, is_activity=_is_navigation(scope))
        if session is None:
            return None

        def ask(is_activity: bool) -> Role | None:
            held = self.sessions.find(token, is_activity=is_activity)
            return self.users.role_of(held.name) if held else None

        role = ask(False)
        return Visitor(session.name, role, session.csrf, True, ask) if role else None

    def _csrf(self, name: str) -> str:
        """The token of forms of somebody without a session."""
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()

    def _throttled_address(self, scope: Scope) -> str:
        """Whose failed logins are counted together: what a proxy at hand says of who it is for."""
        peer = _peer(scope)
        if peer is None or not (self.access.trusts(peer) or is_loopback(peer)):
            return site_of(peer or "")
        forwarded = [value for key, value in scope["headers"] if key.lower() == b"x-forwarded-for"]
        # the last one is what the proxy itself has seen
        seen = forwarded[-1].decode("latin-1").split(",")[-1].strip()[:64] if forwarded else peer
        return site_of(seen)


class _Watched:
    """A websocket of a visitor, which is closed when their login is over."""

    def __init__(self, visitor: Visitor, receive: Receive, send: Send) -> None:
        self._visitor, self._receive, self._send = visitor, receive, send
        self._is_closed = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let the application talk until it is done."""
        await app(scope, self._receive_checked, self._send_checked)

    async def _receive_checked(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            is_click = _CLICK.match(message.get("text") or "") is not None
            if not self._is_there(is_click):
                await self._close()
                return {"type": "websocket.disconnect", "code": 4401, "reason": "logged out"}
        return message

    async def _send_checked(self, message: Message) -> None:
        if self._is_closed:
            return
        if message["type"] == "websocket.send" and not self._is_there(False):
            return await self._close()
        await self._send(message)

    def _is_there(self, is_activity: bool) -> bool:
        try:
            return self._visitor.is_there(is_activity=is_activity)
        except ConfigError as error:
            LOG.error("a page is closed: %s", error)
            return False

    async def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self._send({"type": "websocket.close", "code": 4401, "reason": "Log in again."})


def _is_static(path: str) -> bool:
    return path.startswith(STATIC) and not path.startswith(MADE_FILES)


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _is_navigation(scope: Scope) -> bool:
    """Whether somebody opened a page; what a page fetches by itself keeps no login alive."""
    if scope["type"] != "http" or scope["path"].startswith(SOCKETS):
        return False
    return header(list(scope["headers"]), "sec-fetch-dest") in (None, "document")
