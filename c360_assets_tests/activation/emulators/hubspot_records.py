"""The emulated HubSpot account's records: kept, found, changed, merged and taken away.

Belongs here: state and its rules. Not here: HTTP, and what a call's body looks like.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from c360_assets_tests.activation.emulators.hubspot_properties import (
    Property,
    ValueRefusedError,
    company_properties,
    contact_properties,
    custom_object_properties,
)

CONTACTS, COMPANIES = "contacts", "companies"
FIRST_CUSTOM_TYPE = 2_000_001
FIRST_ID = 1001
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class RefusedError(Exception):
    """HubSpot's no to a call or to one row of it; `details` as in the published ErrorDetail."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        code: str | None = None,
        context: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message
        self.code, self.context = code, dict(context or {})

    @property
    def details(self) -> list[dict[str, Any]]:
        """The list `errors` of the answer."""
        if self.code is None:
            return []
        return [{"message": self.message, "code": self.code, "context": self.context}]


def not_valid(code: str, message: str, **context: str) -> RefusedError:
    """A value, a property or a row is wrong."""
    told = {name: [text] for name, text in context.items()}
    return RefusedError(400, "VALIDATION_ERROR", message, code=code, context=told)


@dataclass
class Record:
    """One record: `values` has no empty ones."""

    id: str
    values: dict[str, str] = field(default_factory=dict)
    created_at: str = ""
    updated_at: str = ""
    archived_at: str | None = None


@dataclass
class Kind:
    """One object type: its records and properties, and where merged-away ids lead."""

    name: str
    type_id: str
    properties: dict[str, Property]
    groups: dict[str, dict[str, Any]]
    modified: str = "hs_lastmodifieddate"
    records: dict[str, Record] = field(default_factory=dict)
    merged_into: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def identities(self) -> list[str]:
        """The properties that tell records apart, apart from the id."""
        found = [name for name, each in self.properties.items() if each.is_unique]
        found += ["email"] if self.name == CONTACTS else []
        return [name for name in found if name != "hs_object_id"]

    def claims(self, record: Record) -> Iterable[tuple[str, str]]:
        """The identifying values of a record; a contact's further addresses are such, too."""
        if record.archived_at is not None:
            return
        for name in self.identities:
            if name in record.values:
                yield name, record.values[name]
        if self.name == CONTACTS:
            for address in _listed(record.values.get("hs_additional_emails")):
                yield "email", address


class Account:
    """Everything that the emulated account holds."""

    def __init__(self, custom_objects: Iterable[str], merge_gives_new_id: bool) -> None:
        contacts, companies = contact_properties(), company_properties()
        self.kinds = {
            CONTACTS: Kind(CONTACTS, "0-1", contacts, _groups(contacts), "lastmodifieddate"),
            COMPANIES: Kind(COMPANIES, "0-2", companies, _groups(companies)),
        }
        for place, name in enumerate(custom_objects):
            own = custom_object_properties()
            self.kinds[name] = Kind(name, f"2-{FIRST_CUSTOM_TYPE + place}", own, _groups(own))
        self.merge_gives_new_id = merge_gives_new_id
        self.blocked_addresses: set[str] = set()
        self._next_id, self._ticks = FIRST_ID, 0
        self._before: list[tuple[Kind, str, Record | None]] | None = None

    def now(self) -> str:
        """The time, which goes on by a second whenever somebody asks."""
        self._ticks += 1
        moment = BEGINNING + timedelta(seconds=self._ticks)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def kind(self, name: str) -> Kind:
        """The object type by its name, its singular or its type id.

        Raises:
            RefusedError: there is none.
        """
        for each in self.kinds.values():
            if name.lower() in (each.name, _singular(each.name), each.type_id, "p_" + each.name):
                return each
        raise RefusedError(404, "OBJECT_NOT_FOUND", f"Unable to infer object type from: {name}")

    # --- finding -------------------------------------------------------------------------------

    def resolve(self, kind: Kind, id_: str) -> Record | None:
        """The record with an id, or the one that it was merged into; archived ones are none."""
        while id_ in kind.merged_into:
            id_ = kind.merged_into[id_]
        record = kind.records.get(id_)
        return record if record is not None and record.archived_at is None else None

    def find(self, kind: Kind, by: str | None, text: str) -> Record | None:
        """The record with an identifying value (`by` None: the id)."""
        if by in (None, "hs_object_id"):
            return self.resolve(kind, text)
        if by not in kind.identities:
            raise not_valid(
                "NON_UNIQUE_ID_PROPERTY",
                f"Unable to perform update/upsert by non-unique {kind.type_id} property {by}",
                propertyName=str(by),
            )
        id_ = kind.owners.get((str(by), text.lower() if by == "email" else text))
        return kind.records[id_] if id_ is not None else None

    # --- writing -------------------------------------------------------------------------------

    def begin(self) -> None:
        """Remember what is changed from here on, so that it can be taken back."""
        self._before = []

    def take_back(self) -> None:
        """Undo everything since `begin`."""
        for kind, id_, before in reversed(self._before or []):
            self._release(kind, id_)
            if before is None:
                del kind.records[id_]
            else:
                kind.records[id_] = before
                kind.owners.update(dict.fromkeys(kind.claims(before), id_))
        self._before = None

    def create(self, kind: Kind, values: Mapping[str, str]) -> Record:
        """A new record."""
        record = Record(str(self._next_id), created_at=self.now())
        self._check_blocked(kind, values)
        self._keep(kind, record, self._taken(kind, record, values))
        self._next_id += 1
        return record

    def update(self, kind: Kind, record: Record, values: Mapping[str, str]) -> Record:
        """Change a record; an empty text clears."""
        self._check_blocked(kind, values)
        self._keep(kind, record, self._taken(kind, record, values))
        return kind.records[record.id]

    def archive(self, kind: Kind, record: Record) -> None:
        """Take a record away, restorably."""
        self._remember(kind, record.id)
        self._release(kind, record.id)
        record.archived_at = self.now()

    def forget(self, kind: Kind, record: Record) -> None:
        """Take a record away for good."""
        self._release(kind, record.id)
        del kind.records[record.id]

    def merge(self, kind: Kind, primary: Record, other: Record) -> Record:
        """One record of two: the primary's values, the other's where it has none.

        A contact keeps the other's addresses as further ones, a company its domains.
        """
        before = [primary.values, other.values]
        values = {**other.values, **primary.values}
        for single, several in (
            ("email", "hs_additional_emails"),
            ("domain", "hs_additional_domains"),
        ):
            texts = [
                t for each in before for t in [each.get(single), *_listed(each.get(several))] if t
            ]
            further = [text for text in dict.fromkeys(texts) if text != values.get(single)]
            if further:
                values[several] = ";".join(further)
        merged = [each.get("hs_merged_object_ids", "") for each in before]
        ids = [i for text in merged for i in _listed(text)] + [primary.id, other.id]
        for gone in (primary, other):
            self._release(kind, gone.id)
        if self.merge_gives_new_id:
            result = Record(
                str(self._next_id), created_at=min(primary.created_at, other.created_at)
            )
            self._next_id += 1
        else:
            result = primary
            ids.remove(primary.id)
        values["hs_merged_object_ids"] = ";".join(dict.fromkeys(ids))
        for gone in (primary, other):
            if gone is not result:
                del kind.records[gone.id]
                kind.merged_into[gone.id] = result.id
        result.values = {}
        self._keep(kind, result, values)
        return result

    def _taken(self, kind: Kind, record: Record, values: Mapping[str, str]) -> dict[str, str]:
        """The values as they are kept; refuses those that another record has to itself."""
        taken = {}
        for name, text in values.items():
            try:
                taken[name] = kind.properties[name].taken(text)
            except ValueRefusedError as problem:
                told = f"Property values were not valid: {problem}"
                raise not_valid(problem.code, told, propertyName=name) from None
        after = Record(record.id, {**record.values, **taken})
        after.values = {name: text for name, text in after.values.items() if text != ""}
        for name, text in kind.claims(after):
            owner = kind.owners.get((name, text))
            if owner not in (None, record.id):
                raise _conflict(kind, name, text, str(owner))
        return taken

    def _keep(self, kind: Kind, record: Record, values: Mapping[str, str]) -> None:
        self._remember(kind, record.id)
        self._release(kind, record.id)
        kept = {**record.values, **values}
        record.values = {name: text for name, text in kept.items() if text != ""}
        record.updated_at = self.now()
        kind.records[record.id] = record
        kind.owners.update(dict.fromkeys(kind.claims(record), record.id))

    def _remember(self, kind: Kind, id_: str) -> None:
        if self._before is not None:
            self._before.append((kind, id_, copy.deepcopy(kind.records.get(id_))))

    def _release(self, kind: Kind, id_: str) -> None:
        record = kind.records.get(id_)
        for claim in kind.claims(record) if record else ():
            if kind.owners.get(claim) == id_:
                del kind.owners[claim]

    def _check_blocked(self, kind: Kind, values: Mapping[str, str]) -> None:
        address = values.get("email", "").lower()
        if kind.name == CONTACTS and address in self.blocked_addresses:
            raise not_valid(
                "BLOCKED_EMAIL", f"{address} was permanently deleted", propertyName="email"
            )


def _conflict(kind: Kind, name: str, text: str, owner: str) -> RefusedError:
    if name == "email":
        message = f"Contact already exists. Existing ID: {owner}"
        return RefusedError(
            409, "CONFLICT", message, code="CONFLICT", context={"existingId": [owner]}
        )
    message = f"Cannot set {name}={text} of {kind.type_id}. {owner} already has that value."
    return not_valid("CONFLICTING_UNIQUE_VALUE", message, propertyName=name)


def _listed(text: str | None) -> list[str]:
    return [each for each in (text or "").split(";") if each]


def _singular(name: str) -> str:
    return {"companies": "company"}.get(name, name.removesuffix("s"))


def _groups(properties: Mapping[str, Property]) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(each.group for each in properties.values())
    return {
        name: {"name": name, "label": name, "displayOrder": place, "archived": False}
        for place, name in enumerate(names)
    }
