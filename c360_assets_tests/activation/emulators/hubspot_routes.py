"""Which path of HubSpot's interface is which call of the emulated account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.requests import Request

from c360_assets_tests.activation.emulators.hubspot_associations import Associations
from c360_assets_tests.activation.emulators.hubspot_objects import Objects
from c360_assets_tests.activation.emulators.hubspot_records import Account, Kind
from c360_assets_tests.activation.emulators.hubspot_schema import Schema
from c360_assets_tests.activation.emulators.hubspot_search import listed, search

Endpoint: TypeAlias = Callable[[Request, Any], tuple[int, Any]]
Routes: TypeAlias = list[tuple[str, str, Endpoint]]


@dataclass(frozen=True)
class Hubspot:
    """The parts of the emulated account."""

    account: Account
    objects: Objects
    links: Associations
    schema: Schema

    def kind(self, request: Request) -> Kind:
        """The object type in the path."""
        return self.account.kind(request.path_params["object"])

    def ends(self, request: Request) -> tuple[Kind, Kind]:
        """The object types of both ends in the path."""
        parameters = request.path_params
        return self.account.kind(parameters["from"]), self.account.kind(parameters["to"])


def endpoints(hubspot: Hubspot) -> Routes:
    """Method, path and call, the narrower paths before the wider ones."""
    return [*_of_objects(hubspot), *_of_properties(hubspot), *_of_associations(hubspot)]


def _of_objects(hubspot: Hubspot) -> Routes:
    objects, kind = hubspot.objects, hubspot.kind
    top = "/crm/v3/objects/{object}"

    def read(request: Request, body: Any) -> tuple[int, Any]:
        return objects.read(kind(request), body, _flag(request, "archived"))

    def get(request: Request, body: Any) -> tuple[int, Any]:
        by, archived = request.query_params.get("idProperty"), _flag(request, "archived")
        return objects.get(kind(request), _id(request), by, _names(request), archived)

    def patch(request: Request, body: Any) -> tuple[int, Any]:
        by = request.query_params.get("idProperty")
        return objects.update_one(kind(request), _id(request), by, body)

    def list_(request: Request, body: Any) -> tuple[int, Any]:
        return listed(objects, kind(request), request.query_params, _names(request))

    return [
        ("POST", f"{top}/batch/upsert", lambda r, b: objects.upsert(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/update", lambda r, b: objects.update(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/create", lambda r, b: objects.create(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/archive", lambda r, b: objects.archive(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/read", read),
        ("POST", f"{top}/merge", lambda r, b: objects.merge(kind(r), b)),
        ("POST", f"{top}/gdpr-delete", lambda r, b: objects.gdpr_delete(kind(r), b)),
        ("POST", f"{top}/search", lambda r, b: search(objects, kind(r), b)),
        ("GET", f"{top}/{{id}}", get),
        ("PATCH", f"{top}/{{id}}", patch),
        ("DELETE", f"{top}/{{id}}", lambda r, b: objects.archive_one(kind(r), _id(r))),
        ("GET", top, list_),
        ("POST", top, lambda r, b: objects.create_one(kind(r), b)),
    ]


def _of_properties(hubspot: Hubspot) -> Routes:
    schema, kind = hubspot.schema, hubspot.kind
    top = "/crm/v3/properties/{object}"

    def archive(request: Request, body: Any) -> tuple[int, Any]:
        return schema.archive(kind(request), [row["name"] for row in body["inputs"]])

    return [
        ("POST", f"{top}/batch/create", lambda r, b: schema.create_batch(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/read", lambda r, b: schema.read_batch(kind(r), b["inputs"])),
        ("POST", f"{top}/batch/archive", archive),
        ("GET", f"{top}/groups", lambda r, b: schema.groups(kind(r))),
        ("POST", f"{top}/groups", lambda r, b: schema.create_group(kind(r), b)),
        ("GET", f"{top}/groups/{{id}}", lambda r, b: schema.group(kind(r), _id(r))),
        ("PATCH", f"{top}/groups/{{id}}", lambda r, b: schema.update_group(kind(r), _id(r), b)),
        ("GET", f"{top}/{{id}}", lambda r, b: schema.property(kind(r), _id(r))),
        ("PATCH", f"{top}/{{id}}", lambda r, b: schema.update(kind(r), _id(r), b)),
        ("DELETE", f"{top}/{{id}}", lambda r, b: schema.archive(kind(r), [_id(r)])),
        ("GET", top, lambda r, b: schema.properties(kind(r))),
        ("POST", top, lambda r, b: schema.create(kind(r), b)),
    ]


def _of_associations(hubspot: Hubspot) -> Routes:
    links, ends = hubspot.links, hubspot.ends
    top = "/crm/v4/associations/{from}/{to}/batch"
    one = "/crm/v4/objects/{from}/{id}/associations"

    def row(request: Request, types: Any = None) -> dict[str, Any]:
        to = {"id": request.path_params["to_id"]}
        return {"from": {"id": _id(request)}, "to": to, "types": types}

    def of_one(request: Request, body: Any) -> tuple[int, Any]:
        from_, to = ends(request)
        return 200, {"results": links.of(from_, _id(request), to)}

    def archive(request: Request, body: Any) -> tuple[int, Any]:
        asked = row(request)
        return links.archive(*ends(request), [{**asked, "to": [asked["to"]]}])

    labels = top.removesuffix("/batch") + "/labels"
    return [
        ("GET", labels, lambda r, b: links.labels(*ends(r))),
        ("POST", labels, lambda r, b: links.create_label(*ends(r), b)),
        ("POST", f"{top}/create", lambda r, b: links.create(*ends(r), b["inputs"])),
        (
            "POST",
            f"{top}/associate/default",
            lambda r, b: links.associate_default(*ends(r), b["inputs"]),
        ),
        ("POST", f"{top}/read", lambda r, b: links.read(*ends(r), b["inputs"])),
        ("POST", f"{top}/archive", lambda r, b: links.archive(*ends(r), b["inputs"])),
        ("POST", f"{top}/labels/archive", lambda r, b: links.archive_labels(*ends(r), b["inputs"])),
        (
            "PUT",
            f"{one}/default/{{to}}/{{to_id}}",
            lambda r, b: links.associate_default(*ends(r), [row(r)]),
        ),
        ("GET", f"{one}/{{to}}", of_one),
        ("PUT", f"{one}/{{to}}/{{to_id}}", lambda r, b: links.put(*ends(r), row(r, b))),
        ("DELETE", f"{one}/{{to}}/{{to_id}}", archive),
    ]


def _id(request: Request) -> str:
    text: str = request.path_params["id"]
    return text


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "false").lower() == "true"


def _names(request: Request) -> list[str]:
    texts = request.query_params.getlist("properties")
    return [name for text in texts for name in text.split(",") if name]
