"""Checks requests and answers against a vendor's published OpenAPI description.

Belongs here: `openapi-core`. Not here: what a vendor does with a request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jsonschema_path import SchemaPath
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.datatypes import PathOperationServer
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.paths.finders import APICallPathFinder
from openapi_core.validation.request.validators import (
    V30RequestBodyValidator,
    V30RequestParametersValidator,
)
from openapi_core.validation.response.validators import V30ResponseDataValidator
from werkzeug.datastructures import Headers, ImmutableMultiDict

Amend = Callable[[dict[str, Any]], None]
JSON = "application/json"
# paths, and verdicts on requests and answers, that are remembered: tests repeat each other's calls
REMEMBERED = 2000


@dataclass
class Asked:
    """A request as `openapi-core` wants to see it."""

    host_url: str
    method: str
    path: str
    query: Iterable[tuple[str, str]]
    body: bytes
    content_type: str = JSON

    def __post_init__(self) -> None:
        """Derive the parameters; those of the path are found by the validator."""
        self.method = self.method.lower()
        self.parameters = RequestParameters(
            path={}, query=ImmutableMultiDict(list(self.query)), header=Headers()
        )


@dataclass
class Answered:
    """An answer as `openapi-core` wants to see it."""

    status_code: int
    data: bytes
    content_type: str = JSON

    @property
    def headers(self) -> Mapping[str, str]:
        """No header of an answer is described."""
        return {}


class Finder(APICallPathFinder):
    """Remembers what it found: each validator looks for the same operation again."""

    def __init__(self, spec: SchemaPath, base_url: str | None = None) -> None:
        super().__init__(spec, base_url)
        self._remembered = lru_cache(REMEMBERED)(super().find)

    def find(self, method: str, name: str) -> PathOperationServer:
        return self._remembered(method, name)


class Spec:
    """One published description, read once (see `load_spec`).

    A verdict depends on what is judged and on nothing else, so that it is remembered.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        path = SchemaPath.from_dict(document)
        self._host: str = document["servers"][0]["url"]
        self._paths = Finder(path)
        self._body = V30RequestBodyValidator(path, path_finder_cls=Finder)
        self._parameters = V30RequestParametersValidator(path, path_finder_cls=Finder)
        self._answer = V30ResponseDataValidator(path, path_finder_cls=Finder)
        self._request_verdict = lru_cache(REMEMBERED)(self._judge_request)
        self._answer_verdict = lru_cache(REMEMBERED)(self._judge_answer)

    def of_request(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]],
        body: bytes,
        content_type: str = JSON,
    ) -> list[str]:
        """What is wrong with a request, in sentences; empty where nothing is."""
        return list(self._request_verdict(method, path, tuple(query), body, content_type))

    def _judge_request(
        self, method: str, path: str, query: tuple[tuple[str, str], ...], body: bytes, media: str
    ) -> list[str]:
        asked = Asked(self._host, method, path, query, body, media)
        try:
            operation = self._paths.find(asked.method, self._host + path).operation
        except PathError as error:
            return [f"{method} {path}: {error}"]
        described = operation.read_value().get("parameters", ())
        known = {each["name"] for each in described if each["in"] == "query"}
        unknown = sorted({name for name, _ in asked.query} - known)
        told = [f"unknown parameters {unknown}; there are {sorted(known)}"] if unknown else []
        errors = [*self._parameters.iter_errors(asked), *self._body.iter_errors(asked)]
        told += [each for error in errors for each in _told(error)]
        return [f"{method} {path}: {each}" for each in told]

    def of_answer(
        self, method: str, path: str, status: int, body: bytes, content_type: str = JSON
    ) -> list[str]:
        """What is wrong with an answer, in sentences; empty where nothing is."""
        return list(self._answer_verdict(method, path, status, body, content_type))

    def _judge_answer(
        self, method: str, path: str, status: int, body: bytes, media: str
    ) -> list[str]:
        asked = Asked(self._host, method, path, [], b"")
        where = f"{method} {path} -> {status}"
        try:
            operation = self._paths.find(asked.method, self._host + path).operation
        except PathError as error:
            return [f"{where}: {error}"]
        described = (operation / "responses").read_value()
        if status < 400 and str(status) not in described:
            return [f"{where}: the description has {sorted(described)} alone"]
        told = described.get(str(status))
        if told is not None and "$ref" not in told and not told.get("content"):
            return [f"{where}: has a body where none is described"] if body else []
        errors = self._answer.iter_errors(asked, Answered(status, body, media))
        return [f"{where}: {each}" for error in errors for each in _told(error)]


def _told(error: BaseException) -> list[str]:
    """An error of `openapi-core` with the places in the body that it speaks of."""
    cause = error.__cause__ or error
    schema_errors = list(getattr(cause, "schema_errors", ()) or ())
    if not schema_errors:
        return [str(error) if cause is error else f"{error}: {cause}"]
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in schema_errors]


@cache
def load_spec(path: Path, amend: Amend | None = None) -> Spec:
    """The description in a file; `amend` mends what the vendor's servers are known to do else."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if amend is not None:
        amend(document)
    return Spec(document)
