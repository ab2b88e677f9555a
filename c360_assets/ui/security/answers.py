"""What the gate says itself: plain words, redirections, and the headers of every answer.

Belongs here: bytes that go out. Not here: when (`gate`, `login`).
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import Message, Scope, Send

# NiceGUI compiles its templates in the browser and has its scripts in the page, hence the two
# `unsafe`; nothing may be fetched from anywhere else, sent anywhere else, or framed
PAGE_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
))  # fmt: skip
FORM_POLICY = "; ".join((
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "img-src data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
))  # fmt: skip
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def with_headers(message: Message, *, is_static: bool, policy: str = PAGE_POLICY) -> Message:
    """The start of an answer with the headers that protect it; pages are kept nowhere."""
    ours = [*_ALWAYS, ("Content-Security-Policy", policy)]
    if not is_static:
        ours.append(("Cache-Control", "no-store"))
    encoded = [(name.lower().encode(), value.encode()) for name, value in ours]
    names = {name for name, _ in encoded}
    theirs = [each for each in message.get("headers", ()) if each[0].lower() not in names]
    return {**message, "headers": [*theirs, *encoded]}


async def answer(
    send: Send,
    status: int,
    text: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    is_html: bool = False,
) -> None:
    """Send a whole answer, HTML or plain text."""
    body = text.encode()
    kind = "html" if is_html else "plain"
    start: Message = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", f"text/{kind}; charset=utf-8".encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
        ],
    }
    await send(with_headers(start, is_static=False, policy=FORM_POLICY))
    await send({"type": "http.response.body", "body": body})


async def redirect(send: Send, to: str, headers: Iterable[tuple[str, str]] = ()) -> None:
    """Send to another path of this site, to be fetched by GET."""
    await answer(send, HTTPStatus.SEE_OTHER, "", headers=[("Location", to), *headers])


async def refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    """Say no: in words, or by closing a websocket with 4000 + status."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + status, "reason": text[:120]})
    else:
        await answer(send, status, f"{text}\n")
