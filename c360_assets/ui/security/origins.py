"""Where a request comes from and goes to: its Host, its Origin, its path, and `next` of a login.

Belongs here: reading and judging them. Not here: what is answered (`gate`).

A page of any site, in a browser on this machine, can send requests to a server on loopback. Host
is checked against DNS rebinding (the attacker's name pointing here), Origin against requests and
websockets from other sites: websockets know no same-origin policy of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from c360_assets.ui.security.access import Access, is_loopback

LONGEST_NEXT = 2000  # characters
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^\[\]:@/?#\s]+)(?::(\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

Headers = Sequence[tuple[bytes, bytes]]


def header(headers: Headers, name: str) -> str | None:
    """The value of a header; None where it is missing.

    Raises:
        ValueError: it stands there more than once, so that others may read another one of them.
    """
    wanted = name.lower().encode()
    found = [value for key, value in headers if key.lower() == wanted]
    if len(found) > 1:
        raise ValueError(f"the header {name} stands there {len(found)} times")
    return found[0].decode("latin-1").strip() if found else None


def require_once(headers: Headers) -> None:
    """Headers that are read here, or by the forms, stand there once.

    Raises:
        ValueError: one of them stands there more often.
    """
    for name in ("origin", "sec-fetch-site", "sec-fetch-dest", "content-type", "x-forwarded-proto"):
        header(headers, name)


def host_problem(access: Access, host: str | None) -> str | None:
    """Why a Host will not do; None if it is one of this server's."""
    match = _HOST.fullmatch(host or "")
    if match is None:
        return "The request has no valid Host header."
    name = match[1].lower().removesuffix(".")
    if is_loopback(name) or name.removeprefix("[").removesuffix("]") in access.hosts:
        return None
    return (
        f"These pages are not known as {name}. If they should be, add that name to "
        "ui.allowed_hosts in c360.toml and start them anew."
    )


def origin_problem(method: str | None, headers: Headers) -> str | None:
    """Why a request of another site is refused; None if it is of ours. No method: a websocket.

    A websocket without Origin is refused, too: browsers always send it, and nobody but the pages
    in a browser has anything to say there. Other requests without Origin are those of old
    browsers and of scripts; the forms that change anything carry a token of their own.
    """
    origin = header(headers, "origin")
    if origin is None:
        if method is None:
            return "A websocket needs an Origin header; browsers send it."
        site = header(headers, "sec-fetch-site")
        if method not in SAFE_METHODS and site not in (None, "same-origin", "none"):
            return "This request comes from another site."
        return None
    if _place(origin) is None or _place(origin) != _own_place(origin, header(headers, "host")):
        return "This request comes from another site."
    return None


def _place(origin: str) -> tuple[str, str] | None:
    """Host and port of an Origin."""
    scheme, _, rest = origin.partition("://")
    match = _HOST.fullmatch(rest)
    if scheme.lower() not in ("http", "https") or match is None:
        return None
    return match[1].lower(), match[2] or _DEFAULT_PORTS[scheme.lower()]


def _own_place(origin: str, host: str | None) -> tuple[str, str] | None:
    """Host and port of this server. A proxy may have taken TLS off, so the scheme is Origin's."""
    match = _HOST.fullmatch(host or "")
    if match is None:
        return None
    return match[1].lower(), match[2] or _DEFAULT_PORTS[origin.partition("://")[0].lower()]


def path_problem(path: str) -> str | None:
    """Why a path, as it was decoded, is refused: no page has such a one."""
    if any(part in (".", "..") for part in re.split(r"[/\\]", path)):
        return "The path leads upwards."
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "The path has a control character."
    return None


def safe_next(text: str | None) -> str:
    """Where to go after a login: a path of this site with its query, or the start page."""
    if not text or len(text) > LONGEST_NEXT or not text.isprintable():
        return "/"
    # browsers take a backslash for a slash, and two slashes for another host
    if (
        not text.startswith("/")
        or text.startswith("//")
        or "\\" in text
        or " " in text
        or not text.isascii()
    ):
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    path = parts.path
    if parts.scheme or parts.netloc or "//" in path or path_problem(path):
        return "/"
    if path.rstrip("/") in ("/login", "/logout") or path.startswith("/_nicegui"):
        return "/"
    return text
