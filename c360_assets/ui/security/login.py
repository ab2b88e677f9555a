"""`/login` and `/logout`: two plain forms.

Belongs here: judging what the forms bring, cookies. Not here: what they look like (`login_page`).

Login is protected against forgery twice: by the Origin, which the gate checks, and by a token that
must come both in the form and in a cookie of its own.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from c360_assets.ui.security.answers import answer, redirect
from c360_assets.ui.security.login_page import login_page, logout_page, nobody_page
from c360_assets.ui.security.origins import Headers, header, safe_next
from c360_assets.ui.security.sessions import Sessions
from c360_assets.ui.security.throttle import Throttle
from c360_assets.ui.security.users import Users
from c360_assets.ui.security.visitors import Visitor

LOGIN, LOGOUT = "/login", "/logout"
SESSION_COOKIE, LOGIN_COOKIE = "c360_session", "c360_login"
LARGEST_FORM = 16_384  # bytes
# a hash takes 64 MiB and all of a core
HASHES_AT_ONCE = 2
WRONG = "Name or password are wrong."
FORGED = "This form was too old. Try again."


@dataclass(frozen=True)
class Asked:
    """A request for one of the forms. `peer` is the address that failures are counted for."""

    scope: Scope
    receive: Receive
    send: Send
    peer: str
    visitor: Visitor | None

    @property
    def headers(self) -> Headers:
        """Its headers."""
        return list(self.scope["headers"])

    @property
    def is_post(self) -> bool:
        """Whether the form was sent."""
        return bool(self.scope["method"] == "POST")

    @property
    def is_https(self) -> bool:
        """Whether it came by https; who claims so falsely hinders nobody but themselves."""
        forwarded = header(self.headers, "x-forwarded-proto") or ""
        return self.scope.get("scheme") == "https" or forwarded.lower() == "https"


class Login:
    """Both forms, for the users of a file."""

    def __init__(self, users: Users, sessions: Sessions, throttle: Throttle) -> None:
        self._users, self._sessions, self._throttle = users, sessions, throttle
        self._hashing = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="c360-login")

    async def login(self, asked: Asked) -> None:
        """Show the form, or judge it.

        Raises:
            ConfigError: the users file cannot be read.
        """
        query = parse_qs(asked.scope["query_string"].decode("latin-1"))
        if asked.visitor is not None and not asked.is_post:
            return await redirect(asked.send, safe_next(query.get("next", [""])[0]))
        if not self._users.all():
            return await answer(asked.send, HTTPStatus.UNAUTHORIZED, nobody_page(), is_html=True)
        if not asked.is_post:
            return await self._show(asked, safe_next(query.get("next", [""])[0]), HTTPStatus.OK)
        form = await read_form(asked)
        if form is None:
            text = "The form is too large, or no form at all."
            return await answer(asked.send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        await self._judge(asked, form)

    async def logout(self, asked: Asked) -> None:
        """Ask whether to log out, and do so when the form comes back."""
        visitor = asked.visitor
        if visitor is None or not visitor.can_leave:
            return await redirect(asked.send, "/")
        if not asked.is_post:
            page = logout_page(visitor.csrf, visitor.name)
            return await answer(asked.send, HTTPStatus.OK, page, is_html=True)
        form = await read_form(asked) or {}
        if not _same(form.get("csrf", ""), visitor.csrf):
            page = logout_page(visitor.csrf, visitor.name)
            return await answer(asked.send, HTTPStatus.FORBIDDEN, page, is_html=True)
        self._sessions.end(cookie(asked.headers, SESSION_COOKIE) or "")
        gone = _set_cookie(asked, SESSION_COOKIE, "", "Lax", more="; Max-Age=0")
        await redirect(asked.send, LOGIN, [gone])

    async def _judge(self, asked: Asked, form: dict[str, str]) -> None:
        next_, name = safe_next(form.get("next")), form.get("name", "").strip()
        token = cookie(asked.headers, LOGIN_COOKIE)
        if not token or not _same(form.get("csrf", ""), token):
            return await self._show(asked, next_, HTTPStatus.FORBIDDEN, name, FORGED)
        keys = [("name", name.lower()[:64]), ("peer", asked.peer)]
        if wait := self._throttle.begin(keys):
            return await self._let_wait(asked, next_, name, wait)
        user = await asyncio.get_running_loop().run_in_executor(
            self._hashing, self._users.verify, name, form.get("password", "")
        )
        if user is None:
            return await self._show(asked, next_, HTTPStatus.UNAUTHORIZED, name, WRONG)
        self._throttle.forgive(keys)
        self._sessions.end(cookie(asked.headers, SESSION_COOKIE) or "")
        new = _set_cookie(asked, SESSION_COOKIE, self._sessions.begin(user), "Lax")
        used = _set_cookie(asked, LOGIN_COOKIE, "", "Strict", more="; Max-Age=0")
        await redirect(asked.send, next_, [new, used])

    async def _let_wait(self, asked: Asked, next_: str, name: str, wait: float) -> None:
        seconds = math.ceil(wait)
        shown = f"{seconds} seconds" if seconds != 1 else "1 second"
        problem = f"There were too many failed tries. Wait {shown}, then try again."
        await self._show(
            asked, next_, HTTPStatus.TOO_MANY_REQUESTS, name, problem, retry_after=seconds
        )

    async def _show(
        self,
        asked: Asked,
        next_: str,
        status: int,
        name: str = "",
        problem: str = "",
        *,
        retry_after: int = 0,
    ) -> None:
        # the same token for forms in several windows
        known = cookie(asked.headers, LOGIN_COOKIE) or ""
        token = known if len(known) == 43 else secrets.token_urlsafe(32)
        headers = [_set_cookie(asked, LOGIN_COOKIE, token, "Strict")]
        if retry_after:
            headers.append(("Retry-After", str(retry_after)))
        page = login_page(token, next_, name=name, problem=problem)
        await answer(asked.send, status, page, headers=headers, is_html=True)


async def read_form(asked: Asked) -> dict[str, str] | None:
    """The fields of a form that was sent, each once; None where it is none, or too large."""
    kind = (header(asked.headers, "content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    body, is_more = b"", True
    while is_more:
        message = await asked.receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
        if len(body) > LARGEST_FORM:
            return None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def cookie(headers: Headers, name: str) -> str | None:
    """The value of a cookie; None where there is none."""
    for key, value in headers:
        if key.lower() == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                its_name, is_given, its_value = pair.strip().partition("=")
                if its_name == name and is_given:
                    return its_value
    return None


def _set_cookie(
    asked: Asked, name: str, value: str, same_site: str, *, more: str = ""
) -> tuple[str, str]:
    secure = "; Secure" if asked.is_https else ""
    return (
        "Set-Cookie",
        f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{more}",
    )


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
