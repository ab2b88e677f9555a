"""The fields of a Salesforce org: which there are, and making those of our own.

A field that is made through the interface is seen by nobody until some permission set says so: ours
are in the permission set `C360`, which the user of the token gets. Source: REST API (describe) and
Tooling API (CustomField) Developer Guides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from c360_assets.activation.destinations.salesforce_api import SalesforceApi
from c360_assets.activation.destinations.salesforce_soap import SoapApi
from c360_assets.activation.sync.model import ObjectMapping, RemoteField
from c360_assets.crm_rules import FieldType
from c360_assets.errors import ConfigError

OWN = "__c"
PERMISSION_SET = "C360"
_OURS: Mapping[str, FieldType] = {
    **dict.fromkeys(
        (
            *("string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone"),
            *("url", "id", "reference"),
        ),
        "text",
    ),
    **dict.fromkeys(("double", "int", "long", "currency", "percent"), "number"),
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}
# what a custom field of each of our types is made as; money has two decimals
_METADATA: Mapping[FieldType, Mapping[str, Any]] = {
    "text": {"type": "Text", "length": 255},
    "number": {"type": "Number", "precision": 18, "scale": 2},
    "boolean": {"type": "Checkbox", "defaultValue": "false"},
    "date": {"type": "Date"},
    "datetime": {"type": "DateTime"},
}


@dataclass(frozen=True)
class Schema:
    """The objects of one org, described once each."""

    api: SalesforceApi
    soap: SoapApi
    described: dict[str, Any] = field(default_factory=dict)

    def describe(self, object_: str) -> Any:
        """What Salesforce says of an object.

        Raises:
            ConfigError: the org has no such object, or the user of the token does not see it.
        """
        if object_ not in self.described:
            response = self.api.send("GET", f"/sobjects/{object_}/describe")
            if response.status_code == 404:
                raise ConfigError(
                    f"crm.salesforce: the org has no object {object_!r} that the user of the token "
                    "sees. Make it in Setup under Object Manager > Create > Custom Object (its API "
                    "name ends in __c), give the user read and edit rights on it, or change "
                    "remote_object in c360.toml"
                )
            self.api.require(response)
            self.described[object_] = response.json()
        return self.described[object_]

    def fields(self, object_: str) -> dict[str, RemoteField]:
        """The fields of an object."""
        return {
            each["name"]: RemoteField(
                *(each["name"], _OURS.get(each["type"])),
                bool(each["createable"] and each["updateable"]),
            )
            for each in self.describe(object_)["fields"]
        }

    def required(self, object_: str) -> set[str]:
        """The texts that no record of an object can be without."""
        return {
            each["name"]
            for each in self.describe(object_)["fields"]
            if not each["nillable"]
            and each["createable"]
            and not each.get("defaultedOnCreate")
            and _OURS.get(each["type"]) == "text"
        }

    def require_external_id(self, mapping: ObjectMapping) -> None:
        """Raises ConfigError if the unique field is there and cannot tell records."""
        for each in self.describe(mapping.remote_object)["fields"]:
            tells = each.get("externalId") or each.get("idLookup")
            if each["name"] == mapping.unique and not tells:
                raise ConfigError(
                    f"crm.salesforce: {mapping.remote_object}.{mapping.unique} is unique in the "
                    "mapping and no external id in the org; mark it External ID and Unique in "
                    "Setup under Object Manager, or name another field"
                )

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Make a custom field, and let the user of the token see it."""
        metadata = dict(_METADATA[type_])
        if name == mapping.unique:
            metadata |= {"unique": True, "externalId": True, "caseSensitive": False}
        self._create(mapping.remote_object, name, metadata)

    def create_lookup(self, object_: str, name: str, to: str) -> None:
        """Make a field that points to a record of another object."""
        plain = name.removesuffix(OWN)
        metadata = {
            "type": "Lookup",
            "referenceTo": to,
            "relationshipName": plain,
            "relationshipLabel": plain.replace("_", " "),
            "deleteConstraint": "SetNull",
        }
        self._create(object_, name, metadata)

    def _create(self, object_: str, name: str, metadata: Mapping[str, Any]) -> None:
        if not name.endswith(OWN):
            raise ConfigError(
                f"crm.salesforce: {object_} has no field {name!r} that the user of the token sees, "
                f"and a field of one's own has a name that ends in {OWN}. If it is a field of "
                "Salesforce's, give the user the right to see it; else mend the mapping"
            )
        label = name.removesuffix(OWN).replace("_", " ")
        self.api.create(
            "/tooling/sobjects/CustomField",
            {"FullName": f"{object_}.{name}", "Metadata": {"label": label, **metadata}},
            # there, and not seen by the user: what follows mends that
            already=("DUPLICATE_DEVELOPER_NAME",),
        )
        self._let_see(object_, name)
        self.described.pop(object_, None)

    def _let_see(self, object_: str, name: str) -> None:
        set_id = self._permission_set()
        permission = {
            "ParentId": set_id,
            "SobjectType": object_,
            "Field": f"{object_}.{name}",
            "PermissionsRead": True,
            "PermissionsEdit": True,
        }
        self.api.create("/sobjects/FieldPermissions", permission, already=("DUPLICATE_VALUE",))

    def _permission_set(self) -> str:
        """The id of the permission set, made and assigned where it is not."""
        known: str | None = self.described.get(PERMISSION_SET)
        if known is not None:
            return known
        soql = f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'"
        found = [str(row["Id"]) for row in self.api.rows(soql)]
        body = {"Name": PERMISSION_SET, "Label": "Customer 360"}
        id_ = found[0] if found else self.api.create("/sobjects/PermissionSet", body)
        assignment = {"PermissionSetId": id_, "AssigneeId": self.soap.user_id()}
        self.api.create(
            "/sobjects/PermissionSetAssignment", assignment, already=("DUPLICATE_VALUE",)
        )
        self.described[PERMISSION_SET] = str(id_)
        return str(id_)
