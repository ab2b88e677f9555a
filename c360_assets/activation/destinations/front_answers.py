"""What Front's answers say: records, reasons of a refusal, and what is left of the account's calls.

Belongs here: one call and the reading of its answer. Not here: which call to make.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

# Front allows so many calls a minute, by plan
WINDOW_SECONDS = 60.0
UNREACHABLE = frozenset({401, 403})
SCOPES = "contacts, accounts (read, write and delete each) and custom_fields (read)"


class NotThereError(RowsRefusedError):
    """Front has no such record."""


def ask(
    client: ApiClient,
    method: str,
    path: str,
    body: Any = None,
    *,
    may_repeat: bool = True,
) -> Any:
    """The answer of a call that was taken; {} where it has no body.

    Raises:
        NotThereError: Front has no record at this place.
        RowsRefusedError: Front refuses what was sent; the text is its reason.
        OutcomeUnknownError: nobody knows whether it was taken.
        CrmError: the token is wrong, or may not do this.
    """
    response = client.call(method, path, body=body, may_repeat=may_repeat)
    if response.status_code == 204:
        return {}
    if response.is_success:
        return _read(client, response)
    reason = reason_of(client, response)
    if response.status_code in UNREACHABLE:
        raise CrmError(
            f"front: {method} {path}: {reason}; give the API token in the environment the scopes "
            f"{SCOPES}, or make a new one in Front"
        )
    raise (NotThereError if response.status_code == 404 else RowsRefusedError)(reason)


def _read(client: ApiClient, response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        told = client.said(response)
        raise OutcomeUnknownError(f"front: an answer without readable JSON: {told}") from None


def reason_of(client: ApiClient, response: httpx.Response) -> str:
    """Front's reason in a line: status, title, message and details of its `_error`."""
    try:
        error = response.json()["_error"]
        parts = [str(error[name]) for name in ("title", "message") if error.get(name)]
        parts += [str(detail) for detail in error.get("details") or ()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return client.said(response)
    text = f"{response.status_code} {': '.join(dict.fromkeys(parts))}"
    return text.replace(client.secret, "***")


def learn_limits(headers: httpx.Headers, limit: CallLimit) -> None:
    """Take the account's limit from Front's headers, and wait for its minute when it is used up.

    All integrations of a company share the calls. Source: Front's page on rate limits.
    """
    calls = headers.get("X-RateLimit-Limit", "")
    if calls.isdigit():
        limit.learn(int(calls), WINDOW_SECONDS)
    if headers.get("X-RateLimit-Remaining", "") == "0":
        limit.close_for(_until_reset(headers))


def _until_reset(headers: httpx.Headers) -> float:
    """The seconds until the minute is over, by Front's own clock; none where it does not say."""
    try:
        now = parsedate_to_datetime(headers["Date"]).timestamp()
        left = float(headers["X-RateLimit-Reset"]) - now
    except (KeyError, ValueError, TypeError):
        return 0.0
    return min(max(left, 0.0), WINDOW_SECONDS)
