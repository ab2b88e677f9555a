"""Calls to a vendor's interface: counted, limited, retried, with time-outs and without secrets.

A call is tried again where the vendor says 429 or 5xx, or where no connection came about. Whether
one that was sent and not answered is tried again is the caller's to say: only one that may arrive
twice without harm. Other answers are returned as they are.

Retries are tenacity's: the hooks of stamina, which logs each with the vendor's whole answer, are
set for a process and not for a client. Ours leave one line without it.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, TypeAlias

import httpx
import tenacity

from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import CrmError, OutcomeUnknownError

ATTEMPTS = 6
TIMEOUT_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0
LONGEST_OBEYED_WAIT_SECONDS = 300.0
SHOWN_CHARACTERS = 300
STUMBLES = frozenset({429, 500, 502, 503, 504})
# made anew for each attempt where a function is given: signatures grow old
Headers: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
_log = logging.getLogger(__name__)


class _StumbleError(Exception):
    """An answer or failure that often passes; `wait` is what the vendor asks for.

    `brief` says it without the vendor's text, which may name people.
    """

    def __init__(self, brief: str, said: str, wait: float | None, was_sent: bool) -> None:
        super().__init__(said)
        self.brief, self.wait, self.was_sent = brief, wait, was_sent


@dataclass
class ApiClient:
    """A client of one account. `secret` is what must never show; `learn` reads limits off answers.

    `first_wait` is the seconds before the second attempt; they double, with jitter. What else must
    never show (a token that was fetched on the way) is added to `further_secrets`.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)
    limit: CallLimit
    learn: Callable[[httpx.Headers, CallLimit], None] = lambda headers, limit: None
    timeout: float = TIMEOUT_SECONDS
    attempts: int = ATTEMPTS
    first_wait: float = FIRST_WAIT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    calls: int = 0
    further_secrets: list[str] = field(default_factory=list, repr=False)
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the client; it follows no redirect, which could carry the key elsewhere."""
        self._client = httpx.Client(
            base_url=self.base_url,
            headers=dict(self.headers),
            timeout=self.timeout,
            follow_redirects=False,
            trust_env=False,
            verify=_certificates(),
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
        content: bytes | None = None,
        headers: Headers | None = None,
        query: Mapping[str, str] | None = None,
        may_repeat: bool = True,
        answers: Collection[int] = (),
    ) -> httpx.Response:
        """Make one call; returns the answer, whatever its status, unless it stumbled to the end.

        `body` is sent as JSON; `content` as it is, with its type in `headers`. A function of
        `headers` is asked right before each attempt. `answers` are statuses that stumble elsewhere
        and are answers here (SOAP tells its faults with 500).

        Raises:
            OutcomeUnknownError: it was sent, nobody knows whether it arrived, and it may not be
                repeated or was repeated often enough.
            CrmError: the vendor cannot be reached, or refuses calls for now.
        """
        where = f"{method} {_without_people(path)}"

        def once() -> httpx.Response:
            request = self._client.build_request(
                *(method, path),
                content=content if body is None else _json(body),
                headers={} if body is None else {"Content-Type": "application/json"},
                params=query,
            )
            return self._once(request, headers or {}, answers)

        try:
            with unlogged():
                return self._retrying(where, may_repeat)(once)
        except _StumbleError as error:
            raise self._ended(where, error) from None

    def _retrying(self, where: str, may_repeat: bool) -> tenacity.Retrying:
        return tenacity.Retrying(
            sleep=self.sleep,
            stop=tenacity.stop_after_attempt(self.attempts),
            retry=tenacity.retry_if_exception(lambda error: _passes(error, may_repeat)),
            wait=self._wait,
            before_sleep=lambda state: self._tell(where, state),
            reraise=True,
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """The seconds until the next attempt, as the vendor or we say."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _StumbleError) and error.wait is not None:
            return error.wait
        doubled = self.first_wait * 2.0 ** (state.attempt_number - 1)
        return min(doubled + random.uniform(0, self.first_wait), LONGEST_WAIT_SECONDS)

    def _tell(self, where: str, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        brief = error.brief if isinstance(error, _StumbleError) else str(error)
        wait = state.next_action.sleep if state.next_action else 0.0
        # the first is the course of things, the others are the vendor's trouble
        level = logging.INFO if brief == "429" else logging.WARNING
        told = f"{self.name}: {brief} on {where}: waiting {wait:,.1f} s"
        _log.log(level, "%s (attempt %d of %d)", told, state.attempt_number + 1, self.attempts)

    def _ended(self, where: str, error: _StumbleError) -> CrmError:
        told = f"{self.name}: {where}: {error}"
        if error.was_sent:
            return OutcomeUnknownError(told)
        return CrmError(f"{told}; nothing of this call was taken. Run again once it answers")

    def _once(
        self, request: httpx.Request, headers: Headers, answers: Collection[int]
    ) -> httpx.Response:
        self.limit.take()
        request.headers.update(headers() if callable(headers) else headers)
        self.calls += 1
        try:
            response = self._client.send(request)
        except httpx.ConnectError as error:
            told = f"no connection ({type(error).__name__})"
            raise _StumbleError(told, told, None, was_sent=False) from None
        except httpx.HTTPError as error:
            told = f"no answer ({type(error).__name__})"
            raise _StumbleError(told, told, None, was_sent=True) from None
        self.learn(response.headers, self.limit)
        if response.status_code in STUMBLES and response.status_code not in answers:
            wait = _asked_wait(response.headers)
            if response.status_code == 429 and wait:
                self.limit.close_for(min(wait, LONGEST_OBEYED_WAIT_SECONDS))
            # 429 and 503 come before anything is done; the others may come after it
            was_sent = response.status_code not in (429, 503)
            brief = str(response.status_code)
            raise _StumbleError(brief, self.said(response), wait, was_sent)
        return response

    def said(self, response: httpx.Response) -> str:
        """An answer in a line, without the key."""
        text = " ".join(response.text.split())
        for secret in (self.secret, *self.further_secrets):
            text = text.replace(secret, "***")
        if len(text) > SHOWN_CHARACTERS:
            text = text[:SHOWN_CHARACTERS] + "…"
        return f"{response.status_code} {text or '(no text)'}"


def _passes(error: BaseException, may_repeat: bool) -> bool:
    """Whether another attempt may help, and does no harm."""
    if not isinstance(error, _StumbleError) or (error.was_sent and not may_repeat):
        return False
    return error.wait is None or error.wait <= LONGEST_OBEYED_WAIT_SECONDS


class _NoRecords(logging.Filter):
    """Lets nothing through."""

    def filter(self, record: logging.LogRecord) -> bool:
        return False


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep httpx from logging the address of each request, which may hold a secret or a person."""
    silence, logger = _NoRecords(), logging.getLogger("httpx")
    logger.addFilter(silence)
    try:
        yield
    finally:
        logger.removeFilter(silence)


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that we trust: read once for all clients, since it takes 40 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _without_people(path: str) -> str:
    """A path without its query, and without a part that is somebody's address."""
    parts = path.partition("?")[0].split("/")
    return "/".join("…" if "@" in part or "%40" in part else part for part in parts)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


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
