"""The objects, fields and records of an emulated Salesforce org, and what writing does to them.

Belongs here: state and the rules of single records. Not here: calls, HTTP, SOQL, jobs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
TEXTS = ("string", "textarea", "picklist", "email", "phone", "url")
MERGEABLE = ("Account", "Contact")
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
RowRule: TypeAlias = Callable[[str, Mapping[str, Any]], bool]


class RefusedRowError(Exception):
    """A row is not taken: the status code, its message, and the fields that it is about."""

    def __init__(self, code: str, message: str, fields: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, list(fields)

    def told(self) -> dict[str, Any]:
        """As one of a result's errors."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}


class RefusedCallError(Exception):
    """A whole call is not taken."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Field:
    """A field of an object, as `describe` tells it."""

    name: str
    type: str = "string"
    length: int = 255
    is_writable: bool = True
    is_required: bool = False
    is_unique: bool = False
    is_external_id: bool = False
    is_id_lookup: bool = False
    reference_to: str | None = None

    @property
    def is_custom(self) -> bool:
        """Whether it was made by the org."""
        return self.name.endswith("__c")


@dataclass
class Record:
    """A record; one that is deleted lies in the recycle bin until it is purged."""

    id: str
    values: dict[str, Any]
    is_deleted: bool = False
    is_purged: bool = False
    master_id: str | None = None


@dataclass
class Kind:
    """An object with its records by id; `takes_along` are (object, look-up) deleted with it."""

    name: str
    prefix: str
    fields: dict[str, Field]
    takes_along: tuple[tuple[str, str], ...] = ()
    records: dict[str, Record] = field(default_factory=dict)
    _index: dict[str, dict[str, dict[str, Record]]] = field(default_factory=dict)

    def put(self, record: Record, values: Mapping[str, Any] | None = None) -> None:
        """Keep a record with these values besides those it has; without them it is deleted."""
        for name, by_text in self._index.items():
            by_text.get(_folded(record.values.get(name)), {}).pop(record.id, None)
        record.is_deleted = values is None
        record.values.update(values or {})
        self.records[record.id] = record
        for name, by_text in self._index.items() if values is not None else ():
            by_text.setdefault(_folded(record.values.get(name)), {})[record.id] = record

    def bearing(self, name: str, text: str) -> list[Record]:
        """The records that are not deleted and have this text, whatever its case."""
        if name not in self._index:
            self._index[name] = {}
            for record in self.living():
                by_text = self._index[name].setdefault(_folded(record.values.get(name)), {})
                by_text[record.id] = record
        return list(self._index[name].get(_folded(text), {}).values())

    def living(self) -> list[Record]:
        """The records that are not deleted."""
        return [record for record in self.records.values() if not record.is_deleted]


@dataclass
class Org:
    """All objects; `visible` are custom fields (Object.Field) that the user may see."""

    kinds: dict[str, Kind]
    visible: set[str] = field(default_factory=set)
    rejections: list[tuple[RowRule, str]] = field(default_factory=list)
    made: int = 0

    def kind(self, name: str) -> Kind:
        """An object by its name, whatever its case."""
        for kind in self.kinds.values():
            if kind.name.lower() == name.lower():
                return kind
        raise RefusedCallError(404, "NOT_FOUND", "The requested resource does not exist")

    def seen(self, kind: Kind) -> dict[str, Field]:
        """The fields of an object that the user sees."""
        return {
            name: each
            for name, each in kind.fields.items()
            if not each.is_custom or f"{kind.name}.{name}" in self.visible
        }

    def record(self, kind: Kind, id_: str) -> Record | None:
        """A record by its id of 15 or 18 characters, deleted or not."""
        if len(id_) == 15:
            id_ = with_suffix(id_)
        return kind.records.get(id_)

    def living(self, kind: Kind, id_: str) -> Record:
        """A record that is not deleted."""
        record = self.record(kind, id_)
        if record is None:
            if not re.fullmatch(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", id_):
                raise RefusedRowError("MALFORMED_ID", f"bad id {id_}", ["Id"])
            raise RefusedRowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record.is_deleted:
            raise RefusedRowError("ENTITY_IS_DELETED", "entity is deleted")
        return record

    # --- writing -------------------------------------------------------------------------------

    def create(self, kind: Kind, values: Mapping[str, Any], *, by_us: bool = True) -> Record:
        """Make a record."""
        clean = self._checked(kind, None, values, by_us)
        for each in kind.fields.values():
            if each.type == "boolean":
                clean.setdefault(each.name, False)
        if lacking := [n for n, f in kind.fields.items() if f.is_required and not clean.get(n)]:
            named = ", ".join(lacking)
            raise RefusedRowError(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{named}]", lacking
            )
        self.made += 1
        record = Record(with_suffix(f"{kind.prefix}{self.made:012d}"), {})
        kind.put(record, clean)
        return record

    def update(
        self, kind: Kind, record: Record, values: Mapping[str, Any], *, by_us: bool = True
    ) -> None:
        """Write fields of a record."""
        clean = self._checked(kind, record, values, by_us)
        for name, each in kind.fields.items():
            if each.is_required and name in clean and not clean[name]:
                told = f"Required fields are missing: [{name}]"
                raise RefusedRowError("REQUIRED_FIELD_MISSING", told, [name])
        kind.put(record, clean)

    def upsert(self, kind: Kind, by: str, values: Mapping[str, Any]) -> tuple[Record, bool]:
        """Write the record with this value of an external id, or make one; whether it was made."""
        text = str(values.get(by) or "").strip()
        if not text:
            raise RefusedRowError("MISSING_ARGUMENT", f"{by} not specified", [by])
        found = kind.bearing(by, text)
        if len(found) > 1:
            ids = ", ".join(record.id for record in found)
            told = f"{by}: more than one record found for external id field: [{ids}]"
            raise RefusedRowError("DUPLICATE_EXTERNAL_ID", told, [by])
        if found:
            self.update(kind, found[0], values)
            return found[0], False
        return self.create(kind, values), True

    def delete(self, kind: Kind, record: Record, master_id: str | None = None) -> None:
        """Put a record into the recycle bin, with what goes with it."""
        kind.put(record, None)
        record.master_id = master_id
        for child, lookup in kind.takes_along if master_id is None else ():
            for each in self.kind(child).living():
                if each.values.get(lookup) == record.id:
                    self.delete(self.kind(child), each)
        for other in self.kinds.values():
            lookups = [f.name for f in other.fields.values() if f.reference_to == kind.name]
            for pointing in other.living():
                for name in lookups:
                    if pointing.values.get(name) == record.id:
                        pointing.values[name] = master_id

    def merge(self, kind: Kind, master: str, gone: str) -> Record:
        """Merge two records: the master's values stay, what pointed to the other points to it."""
        if kind.name not in MERGEABLE:
            raise RefusedRowError("INVALID_TYPE", f"merge not supported for {kind.name}")
        kept, lost = self.living(kind, master), self.living(kind, gone)
        if kept is lost:
            raise RefusedRowError("INVALID_ID_FIELD", "cannot merge a record with itself")
        self.delete(kind, lost, kept.id)
        return kept

    # --- checks --------------------------------------------------------------------------------

    def _checked(
        self, kind: Kind, record: Record | None, values: Mapping[str, Any], by_us: bool
    ) -> dict[str, Any]:
        """The values as they are stored."""
        seen = self.seen(kind) if by_us else kind.fields
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name not in seen:
                told = f"No such column '{name}' on sobject of type {kind.name}"
                raise RefusedCallError(400, "INVALID_FIELD", told)
            if not seen[name].is_writable:
                told = f"Unable to create/update fields: {name}. Please check the security settings"
                raise RefusedRowError("INVALID_FIELD_FOR_INSERT_UPDATE", told, [name])
            clean[name] = self._stored(seen[name], value)
        for takes, reason in self.rejections if by_us else ():
            if takes(kind.name, {**(record.values if record else {}), **clean}):
                raise RefusedRowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", reason)
        self._require_unique(kind, record, clean)
        return clean

    def _stored(self, each: Field, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            if each.type == "boolean":
                told = f"{each.name}: value not of required type: null"
                raise RefusedRowError("INVALID_TYPE_ON_FIELD_IN_RECORD", told, [each.name])
            return None
        if each.type == "reference":
            return self.living(self.kind(str(each.reference_to)), str(value)).id
        read: Callable[[Field, Any], Any] = _READERS.get(each.type, _text)
        try:
            return read(each, value)
        except (ValueError, TypeError):
            told = f"{each.name}: value not of required type: {value}"
            raise RefusedRowError("INVALID_TYPE_ON_FIELD_IN_RECORD", told, [each.name]) from None

    def _require_unique(self, kind: Kind, record: Record | None, clean: Mapping[str, Any]) -> None:
        for name, value in clean.items():
            if not kind.fields[name].is_unique or value is None:
                continue
            for other in kind.bearing(name, str(value)):
                if other is not record:
                    told = f"duplicate value found: {name} duplicates value on record {other.id}"
                    raise RefusedRowError("DUPLICATE_VALUE", told, [name])


def _folded(value: Any) -> str:
    return str(value or "").lower()


def _text(each: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedCallError(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of string from the value {value} of {each.name}",
        )
    if len(value) > each.length:
        told = f"{each.name}: data value too large: {value} (max length={each.length})"
        raise RefusedRowError("STRING_TOO_LONG", told, [each.name])
    if each.type == "email" and not ADDRESS.fullmatch(value):
        told = f"{each.name}: invalid email address: {value}"
        raise RefusedRowError("INVALID_EMAIL_ADDRESS", told, [each.name])
    return value.lower() if each.type == "email" else value


def _number(each: Field, value: Any) -> float | int:
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    return int(number) if each.type == "int" and number.is_integer() else number


def _boolean(_: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]


def _date(_: Field, value: Any) -> str:
    return date.fromisoformat(value).isoformat()


def _datetime(_: Field, value: Any) -> str:
    """As Salesforce gives it back: in UTC, with milliseconds and +0000."""
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError
    return read.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(("double", "int", "currency", "percent"), _number),
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}


def with_suffix(id_: str) -> str:
    """An id of 15 characters with the 3 that tell the case of the others."""
    parts = [id_[start : start + 5] for start in (0, 5, 10)]
    return id_ + "".join(
        SAFE[sum(1 << place for place, c in enumerate(part) if c.isupper())] for part in parts
    )


def new_org() -> Org:
    """Accounts, contacts, and a custom object for gaggles; an opportunity is there to be lost."""
    name = Field("Name", is_required=True)
    account = [name, Field("Website", "url"), Field("Phone", "phone", 40)]
    contact = [
        Field("LastName", length=80, is_required=True),
        Field("FirstName", length=40),
        Field("Email", "email", 80, is_id_lookup=True),
        Field("AccountId", "reference", 18, reference_to="Account"),
    ]
    opportunity = [name, Field("AccountId", "reference", 18, reference_to="Account")]
    along = (("Contact", "AccountId"), ("Opportunity", "AccountId"))
    return Org(
        {
            kind.name: kind
            for kind in (
                Kind("Account", "001", _fields(account), along),
                Kind("Contact", "003", _fields(contact)),
                Kind("Opportunity", "006", _fields(opportunity)),
                Kind("C360_Gaggle__c", "a00", _fields([Field("Name", length=80)])),
            )
        }
    )


def _fields(own: Iterable[Field]) -> dict[str, Field]:
    common = [
        Field("Id", "id", 18, is_writable=False, is_id_lookup=True),
        Field("CreatedDate", "datetime", is_writable=False),
    ]
    return {each.name: each for each in (*common, *own)}
