"""A Front account in miniature, served over HTTP: what tests of the destination talk to.

Every request and every answer is checked against Front's published OpenAPI description. State is
kept in `front_records`, faults are injected by `faults`; here are places, keys and limits.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from c360_assets_tests.activation.emulators.faults import Call, Fault, Wire
from c360_assets_tests.activation.emulators.front_records import (
    EMAIL,
    Account,
    Contact,
    Records,
    RefusedError,
    shown_account,
    shown_contact,
)
from c360_assets_tests.activation.emulators.server import Server
from c360_assets_tests.activation.emulators.specs import load_spec

TOKEN = "front-token-for-tests"
WINDOW_SECONDS = 60.0
METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT"]


class FrontEmulator:
    """One account. Use it as a context; `url` and `token` are what a client needs.

    `calls_per_minute` are allowed (50 to 200 in Front, by plan); a minute has `window_seconds`.
    Custom fields are made as an administrator makes them, by `add_field`.
    """

    def __init__(
        self,
        specs: Path,
        *,
        calls_per_minute: int = 50,
        window_seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token, self.calls_per_minute = TOKEN, calls_per_minute
        self.violations: list[str] = []
        self.own_violations: list[str] = []
        self.lock = threading.RLock()
        self.records = Records()
        self._clock, self._window = clock, window_seconds
        self._window_end, self._made = 0.0, 0
        self._spec = load_spec(specs / "core-api.json", amend)
        # a slash within an address is not one of the path, so that paths are parted here
        routes = [Route("/{rest:path}", self._endpoint, methods=METHODS)]
        self.wire = Wire(Starlette(routes=routes))
        self._server = Server(self.wire)
        self.url = self._server.url

    def __enter__(self) -> FrontEmulator:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    # --- for tests -----------------------------------------------------------------------------

    def add_field(self, kind: str, name: str, type_: str, choices: Collection[str] = ()) -> None:
        """An administrator makes a custom field of `contacts` or `accounts`."""
        with self.lock:
            self.records.custom[kind][name] = type_
            if choices:
                self.records.choices[name] = list(choices)

    def add(self, *addresses: str, name: str = "", **custom: Any) -> Contact:
        """A contact that somebody else made."""
        handles = [{"source": EMAIL, "handle": address} for address in addresses]
        with self.lock:
            body = {"handles": handles, "name": name, "custom_fields": custom}
            _, made = self.records.create_contact(body)
            return self.records.contacts[made["id"]]

    def add_account(self, name: str, *domains: str, **custom: Any) -> Account:
        """An account that somebody else made."""
        with self.lock:
            body = {"name": name, "domains": list(domains), "custom_fields": custom}
            _, made = self.records.create_account(body)
            return self.records.accounts[made["id"]]

    def contacts(self) -> list[Contact]:
        """All contacts."""
        with self.lock:
            return list(self.records.contacts.values())

    def accounts(self) -> list[Account]:
        """All accounts."""
        with self.lock:
            return list(self.records.accounts.values())

    def by(self, contact_id: str) -> Contact:
        """The one contact that says this id of ours."""
        with self.lock:
            contacts = self.contacts()
            (found,) = [c for c in contacts if c.custom.get("c360_contact_id") == contact_id]
            return found

    def edit(self, contact: Contact, *, name: str | None = None, **custom: Any) -> None:
        """A teammate writes."""
        with self.lock:
            if name is not None:
                contact.name, contact.is_named_by_hand = name, True
            contact.custom.update(custom)
            contact.updated = next(self.records.clock)

    def spend(self, calls: int) -> None:
        """Another integration of the company makes so many calls of this minute."""
        with self.lock:
            self._begin_window()
            self._made += calls

    def calls(self, method: str | None = None, path_part: str = "") -> list[Call]:
        """The calls so far, those refused and those that failed, too."""
        found = list(self.wire.calls)
        return [c for c in found if method in (None, c.method) and path_part in c.path]

    def fault(self, fault: Fault, **which: Any) -> None:
        """Let calls fail; see `Wire.fault`."""
        self.wire.fault(fault, **which)

    def refuse(self, takes: Callable[[Mapping[str, Any]], bool], reason: str) -> None:
        """Refuse writes of records; `takes` gets the custom fields and `handles`."""
        with self.lock:
            self.records.refusals.append((takes, reason))

    def mend(self) -> None:
        """No more faults and refusals."""
        with self.lock:
            self.records.refusals.clear()
            self.wire.mend()

    def settle(self) -> None:
        """Wait until no call is under way."""
        self.wire.settle()

    # --- answering -----------------------------------------------------------------------------

    async def _endpoint(self, request: Request) -> Response:
        content = await request.body()
        path = request.scope["raw_path"].decode("ascii").partition("?")[0]
        with self.lock:
            headers = self._count()
            status, body = self._answer(request, path, content)
            if status == 429:
                headers["Retry-After"] = f"{max(self._window_end - self._clock(), 0.001):.3f}"
            sent = b"" if body is None else json.dumps(body).encode()
            if status != 404 or not self._is_nowhere(request.method, path):
                told = self._spec.of_answer(request.method, path, status, sent)
                self.own_violations += told
        media = None if body is None else "application/json"
        return Response(sent, status, headers, media)

    def _answer(self, request: Request, path: str, content: bytes) -> tuple[int, Any]:
        try:
            self._check(request)
            query = request.query_params.multi_items()
            media = request.headers.get("content-type", "").split(";")[0] or "application/json"
            wrong = self._spec.of_request(request.method, path, query, content, media)
            if wrong:
                self.violations += wrong
                raise RefusedError(400, "Body did not satisfy requirements", wrong)
            answer = self._place(request.method, path, dict(query))
            if answer is None:
                self.violations.append(f"{request.method} {path}: the emulator has no such call")
                raise RefusedError(404, f"{path} not found")
            return answer(json.loads(content) if content else {})
        except RefusedError as refusal:
            return refusal.status, refusal.body
        except Exception:
            self.own_violations.append(traceback.format_exc())
            return 500, RefusedError(500, "the emulator broke; see own_violations").body

    def _is_nowhere(self, method: str, path: str) -> bool:
        return self._place(method, path, {}) is None

    def _place(
        self, method: str, path: str, query: Mapping[str, str]
    ) -> Callable[[Any], tuple[int, Any]] | None:
        """The call at a path, whose parts are decoded one by one."""
        records = self.records
        match method, *(unquote(part) for part in path.strip("/").split("/")):
            case "GET", ("contacts" | "accounts") as kind, "custom_fields":
                return lambda _: records.custom_fields(kind)
            case "POST", "contacts":
                return records.create_contact
            case "POST", "contacts", "merge":
                return records.merge
            case "GET", "contacts", id_:
                return lambda _: (200, shown_contact(records.contact(id_)))
            case "PATCH", "contacts", id_:
                return lambda body: records.update_contact(id_, body)
            case "DELETE", "contacts", id_:
                return lambda _: records.delete_contact(id_)
            case "POST", "contacts", id_, "handles":
                return lambda body: records.add_handle(id_, body)
            case "DELETE", "contacts", id_, "handles":
                return lambda body: records.delete_handle(id_, body)
            case "POST", "accounts":
                return records.create_account
            case "GET", "accounts", id_:
                return lambda _: (200, shown_account(records.account(id_)))
            case "PATCH", "accounts", id_:
                return lambda body: records.update_account(id_, body)
            case "DELETE", "accounts", id_:
                return lambda _: records.delete_account(id_)
            case "GET", "accounts", id_, "contacts":
                limit, after = int(query.get("limit", "50")), query.get("page_token", "")
                return lambda _: records.contacts_of(id_, limit, after)
            case "POST", "accounts", id_, "contacts":
                return lambda body: records.add_contacts(id_, body)
            case "DELETE", "accounts", id_, "contacts":
                return lambda body: records.remove_contacts(id_, body)
        return None

    def _check(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise RefusedError(401, "The API token is wrong or has expired")
        if self._made > self.calls_per_minute:
            wait = max(self._window_end - self._clock(), 0)
            message = f"Rate limit exceeded. Please retry in {wait * 1000:.0f} milliseconds."
            raise RefusedError(429, message)

    def _begin_window(self) -> None:
        now = self._clock()
        if now >= self._window_end:
            self._window_end, self._made = now + self._window, 0

    def _count(self) -> dict[str, str]:
        """Count a call; the headers that tell what is left."""
        self._begin_window()
        self._made += 1
        return {
            "X-RateLimit-Limit": str(self.calls_per_minute),
            "X-RateLimit-Remaining": str(max(self.calls_per_minute - self._made, 0)),
            "X-RateLimit-Reset": f"{self._window_end:.3f}",
        }


def amend(document: dict[str, Any]) -> None:
    """Mend the published description where Front's servers are known to do otherwise.

    Errors come as `_error`, which the description leaves out. A new account needs a name: the
    description says so beside a reference, where it counts for nothing. Fields that are not
    described are refused, since the description allows them; so that schemas made of two parts are
    written as one. Parameters stand where they are used, as the check of requests wants them.
    """
    components = document["components"]
    schemas = components["schemas"]
    for name in ("CreateContact", "DeleteContactHandle"):
        schemas[name] = _in_one(schemas, schemas[name])
    for name, schema in schemas.items():
        if "properties" in schema and name != "CustomFieldParameter":
            schema.setdefault("additionalProperties", False)
    schemas["ContactResponse"]["required"] = ["id", "name", "handles", "links", "custom_fields"]
    account = document["paths"]["/accounts"]["post"]["requestBody"]["content"]["application/json"]
    account["schema"] = {**schemas["Account"], "required": ["name"]}
    texts = {name: {"type": "string"} for name in ("title", "message")}
    details = {"type": "array", "items": {"type": "string"}}
    error = {
        "type": "object",
        "required": ["status", "title", "message"],
        "properties": {"status": {"type": "integer"}, **texts, "details": details},
    }
    body = {"type": "object", "required": ["_error"], "properties": {"_error": error}}
    told = {"description": "an error", "content": {"application/json": {"schema": body}}}
    for place in document["paths"].values():
        for operation in place.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", told)
                operation["parameters"] = [
                    components["parameters"][each["$ref"].rpartition("/")[2]]
                    if "$ref" in each
                    else each
                    for each in operation.get("parameters", ())
                ]


def _in_one(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that is made of parts, as one."""
    parts = [schemas[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in schema["allOf"]]
    return {
        "type": "object",
        "required": [name for part in (schema, *parts) for name in part.get("required", ())],
        "properties": {name: each for part in parts for name, each in part["properties"].items()},
    }
