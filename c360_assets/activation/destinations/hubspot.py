"""The destination `hubspot`: CRM objects v3, properties v3 and associations v4.

Property values are text, at most 100 records to a call. Every row of a batch carries its own
`objectWriteTraceId`, by which its result or error is found; a row of which an answer says nothing
is unknown, whatever the status. Source: HubSpot's published OpenAPI (CRM objects, properties v3;
associations v4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from c360_assets.activation.destinations.connect import ApiDestination, Surroundings, address_of
from c360_assets.activation.destinations.hubspot_answers import (
    FURTHER_ADDRESSES,
    further,
    json_of,
    learn_limits,
    remote_of,
    verdicts_of,
)
from c360_assets.activation.destinations.hubspot_links import HubspotLinks
from c360_assets.activation.destinations.values import same_value, text_of
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import (
    Limits,
    Link,
    ObjectMapping,
    Remote,
    RemoteField,
    Row,
    Value,
    Verdict,
)
from c360_assets.crm_rules import DestinationRules, FieldType
from c360_assets.errors import OutcomeUnknownError, RowsRefusedError

BASE_URL = "https://api.hubapi.com"
TOKEN_ENV = "HUBSPOT_TOKEN"  # noqa: S105 - the name of a variable
# of a private app on the smallest plan; the answers tell what the account really has
LIMITS = Limits(rows_per_write=100, rows_per_read=100, links_per_write=2000, calls=100, seconds=10)
GROUP = "c360"
# HubSpot's type and input control for each of our types
_TYPES: Mapping[FieldType, tuple[str, str]] = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "boolean": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
}
_OURS: Mapping[str, FieldType] = {
    "string": "text",
    "enumeration": "text",
    "phone_number": "text",
    "number": "number",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
}


@dataclass(frozen=True)
class HubspotDestination(ApiDestination):
    """One HubSpot account."""

    client: ApiClient
    links: HubspotLinks
    # objects of which the group of our properties is known to be there
    grouped: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "hubspot"

    @property
    def limits(self) -> Limits:
        """What one call takes."""
        return LIMITS

    # --- fields --------------------------------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """The properties of the object."""
        answer = json_of(self.client, "GET", f"/crm/v3/properties/{mapping.remote_object}")
        return {
            found["name"]: RemoteField(
                found["name"],
                _OURS.get(found["type"]),
                not (found.get("modificationMetadata") or {}).get("readOnlyValue", False),
            )
            for found in answer["results"]
        }

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Make a property in the group `c360`, which is made with the first one."""
        object_ = mapping.remote_object
        if object_ not in self.grouped:
            path = f"/crm/v3/properties/{object_}/groups"
            groups = json_of(self.client, "GET", path)["results"]
            if GROUP not in {group["name"] for group in groups}:
                group = {"name": GROUP, "label": "Customer 360"}
                json_of(self.client, "POST", path, group, may_be_there=True)
            self.grouped.add(object_)
        kind, control = _TYPES[type_]
        body: dict[str, Any] = {
            "name": name,
            "label": name.replace("_", " ").capitalize(),
            "groupName": GROUP,
            "type": "enumeration" if type_ == "boolean" else kind,
            "fieldType": control,
            "hasUniqueValue": name == mapping.unique,
        }
        if type_ == "boolean":
            body["options"] = [
                {"label": label, "value": value, "hidden": False, "displayOrder": place}
                for place, (label, value) in enumerate((("Yes", "true"), ("No", "false")))
            ]
        json_of(self.client, "POST", f"/crm/v3/properties/{object_}", body, may_be_there=True)

    def missing_links(self) -> Sequence[str]:
        """Kinds of links whose label the account does not have."""
        return self.links.missing()

    def create_link(self, kind: str) -> None:
        """Make a label."""
        self.links.create(kind)

    # --- reading -------------------------------------------------------------------------------

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these ids."""
        found = self._read(mapping, ids, None)
        by_id = {record["id"]: record for record in found}
        # a record that was merged away answers as the one that it is now
        return {i: remote_of(by_id[i]) for i in ids if i in by_id}

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these values of the unique property.

        HubSpot finds a contact by the addresses of those merged into it, too.
        """
        asked = {text.lower() for text in unique}
        found: dict[str, Remote] = {}
        for record in self._read(mapping, unique, mapping.unique):
            held = remote_of(record)
            own = (held.values.get(mapping.unique) or "").lower()
            if own in asked:
                found[own] = held
            for text in asked & {text.lower() for text in further(held)} - {own}:
                found.setdefault(text, replace(held, is_alias=True))
        return found

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Take a further address from a contact."""
        (record,) = self._read(mapping, [remote_id], None)
        kept = [text for text in further(remote_of(record)) if text.lower() != unique.lower()]
        row = {"id": remote_id, "properties": {FURTHER_ADDRESSES: ";".join(kept)}}
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/update"
        json_of(self.client, "POST", path, {"inputs": [row]})

    def _read(
        self, mapping: ObjectMapping, texts: Sequence[str], by: str | None
    ) -> list[dict[str, Any]]:
        further = [FURTHER_ADDRESSES] if mapping.remote_object == "contacts" else []
        body: dict[str, Any] = {
            "inputs": [{"id": text} for text in texts],
            "properties": sorted({*mapping.fields, mapping.unique, *further}),
            "propertiesWithHistory": [],
        }
        if by is not None:
            body["idProperty"] = by
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/read"
        results: list[dict[str, Any]] = json_of(self.client, "POST", path, body)["results"]
        return results

    # --- writing -------------------------------------------------------------------------------

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Create records, or update those with the same value of the unique property."""
        return self._write(mapping, "upsert", rows, [row.unique for row in rows], mapping.unique)

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Update records by id."""
        return self._write(mapping, "update", rows, [str(row.remote_id) for row in rows], None)

    def _write(
        self,
        mapping: ObjectMapping,
        what: str,
        rows: Sequence[Row],
        ids: Sequence[str],
        by: str | None,
    ) -> list[Verdict]:
        inputs = []
        for place, (row, id_) in enumerate(zip(rows, ids, strict=True)):
            each: dict[str, Any] = {
                "id": id_,
                "objectWriteTraceId": str(place),
                "properties": {name: text_of(value) for name, value in row.payload.items()},
            }
            inputs.append(each | ({"idProperty": by} if by else {}))
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/{what}"
        answer = json_of(self.client, "POST", path, {"inputs": inputs}, refuses_rows=True)
        return verdicts_of(answer, ids, len(rows))

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Merge two records; HubSpot may give the result an id of its own."""
        path = f"/crm/v3/objects/{mapping.remote_object}/merge"
        body = {"primaryObjectId": kept, "objectIdToMerge": gone}
        try:
            answer = json_of(self.client, "POST", path, body, refuses_rows=True, may_repeat=False)
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        return Verdict("acknowledged", answer["id"])

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Archive records; they can be restored in HubSpot for 90 days."""
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/archive"
        json_of(self.client, "POST", path, {"inputs": [{"id": i} for i in ids]}, refuses_rows=True)
        return [Verdict("acknowledged", i) for i in ids]

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Delete a contact for good; HubSpot then refuses that address to every import.

        Other objects know no such thing and are archived.
        """
        if mapping.remote_object != "contacts":
            return self._archived(mapping, row)
        body = (
            {"objectId": row.unique, "idProperty": mapping.unique}
            if row.remote_id is None
            else {"objectId": row.remote_id}
        )
        response = self.client.call("POST", "/crm/v3/objects/contacts/gdpr-delete", body=body)
        if response.is_success or response.status_code == 404:
            return Verdict("acknowledged", row.remote_id or row.unique)
        return Verdict("rejected", reason=self.client.said(response))

    def _archived(self, mapping: ObjectMapping, row: Row) -> Verdict:
        if row.remote_id is not None:
            self.delete(mapping, [row.remote_id])
        return Verdict("acknowledged", row.remote_id or row.unique, "archived")

    # --- links ---------------------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make associations of the kind's type."""
        return self.links.make(kind, links)

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take associations of the kind's type away."""
        return self.links.take_away(kind, links)

    # --- values and calls ----------------------------------------------------------------------

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether HubSpot's text is our value: 1 is 1.0, and a time is one in milliseconds, too."""
        return same_value(type_, ours, theirs)


def build(rules: DestinationRules, at: Surroundings) -> HubspotDestination:
    """The account whose token is in the environment."""
    token = at.secret("hubspot", rules.token_env or TOKEN_ENV, "the access token of a private app")
    client = ApiClient(
        "hubspot",
        str(address_of("hubspot", rules.base_url or BASE_URL)).rstrip("/"),
        {"Authorization": f"Bearer {token}"},
        token,
        at.call_limit("hubspot", LIMITS),
        learn_limits,
        timeout=rules.timeout_seconds,
    )
    links = HubspotLinks(client, rules.links or {}, rules.remote_objects())
    return HubspotDestination(client, links)
