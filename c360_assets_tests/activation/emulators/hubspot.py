"""A HubSpot account in miniature, served over HTTP: what tests of the destination talk to.

Every request and every answer is checked against HubSpot's published OpenAPI descriptions. State
is kept in `hubspot_records`, faults are injected by `faults`; here are routes, keys and limits.
"""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.faults import Answer, Call, Fault, Wire
from c360_assets_tests.activation.emulators.hubspot_associations import Associations
from c360_assets_tests.activation.emulators.hubspot_objects import Objects, Rejection, RowRule
from c360_assets_tests.activation.emulators.hubspot_records import Account, Record, RefusedError
from c360_assets_tests.activation.emulators.hubspot_routes import Hubspot, endpoints
from c360_assets_tests.activation.emulators.hubspot_schema import Schema
from c360_assets_tests.activation.emulators.server import Server
from c360_assets_tests.activation.emulators.specs import Spec, load_spec

TOKEN = "pat-na1-for-tests"
LABELS = "/crm/v4/associations/{fromObjectType}/{toObjectType}/labels"
WINDOW_SECONDS = 10.0
SEARCH_WINDOW_SECONDS = 1.0


class HubspotEmulator:
    """One account. Use it as a context; `url` and `token` are what a client needs.

    `calls_per_window` are allowed within 10 seconds (100 or 190 in HubSpot, by plan), and
    `searches_per_second`. With `merge_gives_new_id` a merge makes a record with an id of its own,
    as HubSpot does since 2025; else the primary one's stays. `custom_objects` have routes like
    companies. `clock` is for the limits alone; records have a clock of their own that ticks with
    every write.
    """

    def __init__(
        self,
        specs: Path,
        *,
        calls_per_window: int = 100,
        searches_per_second: int = 4,
        merge_gives_new_id: bool = False,
        custom_objects: Iterable[str] = ("workspaces",),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.token = TOKEN
        self.calls_per_window = calls_per_window
        self.searches_per_second = searches_per_second
        self.violations: list[str] = []
        self.own_violations: list[str] = []
        self.lock = threading.RLock()
        self.account = Account(custom_objects, merge_gives_new_id)
        self.links = Associations(self.account)
        links = self.links
        objects = Objects(self.account, links.associate, links.move, links.drop)
        self._parts = Hubspot(self.account, objects, links, Schema(self.account))
        self._clock, self._calls, self._searches = clock, deque[float](), deque[float]()
        self._specs = {
            name: load_spec(specs / f"{name}.json", amend)
            for name in ("contacts", "companies", "properties", "associations")
        }
        self._correlations = 0
        routes = [
            Route(path, self._guarded(answer), methods=[method])
            for method, path, answer in endpoints(self._parts)
        ]
        nowhere = {404: self._nowhere, 405: self._nowhere}
        self.wire = Wire(Starlette(routes=routes, exception_handlers=nowhere))
        self._server = Server(self.wire)
        self.url = self._server.url

    def __enter__(self) -> HubspotEmulator:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    # --- for tests -----------------------------------------------------------------------------

    def records(self, object_: str) -> dict[str, dict[str, str]]:
        """The values of all records that there are, by id."""
        with self.lock:
            found = self.account.kind(object_).records.values()
            return {each.id: dict(each.values) for each in found if each.archived_at is None}

    def archived(self, object_: str) -> dict[str, dict[str, str]]:
        """The values of archived records, by id."""
        with self.lock:
            found = self.account.kind(object_).records.values()
            return {each.id: dict(each.values) for each in found if each.archived_at}

    def add(self, object_: str, **properties: str) -> str:
        """A record that somebody else made; its id."""
        with self.lock:
            return self.account.create(self.account.kind(object_), properties).id

    def edit(self, object_: str, id_: str, **properties: str) -> None:
        """A salesperson's edit; an empty text clears."""
        with self.lock:
            kind = self.account.kind(object_)
            self.account.update(kind, self._record(object_, id_), properties)

    def merge(self, object_: str, kept: str, gone: str) -> None:
        """A salesperson merges two records."""
        with self.lock:
            kind = self.account.kind(object_)
            self._parts.objects.merge(kind, {"primaryObjectId": kept, "objectIdToMerge": gone})

    def remove(self, object_: str, id_: str) -> None:
        """A salesperson takes a record away."""
        with self.lock:
            kind, record = self.account.kind(object_), self._record(object_, id_)
            self._parts.objects.archive(kind, [{"id": record.id}])

    def associations(self) -> set[tuple[str, str, str, str, int]]:
        """All links, from either end: object and id from, object and id to, number of the type."""
        with self.lock:
            return {
                (*one, *other, number)
                for one, others in self.links.links.items()
                for other, numbers in others.items()
                for number in numbers
            }

    def add_label(self, from_: str, to: str, label: str, inverse_label: str | None = None) -> int:
        """A USER_DEFINED association type, as made in the settings; its number."""
        with self.lock:
            return self.links.add_label(from_, to, label, inverse_label)

    def calls(self, method: str | None = None, path_part: str = "") -> list[Call]:
        """The calls so far, those refused and those that failed, too."""
        found = list(self.wire.calls)
        return [c for c in found if method in (None, c.method) and path_part in c.path]

    def fault(
        self,
        fault: Fault,
        *,
        path: str = "",
        method: str | None = None,
        nth: int | Collection[int] | None = 1,
    ) -> None:
        """Let the n-th call from now that matches fail (None: every one); see `faults`."""
        self.wire.fault(fault, path=path, method=method, nth=nth)

    def reject(self, takes: RowRule, message: str, code: str = "REJECTED") -> None:
        """Refuse rows of batches: `takes` gets the object's name and the row as it was sent."""
        with self.lock:
            self._parts.objects.rejections.append(Rejection(takes, message, code))

    def mend(self) -> None:
        """No more faults and rejections."""
        with self.lock:
            self._parts.objects.rejections.clear()
            self.wire.mend()

    def settle(self) -> None:
        """Wait until no call is under way: after a time-out the emulator may still be at work."""
        self.wire.settle()

    def _record(self, object_: str, id_: str) -> Record:
        record = self.account.resolve(self.account.kind(object_), id_)
        if record is None:
            raise LookupError(f"no {object_} with the id {id_}")
        return record

    # --- answering -----------------------------------------------------------------------------

    def _guarded(self, answer: Callable[[Request, Any], tuple[int, Any]]) -> Any:
        """An endpoint behind the key, the limit and the published description."""

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            with self.lock:
                headers = self._count(request.url.path)
                status, body = self._answer(request, content, answer, headers)
                sent = b"" if body is None else json.dumps(body).encode()
                spec, path = self._spec_of(request.url.path)
                self.own_violations += spec.of_answer(request.method, path, status, sent)
            media = None if body is None else "application/json"
            return Response(sent, status, headers, media)

        return endpoint

    def _answer(
        self,
        request: Request,
        content: bytes,
        answer: Callable[[Request, Any], tuple[int, Any]],
        headers: Mapping[str, str],
    ) -> tuple[int, Any]:
        try:
            self._check_key(request)
            self._check_limit(request.url.path)
            spec, path = self._spec_of(request.url.path)
            query = request.query_params.multi_items()
            kind = request.headers.get("content-type", "").split(";")[0]
            wrong = spec.of_request(request.method, path, query, content, kind)
            if wrong:
                self.violations += wrong
                raise RefusedError(
                    400, "VALIDATION_ERROR", f"Invalid input JSON: {'; '.join(wrong)}"
                )
            return answer(request, json.loads(content) if content else None)
        except RefusedError as refusal:
            return refusal.status, self._error(refusal)
        except Exception:
            self.own_violations.append(traceback.format_exc())
            broken = RefusedError(500, "INTERNAL_ERROR", "the emulator broke; see own_violations")
            return 500, self._error(broken)

    def _error(self, refusal: RefusedError) -> dict[str, Any]:
        self._correlations += 1
        body: dict[str, Any] = {
            "status": "error",
            "message": refusal.message,
            "correlationId": str(uuid.UUID(int=self._correlations, version=4)),
            "category": refusal.category,
        }
        if refusal.context:
            body["context"] = refusal.context
        return {**body, "errors": refusal.details} if refusal.details else body

    def _check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise RefusedError(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            )

    def _count(self, path: str) -> dict[str, str]:
        """Count a call; the headers that tell what is left (searches have none)."""
        now = self._clock()
        self._calls.append(now)
        while self._calls[0] <= now - WINDOW_SECONDS:
            self._calls.popleft()
        if path.endswith("/search"):
            self._searches.append(now)
            while self._searches[0] <= now - SEARCH_WINDOW_SECONDS:
                self._searches.popleft()
            return {}
        left = max(self.calls_per_window - len(self._calls), 0)
        return {
            "X-HubSpot-RateLimit-Max": str(self.calls_per_window),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(WINDOW_SECONDS * 1000)),
        }

    def _check_limit(self, path: str) -> None:
        policy = None
        if len(self._calls) > self.calls_per_window:
            policy = "ten_secondly_rolling"
        elif path.endswith("/search") and len(self._searches) > self.searches_per_second:
            policy = "secondly"
        if policy is not None:
            message = f"You have reached your {policy} limit."
            context = {"policyName": [policy.upper()]}
            raise RefusedError(429, "RATE_LIMITS", message, code="RATE_LIMIT", context=context)

    def _spec_of(self, path: str) -> tuple[Spec, str]:
        """The description of a path; other objects than contacts are described like companies."""
        if path.startswith("/crm/v3/properties/"):
            return self._specs["properties"], path
        found = re.fullmatch(r"/crm/v3/objects/([^/]+)(.*)", path)
        if found is None:
            return self._specs["associations"], path
        try:
            name = self.account.kind(found[1]).name
        except RefusedError:
            name = "companies"
        name = name if name == "contacts" else "companies"
        return self._specs[name], f"/crm/v3/objects/{name}{found[2]}"

    async def _nowhere(self, request: Request, _: Exception) -> Response:
        told = f"{request.method} {request.url.path}: HubSpot has no such call"
        with self.lock:
            self.violations.append(told)
            body = self._error(RefusedError(404, "NOT_FOUND", told))
        return Response(json.dumps(body), 404, media_type="application/json")


def empty_results(*, applied: bool) -> Fault:
    """200 with an empty list of results, though the call was carried out, or was not."""
    at = "2026-01-01T00:00:00.000Z"
    body = {"status": "COMPLETE", "results": [], "startedAt": at, "completedAt": at}
    return replace(faults.answering(200, body, applied=applied), name="empty_results")


def without_results_of(takes: Callable[[dict[str, Any]], bool]) -> Fault:
    """The answer without some results: carried out, but not told."""

    def cut(answer: Answer) -> Answer:
        body = answer.json
        body["results"] = [each for each in body["results"] if not takes(each)]
        return replace(answer, body=json.dumps(body).encode())

    return replace(faults.changed(cut), name="without_results_of")


def amend(document: dict[str, Any]) -> None:
    """Mend the published description where HubSpot's servers are known to do otherwise.

    Properties asked for that are empty come as null, labels of unlabelled associations too; an
    error has a status. Fields that are not described are refused: the description allows them.
    """
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    schemas["Error"]["properties"]["status"] = {"type": "string"}
    for name in ("", "WithAssociations", "Upsert"):
        shown = "SimplePublicUpsertObject" if name == "Upsert" else f"SimplePublicObject{name}"
        if shown in schemas:
            values = schemas[shown]["properties"]["properties"]
            values["additionalProperties"]["nullable"] = True
    if "AssociationSpecWithLabel" in schemas:
        schemas["AssociationSpecWithLabel"]["properties"]["label"]["nullable"] = True
        document["paths"][LABELS] = _labels(document)


def _labels(document: dict[str, Any]) -> dict[str, Any]:
    """The calls about labels, from HubSpot's page on them: its own description is another file."""
    create = document["paths"][LABELS.removesuffix("labels") + "batch/create"]["post"]
    ends, error = create["parameters"], create["responses"]["default"]
    types = {
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/AssociationSpecWithLabel"},
            }
        },
    }
    asked = {
        "type": "object",
        "required": ["label", "name"],
        "properties": {name: {"type": "string"} for name in ("label", "name", "inverseLabel")},
        "additionalProperties": False,
    }
    told = {"description": "the types", "content": {"application/json": {"schema": types}}}
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    return {
        "get": {"parameters": ends, "responses": {"200": told, "default": error}},
        "post": {
            "parameters": ends,
            "requestBody": body,
            "responses": {"201": told, "default": error},
        },
    }
