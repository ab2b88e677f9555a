"""Calls to a vendor's interface: counted, limited, retried, with time-outs and without secrets.

A call is tried again where the vendor says 429 or 5xx, or where no connection came about. Whether
one that was sent and not answered is tried again is the caller's to say: only one that may arrive
twice without harm. Other answers are returned as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina

from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import CrmError, OutcomeUnknownError

ATTEMPTS = 6
TIMEOUT_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0
LONGEST_OBEYED_WAIT_SECONDS = 300.0
SHOWN_CHARACTERS = 300
STUMBLES = frozenset({429, 500, 502, 503, 504})


class _StumbleError(Exception):
    """An answer or failure that often passes; `wait` is what the vendor asks for."""

    def __init__(self, said: str, wait: float | None, was_sent: bool) -> None:
        super().__init__(said)
        self.wait, self.was_sent = wait, was_sent


@dataclass
class ApiClient:
    """A client of one account. `secret` is what must never show; `learn` reads limits off answers.

    `first_wait` is the seconds before the second attempt; they double, with jitter.
    """

    name: str
    base_url: str
    headers: Mapping[str, str]
    secret: str
    limit: CallLimit
    learn: Callable[[httpx.Headers, CallLimit], None] = lambda headers, limit: None
    timeout: float = TIMEOUT_SECONDS
    attempts: int = ATTEMPTS
    first_wait: float = FIRST_WAIT_SECONDS
    calls: int = 0
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the client; it follows no redirect, which could carry the key elsewhere."""
        self._client = httpx.Client(
            base_url=self.base_url,
            headers=dict(self.headers),
            timeout=self.timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        may_repeat: bool = True,
        limit: CallLimit | None = None,
    ) -> httpx.Response:
        """Make one call; returns the answer, whatever its status, unless it stumbled to the end.

        `limit` is a narrower limit that this call counts for, too.

        Raises:
            OutcomeUnknownError: it was sent, nobody knows whether it arrived, and it may not be
                repeated or was repeated often enough.
            CrmError: the vendor cannot be reached, or refuses calls for now.
        """
        try:
            for attempt in stamina.retry_context(
                on=lambda error: self._wait(error, may_repeat),
                attempts=self.attempts,
                timeout=None,
                wait_initial=self.first_wait,
                wait_max=LONGEST_WAIT_SECONDS,
                wait_jitter=self.first_wait,
            ):
                with attempt:
                    return self._once(method, path, body, query, limit)
        except _StumbleError as error:
            told = f"{self.name}: {method} {path}: {error}"
            if error.was_sent:
                raise OutcomeUnknownError(told) from None
            raise CrmError(
                f"{told}; nothing of this call was taken. Run again once it answers"
            ) from None
        raise AssertionError("a call ends with an answer or an error")

    def _wait(self, error: Exception, may_repeat: bool) -> bool | float:
        """Whether to try again; as seconds, where the vendor said how long to wait."""
        if not isinstance(error, _StumbleError) or (error.was_sent and not may_repeat):
            return False
        if error.wait is None:
            return True
        return False if error.wait > LONGEST_OBEYED_WAIT_SECONDS else error.wait

    def _once(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, str] | None,
        limit: CallLimit | None,
    ) -> httpx.Response:
        for each in (self.limit, limit):
            if each is not None:
                each.take()
        self.calls += 1
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            response = self._client.request(
                method, path, content=content, params=query, headers=headers
            )
        except httpx.ConnectError as error:
            raise _StumbleError(f"no connection ({type(error).__name__})", None, False) from None
        except httpx.HTTPError as error:
            raise _StumbleError(f"no answer ({type(error).__name__})", None, True) from None
        self.learn(response.headers, self.limit)
        if response.status_code in STUMBLES:
            wait = _asked_wait(response.headers)
            if response.status_code == 429 and wait:
                self.limit.close_for(min(wait, LONGEST_OBEYED_WAIT_SECONDS))
            # 429 and 503 come before anything is done; the others may come after it
            was_sent = response.status_code not in (429, 503)
            raise _StumbleError(self.said(response), wait, was_sent)
        return response

    def said(self, response: httpx.Response) -> str:
        """An answer in a line, without the key."""
        text = " ".join(response.text.split()).replace(self.secret, "***")
        if len(text) > SHOWN_CHARACTERS:
            text = text[:SHOWN_CHARACTERS] + "…"
        return f"{response.status_code} {text or '(no text)'}"


def _asked_wait(headers: httpx.Headers) -> float | None:
    """The seconds of Retry-After, given as a number or as a date."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    with suppress(ValueError):
        return max(float(text), 0.0)
    try:
        at = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max((at - sent).total_seconds(), 0.0)
