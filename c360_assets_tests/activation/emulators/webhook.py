"""A receiver of webhooks: checks who sent a delivery, and keeps what it is told.

Signatures are checked by the words of the specification (Standard Webhooks 1.0.0) and of RFC 2104,
with nothing of ours; bodies and answers are held against the JSON Schema that is shipped. A
delivery that comes twice is known by its id, and answered as it was the first time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from c360_assets_tests.activation.emulators.faults import Wire
from c360_assets_tests.activation.emulators.server import Server

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
PATH = "/hooks/c360"
TOLERANCE_SECONDS = 300
SCHEMA = json.loads(
    (files("c360_assets.activation.destinations") / "webhook.schema.json").read_text()
)
_DELIVERY = Draft202012Validator(SCHEMA)
_ANSWER = Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": "#/$defs/answer"})


@dataclass(frozen=True)
class Delivery:
    """A delivery that was let in; `is_known` says that its id had come before."""

    id: str
    timestamp: int
    signature: str
    body: Mapping[str, Any]
    is_known: bool

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its rows."""
        rows: list[dict[str, Any]] = self.body["data"]["rows"]
        return rows


def hmac_of(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256, as RFC 2104 says it."""
    key = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + content).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()


def what_is_wrong(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str | None:
    """Why a delivery is not let in; None: it is."""
    id_, moment = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
    if not id_ or not moment.isdigit():
        return "webhook-id and webhook-timestamp are needed"
    if abs(now - int(moment)) > TOLERANCE_SECONDS:
        return f"the timestamp is {now - int(moment):.0f} s old"
    content = f"{id_}.{moment}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac_of(base64.b64decode(secret[6:]), content)).decode()
    if wanted not in headers.get("webhook-signature", "").split(" "):
        return "no signature is ours"
    return None


@dataclass
class WebhookReceiver:
    """One receiver. Use it as a context; `url` and `secret` are what a sender needs.

    `clock` gives seconds since 1970. `answer` is what a delivery is answered with that was carried
    out (status, body, type); None: 204, or 207 with the rows that are refused.
    """

    secret: str = SECRET
    clock: Callable[[], float] = time.time
    answer: tuple[int, bytes, str] | None = None
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    links: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    erased: list[tuple[str, str | None]] = field(default_factory=list)
    # how often each row was carried out: by event and key
    carried_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._answers: dict[str, tuple[int, bytes, str]] = {}
        self._newest: dict[tuple[str, str], str] = {}
        app = Starlette(routes=[Route(PATH, self._receive, methods=["POST"])])
        self.wire = Wire(app)
        self._server = Server(self.wire)
        self.url = self._server.url + PATH

    def settle(self) -> None:
        """Wait until no call is under way."""
        self.wire.settle()

    def __enter__(self) -> WebhookReceiver:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    async def _receive(self, request: Request) -> Response:
        content = await request.body()
        with self.lock:
            wrong = what_is_wrong(request.headers, content, self.secret, self.clock())
            if wrong is not None:
                return Response(wrong, 401, media_type="text/plain")
            body = json.loads(content)
            told = [error.message for error in _DELIVERY.iter_errors(body)]
            if told:
                self.violations += told
                return Response("; ".join(told), 400, media_type="text/plain")
            status, sent, kind = self._take(request.headers, body)
        return Response(sent, status, media_type=kind)

    def _take(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> tuple[int, bytes, str]:
        id_ = headers["webhook-id"]
        is_known = id_ in self._answers
        moment = int(headers["webhook-timestamp"])
        self.deliveries.append(Delivery(id_, moment, headers["webhook-signature"], body, is_known))
        if not is_known:
            self._answers[id_] = self._carry_out(body)
        return self._answers[id_]

    def _carry_out(self, body: Mapping[str, Any]) -> tuple[int, bytes, str]:
        object_, what = body["type"].split(".")
        rejected = []
        for row in body["data"]["rows"]:
            if row["key"] in self.refused:
                rejected.append({"key": row["key"], "reason": self.refused[row["key"]]})
                continue
            self.carried_out[body["type"], row["key"]] += 1
            # a delivery that comes late says nothing of today
            if row["at"] >= self._newest.get((object_, row["key"]), ""):
                self._newest[object_, row["key"]] = row["at"]
                getattr(self, f"_{what}")(object_, row, body["data"])
        if self.answer is not None:
            return self.answer
        if not rejected:
            return 204, b"", "application/json"
        answer = {"rejected": rejected}
        self.violations += [error.message for error in _ANSWER.iter_errors(answer)]
        return 207, json.dumps(answer).encode(), "application/json"

    def _upsert(self, object_: str, row: Mapping[str, Any], _: object) -> None:
        self.records.setdefault(object_, {})[row["key"]] = {
            "unique": row["unique"],
            **row["fields"],
        }

    def _delete(self, object_: str, row: Mapping[str, Any], _: object) -> None:
        self.records.get(object_, {}).pop(row["key"], None)

    def _erase(self, object_: str, row: Mapping[str, Any], _: object) -> None:
        unique = row.get("unique")
        self.erased.append((row["key"], unique))
        held = self.records.get(object_, {})
        for key in [k for k, v in held.items() if row["key"] == k or v["unique"] == unique]:
            del held[key]

    def _merge(self, object_: str, row: Mapping[str, Any], _: object) -> None:
        self.records.get(object_, {}).pop(row["key"], None)

    def _add(self, _: str, row: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.links.setdefault(data["kind"], set()).add((row["from"], row["to"]))

    def _remove(self, _: str, row: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.links.get(data["kind"], set()).discard((row["from"], row["to"]))
