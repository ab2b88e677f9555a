"""What goes wrong between a client and a vendor, on demand: ASGI middleware for any emulator.

`Wire` stands before an application. It logs every call, and carries out a fault where a rule says
so. What goes wrong in one vendor's way alone stands beside that vendor's emulator.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from c360_assets_tests.activation.emulators.server import reset_connection


@dataclass(frozen=True)
class Answer:
    """An answer on the wire; with `pause` seconds after every `chunk` bytes of its body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)
    chunk: int = 0
    pause: float = 0.0

    @property
    def json(self) -> Any:
        """The body, read; None where there is none."""
        return json.loads(self.body) if self.body else None


@dataclass
class Call:
    """A call as it came; `status` None: the client saw no answer. `deliveries` reached the app."""

    number: int
    method: str
    path: str
    body: Any
    status: int | None = None
    answer: Any = None
    deliveries: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A call, the way to have the application answer it, and the client's going away.

    `later` puts a delivery off until that many calls have come after this one.
    """

    call: Call
    deliver: Callable[[], Awaitable[Answer]]
    gone: Callable[[], Awaitable[Any]]
    later: Callable[[int], None]


@dataclass(frozen=True)
class Fault:
    """What goes wrong: a name for the log, and what becomes of the answer (None: a reset)."""

    name: str
    carry_out: Callable[[Exchange], Awaitable[Answer | None]]


# --- faults --------------------------------------------------------------------------------------


def answering(
    status: int,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    applied: bool = False,
) -> Fault:
    """This answer instead of the application's; with `applied` after it did its work."""

    async def fault(exchange: Exchange) -> Answer:
        if applied:
            await exchange.deliver()
        told = b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        return Answer(status, told, tuple((k.encode(), v.encode()) for k, v in sent.items()))

    return Fault("answering", fault)


def too_many_requests(retry_after: float | str | None = None) -> Fault:
    """429 with or without a header that says how long to wait."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = _error(429, "RATE_LIMITS", "You have reached your limit.")
    return replace(answering(429, body, headers), name="too_many_requests")


def server_error(status: int = 500, *, applied: bool = False) -> Fault:
    """A 5xx, before or after the application did its work."""
    body = _error(status, "INTERNAL_ERROR", "internal error")
    return replace(answering(status, body, applied=applied), name="server_error")


def changed(function: Callable[[Answer], Answer]) -> Fault:
    """The application's answer, altered."""

    async def fault(exchange: Exchange) -> Answer:
        return function(await exchange.deliver())

    return Fault("changed", fault)


def held(seconds: float = 30.0, *, applied: bool = True) -> Fault:
    """No answer for so long, or until the client gives up; then the connection is reset."""

    async def fault(exchange: Exchange) -> None:
        if applied:
            await exchange.deliver()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(exchange.gone(), seconds)

    return Fault("held", fault)


def reset(*, applied: bool = False) -> Fault:
    """The connection is reset, before or after the application did its work."""

    async def fault(exchange: Exchange) -> None:
        if applied:
            await exchange.deliver()

    return Fault("reset", fault)


def dripping(chunk: int = 64, pause: float = 0.002) -> Fault:
    """The answer comes in small pieces."""
    dripped = changed(lambda answer: replace(answer, chunk=chunk, pause=pause))
    return replace(dripped, name="dripping")


def delivered_twice(*, first_answer: bool = False) -> Fault:
    """The application sees the call twice; the client sees the second answer (or the first)."""

    async def fault(exchange: Exchange) -> Answer:
        first = await exchange.deliver()
        second = await exchange.deliver()
        return first if first_answer else second

    return Fault("delivered_twice", fault)


def delivered_again_later(calls: int = 1) -> Fault:
    """The application sees the call now and again: before the n-th call from now is carried out."""

    async def fault(exchange: Exchange) -> Answer:
        exchange.later(calls)
        return await exchange.deliver()

    return Fault("delivered_again_later", fault)


def doing(function: Callable[[], object], *, applied: bool) -> Fault:
    """Something happens (a process is killed) before the call arrives, or before it is answered."""

    async def fault(exchange: Exchange) -> Answer:
        if not applied:
            await asyncio.to_thread(function)
            return await exchange.deliver()
        answer = await exchange.deliver()
        await asyncio.to_thread(function)
        return answer

    return Fault("doing", fault)


def _error(status: int, category: str, message: str) -> dict[str, Any]:
    return {
        "status": "error",
        "message": message,
        "category": category,
        "correlationId": f"00000000-0000-4000-8000-{status:012d}",
    }


# --- the wire ------------------------------------------------------------------------------------


@dataclass
class Rule:
    """A fault for the calls that match; `nth` counts these from 1 (None: every one)."""

    fault: Fault
    path: str = ""
    method: str | None = None
    nth: Collection[int] | None = None
    when: Callable[[Call], bool] = lambda call: True
    seen: int = 0

    def takes(self, call: Call) -> bool:
        """Whether the call is one of these; counts those that match."""
        if self.path not in call.path or self.method not in (None, call.method):
            return False
        if not self.when(call):
            return False
        self.seen += 1
        return self.nth is None or self.seen in self.nth


@dataclass
class Wire:
    """The middleware: `calls` is the log, `rules` the faults to come (the first that takes)."""

    app: Any
    calls: list[Call] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    _put_off: list[tuple[int, Callable[[], Awaitable[Answer]]]] = field(default_factory=list)
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _under_way: int = 0

    def fault(
        self,
        fault: Fault,
        *,
        path: str = "",
        method: str | None = None,
        nth: int | Collection[int] | None = 1,
        when: Callable[[Call], bool] = lambda call: True,
    ) -> Rule:
        """Let calls whose path contains `path` fail this way: the n-th from now, or every one."""
        places = {nth} if isinstance(nth, int) else nth
        rule = Rule(fault, path, method, places, when)
        with self._lock:
            self.rules.append(rule)
        return rule

    def mend(self) -> None:
        """No more faults."""
        with self._lock:
            self.rules.clear()

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until no call is under way.

        Raises:
            TimeoutError: one still is after so many seconds.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self._under_way == 0, seconds):
                raise TimeoutError(f"{self._under_way} calls are under way after {seconds} s")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one call, and count it as under way meanwhile."""
        if scope["type"] != "http":
            return
        with self._lock:
            self._under_way += 1
        try:
            await self._carry(scope, receive, send)
        finally:
            with self._lock:
                self._under_way -= 1
                self._lock.notify_all()

    async def _carry(self, scope: Any, receive: Any, send: Any) -> None:
        content = await _whole_body(receive)
        call, rule = self._begin(scope, content)

        async def deliver() -> Answer:
            call.deliveries += 1
            return await _run(self.app, scope, content)

        for due, delivery in [each for each in self._put_off if each[0] <= call.number]:
            self._put_off.remove((due, delivery))
            await delivery()
        answer: Answer | None
        if rule is None:
            answer = await deliver()
        else:
            call.fault = rule.fault.name

            def later(calls: int) -> None:
                self._put_off.append((call.number + calls, deliver))

            answer = await rule.fault.carry_out(Exchange(call, deliver, receive, later))
        if answer is None:
            reset_connection(send)
            return
        call.status, call.answer = answer.status, _read(answer.body)
        await _send(answer, send)

    def _begin(self, scope: Any, content: bytes) -> tuple[Call, Rule | None]:
        with self._lock:
            number = len(self.calls) + 1
            call = Call(number, scope["method"], scope["path"], _read(content))
            self.calls.append(call)
            taking = [rule for rule in self.rules if rule.takes(call)]
        return call, taking[0] if taking else None


async def _whole_body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


async def _run(app: Any, scope: Any, content: bytes) -> Answer:
    """The application's answer to a call, in one piece."""
    status, headers, parts = 500, (), []
    unread = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(dict(scope), receive, send)
    return Answer(status, b"".join(parts), headers)


async def _send(answer: Answer, send: Any) -> None:
    """Write an answer, in pieces where it drips; its length is the body's."""
    kept = [pair for pair in answer.headers if pair[0].lower() != b"content-length"]
    if answer.status != 204:
        kept.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": kept})
    step = answer.chunk or max(len(answer.body), 1)
    for start in range(0, len(answer.body), step):
        piece = answer.body[start : start + step]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if answer.pause:
            await asyncio.sleep(answer.pause)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _read(content: bytes) -> Any:
    """A body as JSON where it is JSON, else as text."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
