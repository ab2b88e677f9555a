"""The set-up of an emulated Salesforce org: describe, custom fields, permission sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from c360_assets_tests.activation.emulators.salesforce_org import (
    Field,
    Kind,
    Org,
    RefusedCallError,
    with_suffix,
)

USER_ID = with_suffix("005000000000001")
# the types of the metadata interface, as `describe` calls them
_TYPES = {
    "Text": "string",
    "Number": "double",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Lookup": "reference",
}
_NEEDED = {
    "Text": ("length",),
    "Number": ("precision", "scale"),
    "Checkbox": ("defaultValue",),
    "Lookup": ("referenceTo", "relationshipName"),
}


@dataclass
class Setup:
    """A field is seen once a permission set that is assigned to the user says so."""

    org: Org
    sets: dict[str, str] = field(default_factory=dict)
    assigned: set[tuple[str, str]] = field(default_factory=set)
    granted: set[tuple[str, str]] = field(default_factory=set)
    made: int = 0

    def describe(self, object_: str) -> Any:
        """What there is of an object, as the user sees it."""
        kind = self.org.kind(object_)
        children = [
            {
                "childSObject": other.name,
                "field": each.name,
                "cascadeDelete": self._goes(kind, each),
            }
            for other in self.org.kinds.values()
            for each in self.org.seen(other).values()
            if each.reference_to == kind.name
        ]
        return {
            "name": kind.name,
            "custom": kind.name.endswith("__c"),
            "fields": [_told(each) for each in self.org.seen(kind).values()],
            "childRelationships": children,
        }

    def create_field(self, body: Mapping[str, Any]) -> Any:
        """Make a custom field that nobody sees yet."""
        object_, _, name = body["FullName"].partition(".")
        kind, metadata = self.org.kind(object_), body["Metadata"]
        type_ = metadata["type"]
        if type_ not in _TYPES or not re.fullmatch(r"[A-Za-z]\w*__c", name):
            raise RefusedCallError(400, "INVALID_FIELD_TYPE", f"{name}: {type_} is not supported")
        if missing := [each for each in _NEEDED.get(type_, ()) if each not in metadata]:
            told = f"Required fields are missing: [{', '.join(missing)}]"
            raise RefusedCallError(400, "REQUIRED_FIELD_MISSING", told)
        if name in kind.fields:
            told = f"There is already a field named {name} on {object_}."
            raise RefusedCallError(400, "DUPLICATE_DEVELOPER_NAME", told)
        if type_ == "Lookup":
            self.org.kind(metadata["referenceTo"])
        kind.fields[name] = Field(
            name,
            _TYPES[type_],
            int(metadata.get("length", 18)),
            is_unique=bool(metadata.get("unique")),
            is_external_id=bool(metadata.get("externalId")),
            reference_to=metadata.get("referenceTo"),
        )
        if type_ == "Checkbox":
            for record in kind.records.values():
                record.values[name] = False
        return self._made("00N")

    def create(self, object_: str, body: Mapping[str, Any]) -> Any:
        """Make a record of the set-up: a permission set, its assignment, its fields."""
        if object_ == "PermissionSet":
            if body["Name"] in self.sets:
                told = f"The permission set name {body['Name']} is already in use."
                raise RefusedCallError(400, "DUPLICATE_DEVELOPER_NAME", told)
            answer = self._made("0PS")
            self.sets[body["Name"]] = answer["id"]
            return answer
        if object_ == "PermissionSetAssignment":
            self._add(self.assigned, (body["PermissionSetId"], body["AssigneeId"]))
            answer = self._made("0Pa")
        elif object_ == "FieldPermissions":
            self.org.kind(body["SobjectType"])
            _, _, name = body["Field"].partition(".")
            if name not in self.org.kind(body["SobjectType"]).fields:
                raise RefusedCallError(400, "INVALID_FIELD", f"no field {body['Field']}")
            self._add(self.granted, (body["ParentId"], body["Field"]))
            answer = self._made("01k")
        else:
            raise RefusedCallError(404, "NOT_FOUND", "The requested resource does not exist")
        self.org.visible = {
            name for set_id, name in self.granted if (set_id, USER_ID) in self.assigned
        }
        return answer

    def permission_sets(self, name: str) -> Any:
        """What the one query about permission sets finds."""
        records = [
            {"attributes": {"type": "PermissionSet"}, "Id": id_}
            for held, id_ in self.sets.items()
            if held == name
        ]
        return {"totalSize": len(records), "done": True, "records": records}

    def _add(self, to: set[tuple[str, str]], pair: tuple[str, str]) -> None:
        if pair[0] not in self.sets.values():
            raise RefusedCallError(400, "INVALID_CROSS_REFERENCE_KEY", f"no set {pair[0]}")
        if pair in to:
            raise RefusedCallError(400, "DUPLICATE_VALUE", f"duplicate value found: {pair[1]}")
        to.add(pair)

    def _made(self, prefix: str) -> dict[str, Any]:
        self.made += 1
        return {"id": with_suffix(f"{prefix}{self.made:012d}"), "success": True, "errors": []}

    def _goes(self, kind: Kind, each: Field) -> bool:
        return any(lookup == each.name for _, lookup in kind.takes_along)


def _told(each: Field) -> dict[str, Any]:
    return {
        "name": each.name,
        "type": each.type,
        "length": each.length,
        "custom": each.is_custom,
        "createable": each.is_writable,
        "updateable": each.is_writable,
        "nillable": not each.is_required,
        "unique": each.is_unique,
        "externalId": each.is_external_id,
        "idLookup": each.is_id_lookup or each.is_external_id,
        "referenceTo": [each.reference_to] if each.reference_to else [],
    }
