"""HubSpot's calls about properties and their groups: properties v3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from c360_assets_tests.activation.emulators.hubspot_objects import (
    ROWS,
    batch,
    check_distinct,
    check_size,
    row_error,
)
from c360_assets_tests.activation.emulators.hubspot_properties import (
    ValueRefusedError,
    from_request,
    updated,
)
from c360_assets_tests.activation.emulators.hubspot_records import (
    BEGINNING,
    Account,
    Kind,
    RefusedError,
    not_valid,
)

Row: TypeAlias = Mapping[str, Any]
_AT = BEGINNING.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Schema:
    """The calls. Every method returns status and body, or raises `RefusedError`."""

    account: Account

    def properties(self, kind: Kind) -> tuple[int, Any]:
        """All properties."""
        return 200, {"results": [each.document(_AT) for each in kind.properties.values()]}

    def property(self, kind: Kind, name: str) -> tuple[int, Any]:
        """One property."""
        self._check_there(kind, name)
        return 200, kind.properties[name].document(_AT)

    def create(self, kind: Kind, body: Row) -> tuple[int, Any]:
        """Make a property."""
        if body["name"] in kind.properties:
            raise RefusedError(
                409,
                "OBJECT_ALREADY_EXISTS",
                f'A property named "{body["name"]}" already exists.',
                code="PROPERTY_EXISTS",
                context={"name": [body["name"]]},
            )
        self._check_group(kind, body["groupName"])
        try:
            made = from_request(dict(body))
        except ValueRefusedError as problem:
            raise not_valid(problem.code, str(problem), name=body["name"]) from None
        kind.properties[made.name] = made
        return 201, made.document(_AT)

    def create_batch(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Make properties; those that cannot be made are errors."""
        check_size(rows, ROWS)
        check_distinct([row["name"] for row in rows], "names")
        results, errors = [], []
        for row in rows:
            try:
                results.append(self.create(kind, row)[1])
            except RefusedError as refusal:
                refusal.context.setdefault("name", [row["name"]])
                errors.append(row_error(refusal))
        return batch(201, self.account, results, errors)

    def read_batch(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Properties by name; those that there are not are errors."""
        check_size(rows, ROWS)
        names = [row["name"] for row in rows]
        found = [kind.properties[name].document(_AT) for name in names if name in kind.properties]
        absent = [name for name in names if name not in kind.properties]
        errors = [row_error(_no_property(kind, name)) for name in absent]
        return batch(200, self.account, found, errors)

    def update(self, kind: Kind, name: str, body: Row) -> tuple[int, Any]:
        """Change a property of one's own."""
        self._check_there(kind, name)
        if kind.properties[name].is_hubspots:
            raise not_valid("READ_ONLY_DEFINITION", f"{name} is HubSpot's own", name=name)
        self._check_group(kind, body.get("groupName", kind.properties[name].group))
        try:
            kind.properties[name] = updated(kind.properties[name], dict(body))
        except ValueRefusedError as problem:
            raise not_valid(problem.code, str(problem), name=name) from None
        return 200, kind.properties[name].document(_AT)

    def archive(self, kind: Kind, names: list[str]) -> tuple[int, Any]:
        """Take properties of one's own away, with their values."""
        for name in names:
            self._check_there(kind, name)
            if kind.properties[name].is_hubspots:
                raise not_valid("NOT_ARCHIVABLE", f"{name} is HubSpot's own", name=name)
        for name in dict.fromkeys(names):
            del kind.properties[name]
            for record in kind.records.values():
                record.values.pop(name, None)
            for owner in [owner for owner in kind.owners if owner[0] == name]:
                del kind.owners[owner]
        return 204, None

    def groups(self, kind: Kind) -> tuple[int, Any]:
        """All groups."""
        return 200, {"results": list(kind.groups.values())}

    def create_group(self, kind: Kind, body: Row) -> tuple[int, Any]:
        """Make a group."""
        if body["name"] in kind.groups:
            raise RefusedError(
                409, "OBJECT_ALREADY_EXISTS", f"A group named {body['name']} already exists."
            )
        made = {"displayOrder": -1, "archived": False, **body}
        kind.groups[body["name"]] = made
        return 201, made

    def group(self, kind: Kind, name: str) -> tuple[int, Any]:
        """One group."""
        self._check_group(kind, name, 404)
        return 200, kind.groups[name]

    def update_group(self, kind: Kind, name: str, body: Row) -> tuple[int, Any]:
        """Change a group."""
        self._check_group(kind, name, 404)
        kind.groups[name].update(body)
        return 200, kind.groups[name]

    def _check_there(self, kind: Kind, name: str) -> None:
        if name not in kind.properties:
            raise _no_property(kind, name)

    def _check_group(self, kind: Kind, name: str, status: int = 400) -> None:
        if name not in kind.groups:
            category = "VALIDATION_ERROR" if status == 400 else "OBJECT_NOT_FOUND"
            raise RefusedError(status, category, f"{kind.name} have no group {name}.")


def _no_property(kind: Kind, name: str) -> RefusedError:
    message = f"{kind.name} have no property {name}."
    return RefusedError(404, "OBJECT_NOT_FOUND", message, context={"name": [name]})
