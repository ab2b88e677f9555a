"""The destination `hubspot`: CRM objects v3, properties v3 and associations v4.

Property values are text, at most 100 records to a call. Every row of a batch carries its own
`objectWriteTraceId`, by which its result or error is found; a row of which an answer says nothing
is unknown, whatever the status. Source: HubSpot's published OpenAPI (CRM objects, properties v3;
associations v4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
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
from c360_assets.crm_rules import FieldType, LinkRules
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

BASE_URL = "https://api.hubapi.com"
TOKEN_ENV = "HUBSPOT_TOKEN"  # noqa: S105 - the name of a variable
# of a private app on the smallest plan; the answers tell what the account really has
LIMITS = Limits(rows_per_write=100, rows_per_read=100, links_per_write=2000, calls=100, seconds=10)
GROUP = "c360"
# the addresses of contacts that were merged into one, parted by semicolons
FURTHER_ADDRESSES = "hs_additional_emails"
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
UNREACHABLE = frozenset({401, 403})
OWN_LABELS = ("USER_DEFINED:", "INTEGRATOR_DEFINED:")


@dataclass(frozen=True)
class HubspotDestination:
    """One HubSpot account. `links` say which association type each kind of link is."""

    client: ApiClient
    links: Mapping[str, LinkRules]
    remote_objects: Mapping[str, str]

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "hubspot"

    @property
    def limits(self) -> Limits:
        """What one call takes."""
        return LIMITS

    @property
    def calls(self) -> int:
        """The calls made so far."""
        return self.client.calls

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    # --- fields --------------------------------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """The properties of the object."""
        answer = self._json("GET", f"/crm/v3/properties/{mapping.remote_object}")
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
        groups = self._json("GET", f"/crm/v3/properties/{object_}/groups")
        if GROUP not in {group["name"] for group in groups["results"]}:
            self._json(
                "POST",
                f"/crm/v3/properties/{object_}/groups",
                {"name": GROUP, "label": "Customer 360"},
            )
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
        self._json("POST", f"/crm/v3/properties/{object_}", body)

    # --- reading -------------------------------------------------------------------------------

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these ids."""
        found = self._read(mapping, ids, None)
        by_id = {record["id"]: record for record in found}
        # a record that was merged away answers as the one that it is now
        return {i: _remote(by_id[i]) for i in ids if i in by_id}

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these values of the unique property.

        HubSpot finds a contact by the addresses of those merged into it, too.
        """
        asked = {text.lower() for text in unique}
        found: dict[str, Remote] = {}
        for record in self._read(mapping, unique, mapping.unique):
            held = _remote(record)
            own = (held.values.get(mapping.unique) or "").lower()
            if own in asked:
                found[own] = held
            for text in asked & {text.lower() for text in _further(held)} - {own}:
                found.setdefault(text, replace(held, is_alias=True))
        return found

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Take a further address from a contact."""
        (record,) = self._read(mapping, [remote_id], None)
        kept = [text for text in _further(_remote(record)) if text.lower() != unique.lower()]
        row = {"id": remote_id, "properties": {FURTHER_ADDRESSES: ";".join(kept)}}
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/update"
        self._json("POST", path, {"inputs": [row]})

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
        results: list[dict[str, Any]] = self._json("POST", path, body)["results"]
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
                "properties": {name: _text(value) for name, value in row.payload.items()},
            }
            inputs.append(each | ({"idProperty": by} if by else {}))
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/{what}"
        answer = self._json("POST", path, {"inputs": inputs}, refuses_rows=True)
        return _verdicts(answer, ids, len(rows))

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Merge two records; HubSpot may give the result an id of its own."""
        path = f"/crm/v3/objects/{mapping.remote_object}/merge"
        body = {"primaryObjectId": kept, "objectIdToMerge": gone}
        try:
            answer = self._json("POST", path, body, refuses_rows=True, may_repeat=False)
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        return Verdict("acknowledged", answer["id"])

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Archive records; they can be restored in HubSpot for 90 days."""
        path = f"/crm/v3/objects/{mapping.remote_object}/batch/archive"
        self._json("POST", path, {"inputs": [{"id": i} for i in ids]}, refuses_rows=True)
        return [Verdict("acknowledged", i) for i in ids]

    # --- links ---------------------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make associations of the kind's type."""
        answer = self._json(
            "POST",
            f"{self._between(kind)}/batch/create",
            {"inputs": [self._association(kind, link) for link in links]},
            refuses_rows=True,
        )
        made = {(str(each["fromObjectId"]), str(each["toObjectId"])) for each in answer["results"]}
        errors = answer.get("errors") or []
        reason = "; ".join(error["message"] for error in errors) or None
        lost = Verdict("rejected" if errors else "unknown", reason=reason)
        return [
            Verdict("acknowledged") if (link.from_id, link.to_id) in made else lost
            for link in links
        ]

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take links away: a label of one's own alone, a type of HubSpot's with all on that pair.

        A type of HubSpot's own always stands beside the unlabelled one, which would stay.
        """
        if self.links[kind].type.startswith(OWN_LABELS):
            path = f"{self._between(kind)}/batch/labels/archive"
            inputs = [self._association(kind, link) for link in links]
        else:
            path = f"{self._between(kind)}/batch/archive"
            inputs = [{"from": {"id": link.from_id}, "to": [{"id": link.to_id}]} for link in links]
        self._json("POST", path, {"inputs": inputs}, refuses_rows=True)
        return [Verdict("acknowledged") for _ in links]

    def _between(self, kind: str) -> str:
        rules = self.links[kind]
        ends = (self.remote_objects[name] for name in (rules.from_object, rules.to_object))
        return "/crm/v4/associations/" + "/".join(ends)

    def _association(self, kind: str, link: Link) -> dict[str, Any]:
        category, _, number = self.links[kind].type.rpartition(":")
        type_ = {
            "associationCategory": category or "HUBSPOT_DEFINED",
            "associationTypeId": int(number),
        }
        return {"from": {"id": link.from_id}, "to": {"id": link.to_id}, "types": [type_]}

    # --- values and calls ----------------------------------------------------------------------

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether HubSpot's text is our value: 1 is 1.0, and a time is one in milliseconds, too."""
        if ours is None or ours == "":
            return theirs in (None, "")
        if theirs is None:
            return False
        if type_ == "number":
            return _number(theirs) == _number(str(ours))
        if type_ == "boolean":
            return theirs.lower() == str(ours).lower()
        if type_ in ("date", "datetime"):
            return _time(theirs) == _time(str(ours))
        return theirs == str(ours) or theirs.lower() == str(ours).lower()

    def _json(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        refuses_rows: bool = False,
        may_repeat: bool = True,
    ) -> Any:
        """The answer of a call that was taken; with `refuses_rows` a 4xx may be a row's fault."""
        response = self.client.call(method, path, body=body, may_repeat=may_repeat)
        if response.status_code == 204:
            return {"results": []}
        if response.is_success:
            try:
                return response.json()
            except ValueError:
                raise OutcomeUnknownError(
                    f"hubspot: {method} {path}: {response.status_code} without readable JSON"
                ) from None
        told = self.client.said(response)
        if response.status_code in UNREACHABLE:
            raise CrmError(
                f"hubspot: {method} {path}: {told}; give the private app whose token is in the "
                "environment the scopes of crm.objects and crm.schemas, or renew the token"
            )
        if refuses_rows:
            raise RowsRefusedError(told)
        raise CrmError(f"hubspot: {method} {path}: {told}")


def learn_limits(headers: httpx.Headers, limit: CallLimit) -> None:
    """Take the account's limit from HubSpot's headers."""
    calls = headers.get("X-HubSpot-RateLimit-Max", "")
    milliseconds = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    if calls.isdigit() and milliseconds.isdigit():
        limit.learn(int(calls), int(milliseconds) / 1000)


def _verdicts(answer: Mapping[str, Any], ids: Sequence[str], size: int) -> list[Verdict]:
    """One verdict per row, found by its trace id; by its id where an error names no trace."""
    verdicts = [Verdict("unknown", reason="the answer says nothing of this row")] * size
    places = {id_.lower(): place for place, id_ in enumerate(ids)}
    for result in answer.get("results", ()):
        trace = result.get("objectWriteTraceId")
        if trace is not None and trace.isdigit() and int(trace) < size:
            place = int(trace)
        elif (found := places.get(str(result["id"]).lower())) is not None:
            place = found
        else:
            continue
        verdicts[place] = Verdict("acknowledged", str(result["id"]))
    for error in answer.get("errors") or ():
        for place in _places_of(error, places, size):
            verdicts[place] = Verdict("rejected", reason=str(error.get("message", error)))
    return verdicts


def _places_of(error: Mapping[str, Any], places: Mapping[str, int], size: int) -> Iterable[int]:
    context = error.get("context") or {}
    for trace in context.get("objectWriteTraceId", ()):
        if str(trace).isdigit() and int(trace) < size:
            yield int(trace)
    for name in ("id", "ids"):
        for id_ in context.get(name, ()):
            if (place := places.get(str(id_).lower())) is not None:
                yield place


def _further(remote: Remote) -> list[str]:
    text = remote.values.get(FURTHER_ADDRESSES) or ""
    return [part.strip() for part in text.split(";") if part.strip()]


def _remote(record: Mapping[str, Any]) -> Remote:
    return Remote(str(record["id"]), dict(record["properties"]))


def _text(value: Value) -> str:
    """A value as HubSpot takes it; an empty text clears the property."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _time(text: str) -> datetime | str:
    """A moment, given as ISO 8601 or in milliseconds since 1970."""
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
