"""The paths of the pages: the only place where they are put together."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

HOME = "/"
SEGMENTS = "/segments"
KPIS = "/kpis"
REVIEW = "/review"
REVIEW_HISTORY = "/review/history"
SYNC = "/sync"
QUEUE = "/queue"


def contact(contact_id: str) -> str:
    """The page of a person."""
    return f"/contacts/{_part(contact_id)}"


def account(domain: str) -> str:
    """The page of a company."""
    return f"/accounts/{_part(domain)}"


def gaggle(gaggle_id: str) -> str:
    """The page of a gaggle."""
    return f"/gaggles/{_part(gaggle_id)}"


def decisions(key: str) -> str:
    """The decisions on an address or a domain."""
    return with_query(f"{REVIEW}/history", {"key": key})


def pair(text: str) -> str:
    """A suggested pair in the merge review, `old~new`."""
    return with_query(REVIEW, {"pair": text})


def search(text: str) -> str:
    """What is found by a text."""
    return with_query(HOME, {"q": text})


def download(name: str, query: Mapping[str, str | None]) -> str:
    """The rows of a table as CSV; `query` as the page of the table has it."""
    return with_query(f"/download/{_part(name)}.csv", query)


def sync(destination: str) -> str:
    """The monitor of a destination of the CRM sync."""
    return with_query(SYNC, {"to": destination})


def outside(address: str | None, path: str = "") -> str | None:
    """An address of the settings, such as that of Dagster's own pages; None if it is none.

    Nothing but the web is linked to, whatever the settings say.
    """
    parts = urlsplit((address or "").strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.geturl().rstrip('/')}{path}"


def run_path(run_id: str) -> str:
    """Where Dagster's own pages show a run."""
    return f"/runs/{_part(run_id)}"


def check_path(asset: str, check: str) -> str:
    """Where Dagster's own pages show a check of an asset."""
    return with_query(f"/assets/{_part(asset)}", {"view": "checks", "checkDetail": check})


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """The path with these query parameters; empty ones are left out."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _part(text: str) -> str:
    # a lone dot or two would be taken for folders, even if they were quoted
    quoted = quote(text, safe="")
    return quoted.replace(".", "%2E") if set(text) == {"."} else quoted
