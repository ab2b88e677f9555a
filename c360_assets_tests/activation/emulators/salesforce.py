"""A Salesforce org in miniature, served over HTTP: what tests of the destination talk to.

Salesforce publishes no OpenAPI description: every request and every answer is checked against one
that was written by hand after its guides (`salesforce_by_hand.openapi.json`). State is kept in
`salesforce_org`, faults are injected by `faults`; here are routes, sessions and limits.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from c360_assets_tests.activation.emulators.faults import Call, Fault, Wire
from c360_assets_tests.activation.emulators.salesforce_jobs import Jobs
from c360_assets_tests.activation.emulators.salesforce_org import (
    Record,
    RefusedCallError,
    RowRule,
    new_org,
)
from c360_assets_tests.activation.emulators.salesforce_records import Records
from c360_assets_tests.activation.emulators.salesforce_setup import Setup
from c360_assets_tests.activation.emulators.salesforce_soap import Soap
from c360_assets_tests.activation.emulators.server import Server
from c360_assets_tests.activation.emulators.specs import load_spec

SPEC = Path(__file__).with_name("salesforce_by_hand.openapi.json")
TOKEN = "00Dxx0000000001!for.tests"
CLIENT_ID, CLIENT_SECRET = "consumer-key", "consumer-secret-for-tests"
MOST_URL_BYTES = 16_384
PERMISSION_SET_QUERY = "SELECT Id FROM PermissionSet WHERE Name = "


@dataclass(frozen=True)
class Text:
    """An answer that is no JSON."""

    media: str
    text: str


Endpoint: TypeAlias = Callable[[Request, bytes], tuple[int, Any]]


class SalesforceEmulator:
    """One org. Use it as a context; `url` and `token` are what a client needs.

    `calls_per_day` are allowed, of which `used` were made by others. With `like` it has the fields
    and permissions of another org from the start, and none of its records.
    """

    def __init__(
        self,
        *,
        calls_per_day: int = 1_000_000,
        used: int = 0,
        like: SalesforceEmulator | None = None,
    ) -> None:
        self.token: str | None = TOKEN
        self.calls_per_day, self.used = calls_per_day, used
        self.violations: list[str] = []
        self.own_violations: list[str] = []
        self.tokens_given = 0
        self.lock = threading.RLock()
        self.org = new_org()
        self.records_api, self.setup = Records(self.org), Setup(self.org)
        if like is not None:
            self.org.visible = set(like.org.visible)
            for name, kind in like.org.kinds.items():
                self.org.kinds[name].fields = dict(kind.fields)
            self.setup.sets, self.setup.granted = dict(like.setup.sets), set(like.setup.granted)
            self.setup.assigned, self.setup.made = set(like.setup.assigned), like.setup.made
        self.jobs, self._soap = Jobs(self.org), Soap(self.org)
        self._spec = load_spec(SPEC, inline_parameters)
        routes = [
            Route(path, self._guarded(answer), methods=[method])
            for method, path, answer in self._endpoints()
        ]
        nowhere = {404: self._nowhere, 405: self._nowhere}
        self.wire = Wire(Starlette(routes=routes, exception_handlers=nowhere))
        self._server = Server(self.wire)
        self.url = self._server.url

    def __enter__(self) -> SalesforceEmulator:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    # --- for tests -----------------------------------------------------------------------------

    def records(self, object_: str) -> dict[str, dict[str, Any]]:
        """The values of all records that there are, by id."""
        with self.lock:
            return {each.id: dict(each.values) for each in self.org.kind(object_).living()}

    def deleted(self, object_: str) -> dict[str, Record]:
        """The deleted records, by id, those that are purged, too."""
        with self.lock:
            found = self.org.kind(object_).records
            return {id_: each for id_, each in found.items() if each.is_deleted}

    def add(self, object_: str, **values: Any) -> str:
        """A record that somebody else made; its id."""
        with self.lock:
            return self.org.create(self.org.kind(object_), values, by_us=False).id

    def edit(self, object_: str, id_: str, **values: Any) -> None:
        """A salesperson's edit; None clears."""
        with self.lock:
            kind = self.org.kind(object_)
            self.org.update(kind, self.org.living(kind, id_), values, by_us=False)

    def remove(self, object_: str, id_: str) -> None:
        """A salesperson deletes a record."""
        with self.lock:
            kind = self.org.kind(object_)
            self.org.delete(kind, self.org.living(kind, id_))

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

    def reject(self, takes: RowRule, message: str) -> None:
        """Refuse rows: `takes` gets the object's name and the record as it would be."""
        with self.lock:
            self.org.rejections.append((takes, message))

    def mend(self) -> None:
        """No more faults and rejections."""
        with self.lock:
            self.org.rejections.clear()
            self.wire.mend()

    def settle(self) -> None:
        """Wait until no call is under way."""
        self.wire.settle()

    def expire(self) -> None:
        """End the session."""
        with self.lock:
            self.token = None

    # --- routes --------------------------------------------------------------------------------

    def _endpoints(self) -> list[tuple[str, str, Endpoint]]:
        top = "/services/data/{version}"
        job, jobs, records = f"{top}/jobs/ingest/{{id}}", self.jobs, self.records_api
        results = ("successfulResults", "failedResults", "unprocessedrecords")
        return [
            ("POST", "/services/oauth2/token", self._session),
            ("POST", "/services/Soap/u/{number}", self._envelope),
            ("GET", f"{top}/sobjects/{{object}}/describe", lambda r, _: (200, self._described(r))),
            (
                "POST",
                f"{top}/sobjects/{{object}}",
                lambda r, c: (201, self.setup.create(_in(r, "object"), json.loads(c))),
            ),
            (
                "POST",
                f"{top}/tooling/sobjects/CustomField",
                lambda r, c: (201, self.setup.create_field(json.loads(c))),
            ),
            (
                "PATCH",
                f"{top}/composite/sobjects/{{object}}/{{field}}",
                lambda r, c: (
                    200,
                    records.upsert(_in(r, "object"), _in(r, "field"), json.loads(c)),
                ),
            ),
            (
                "POST",
                f"{top}/composite/sobjects/{{object}}",
                lambda r, c: (200, records.retrieve(_in(r, "object"), json.loads(c))),
            ),
            (
                "PATCH",
                f"{top}/composite/sobjects",
                lambda r, c: (200, records.update(json.loads(c))),
            ),
            (
                "DELETE",
                f"{top}/composite/sobjects",
                lambda r, _: (200, records.delete(r.query_params["ids"].split(","))),
            ),
            ("GET", f"{top}/query", lambda r, _: (200, self._found(r))),
            (
                "GET",
                f"{top}/queryAll",
                lambda r, _: (200, records.query(r.query_params["q"], with_deleted=True)),
            ),
            ("GET", f"{top}/query/{{page}}", lambda r, _: (200, records.more(_in(r, "page")))),
            ("POST", f"{top}/jobs/ingest", lambda r, c: (200, jobs.create(json.loads(c)))),
            ("GET", job, lambda r, _: (200, jobs.look(_in(r, "id")))),
            (
                "PATCH",
                job,
                lambda r, c: (200, jobs.change(_in(r, "id"), json.loads(c)["state"])),
            ),
            ("PUT", f"{job}/batches", self._upload),
            *(("GET", f"{job}/{what}", self._results(what)) for what in results),
        ]

    def _upload(self, request: Request, content: bytes) -> tuple[int, Any]:
        self.jobs.upload(_in(request, "id"), content)
        return 201, None

    def _results(self, what: str) -> Endpoint:
        return lambda r, _: (200, Text("text/csv", self.jobs.results(_in(r, "id"), what)))

    def _described(self, request: Request) -> Any:
        return self.setup.describe(_in(request, "object"))

    def _found(self, request: Request) -> Any:
        soql = request.query_params["q"]
        if soql.startswith(PERMISSION_SET_QUERY):
            return self.setup.permission_sets(soql.removeprefix(PERMISSION_SET_QUERY).strip("'"))
        return self.records_api.query(soql)

    def _session(self, request: Request, content: bytes) -> tuple[int, Any]:
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            told = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return 400, told
        self.tokens_given += 1
        self.token = f"{TOKEN}.{self.tokens_given}"
        return 200, {
            "access_token": self.token,
            "instance_url": self.url,
            "id": f"{self.url}/id/00Dxx0000000001/005xx0000000001",
            "token_type": "Bearer",
            "issued_at": "1700000000000",
            "signature": "c2lnbmF0dXJl",
        }

    def _envelope(self, request: Request, content: bytes) -> tuple[int, Any]:
        if "soapaction" not in request.headers:
            return 500, Text("text/xml", "<no-soap-action/>")
        status, envelope = self._soap.answer(content, self.token)
        return status, Text("text/xml", envelope)

    # --- answering -----------------------------------------------------------------------------

    def _guarded(self, answer: Endpoint) -> Any:
        """An endpoint behind the session, the limit and the description."""

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            with self.lock:
                headers = self._count(request.url.path)
                status, body = self._answer(request, content, answer)
                sent, media = _as_bytes(body)
                path, method = request.url.path, request.method
                self.own_violations += self._spec.of_answer(method, path, status, sent, media)
            return Response(sent, status, headers, media)

        return endpoint

    def _answer(self, request: Request, content: bytes, answer: Endpoint) -> tuple[int, Any]:
        path = request.url.path
        try:
            if path.startswith("/services/data/"):
                self._check_session(request)
                self._check_limit()
            if len(str(request.url)) > MOST_URL_BYTES:
                raise RefusedCallError(414, "URI_TOO_LONG", "the address is too long")
            query = request.query_params.multi_items()
            kind = request.headers.get("content-type", "application/json").split(";")[0]
            if wrong := self._spec.of_request(request.method, path, query, content, kind):
                self.violations += wrong
                raise RefusedCallError(400, "JSON_PARSER_ERROR", "; ".join(wrong))
            return answer(request, content)
        except RefusedCallError as refusal:
            return refusal.status, [{"message": refusal.message, "errorCode": refusal.code}]
        except Exception:
            self.own_violations.append(traceback.format_exc())
            told = "the emulator broke; see own_violations"
            return 500, [{"message": told, "errorCode": "UNKNOWN_EXCEPTION"}]

    def _check_session(self, request: Request) -> None:
        if self.token is None or request.headers.get("authorization") != f"Bearer {self.token}":
            told = "Session expired or invalid"
            raise RefusedCallError(401, "INVALID_SESSION_ID", told)

    def _count(self, path: str) -> Mapping[str, str]:
        if not path.startswith("/services/data/"):
            return {}
        self.used += 1
        return {"Sforce-Limit-Info": f"api-usage={self.used}/{self.calls_per_day}"}

    def _check_limit(self) -> None:
        if self.used > self.calls_per_day:
            told = "TotalRequests Limit exceeded."
            raise RefusedCallError(403, "REQUEST_LIMIT_EXCEEDED", told)

    async def _nowhere(self, request: Request, _: Exception) -> Response:
        told = f"{request.method} {request.url.path}: the emulated org has no such call"
        with self.lock:
            self.violations.append(told)
        body = [{"message": told, "errorCode": "NOT_FOUND"}]
        return Response(json.dumps(body), 404, media_type="application/json")


def _in(request: Request, name: str) -> str:
    text: str = request.path_params[name]
    return text


def _as_bytes(body: Any) -> tuple[bytes, str]:
    if isinstance(body, Text):
        return body.text.encode(), body.media
    return (b"" if body is None else json.dumps(body).encode()), "application/json"


def inline_parameters(document: dict[str, Any]) -> None:
    """Write shared parameters out where they are named, which is where `specs` looks for them."""
    shared = document["components"]["parameters"]
    for calls in document["paths"].values():
        for call in calls.values():
            call["parameters"] = [
                shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                for each in call.get("parameters", ())
            ]
