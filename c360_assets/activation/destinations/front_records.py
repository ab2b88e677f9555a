"""Front's contacts and accounts: how a row becomes a body, and a record what we compare.

Belongs here: names and values. Not here: calls.

Front's lists (the addresses of a contact, the domains of an account, links) are shared with the
people in Front. A field of ours that stands for such a list says one member of it: it is there or
not, and the others are nobody's business. Source: Front's Core API, `CreateContact`,
`ContactResponse`, `AccountResponse`, `CustomFieldResponse`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from c360_assets.activation.destinations.values import same_value, text_of
from c360_assets.activation.sync.model import ObjectMapping, Remote, RemoteField, Row, Value
from c360_assets.crm_rules import FieldType

# the custom field of a contact that says who it is here, and the source of its addresses
OWN_KEY = "c360_contact_id"
EMAIL = "email"
# our type for each of Front's; what is chosen from a list is text to us
OURS: Mapping[str, FieldType] = {
    "string": "text",
    "enum": "text",
    "teammate": "text",
    "inbox": "text",
    "boolean": "boolean",
    "number": "number",
    "datetime": "datetime",
}
# what an administrator chooses in Front's settings for each of ours
TYPES_IN_FRONT: Mapping[FieldType, str] = {
    "text": "String",
    "number": "Number",
    "boolean": "Boolean",
    "date": "Datetime",
    "datetime": "Datetime",
}


@dataclass(frozen=True)
class Kind:
    """Contacts or accounts: the fields that Front has itself, beside the custom ones.

    `aliases` are the fields by which Front finds a record, with its word for each. A record has
    several addresses or domains; the custom field in `own` says which of them is the one by which
    it is known here.
    """

    name: str
    texts: tuple[str, ...]
    lists: tuple[str, ...]
    aliases: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)

    def built_in(self) -> tuple[str, ...]:
        """The names of Front's own fields."""
        return tuple(dict.fromkeys((*self.texts, *self.lists, *self.aliases)))

    def alias(self, unique: str, text: str) -> str:
        """The place of a record by a text of its own instead of its id, ready for a path.

        Source: Front's page on resource aliases.
        """
        return f"/{self.name}/alt:{self.aliases[unique]}:{quote(text, safe='')}"

    def place(self, id_: str) -> str:
        """The place of a record by its id."""
        return f"/{self.name}/{quote(id_, safe='')}"


CONTACTS = Kind(
    "contacts", ("name", "description"), ("links",), {EMAIL: "email"}, {EMAIL: "c360_email"}
)
ACCOUNTS = Kind(
    "accounts",
    ("name", "description", "external_id"),
    ("domains",),
    {"domains": "domain", "external_id": "ext_id"},
    {"domains": "c360_domain"},
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CONTACTS, ACCOUNTS)}


class Several(str):
    """The members of a list of Front's, as one text; a value of ours is there if one is it."""

    __slots__ = ("members",)
    members: tuple[str, ...]

    def __new__(cls, members: Iterable[str]) -> Several:
        """Of these members, in their order."""
        found = tuple(members)
        made = super().__new__(cls, ", ".join(found))
        made.members = found
        return made


# --- what a record says --------------------------------------------------------------------------


def addresses_of(record: Mapping[str, Any]) -> list[str]:
    """The e-mail addresses of a contact, its first one first."""
    return [h["handle"] for h in record.get("handles") or () if h.get("source") == EMAIL]


def custom_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The custom fields of a record that have a value, other people's among them."""
    held = record.get("custom_fields") or {}
    return {name: value for name, value in held.items() if value is not None}


def remote_of(kind: Kind, mapping: ObjectMapping, record: Mapping[str, Any]) -> Remote:
    """A record of an answer, with the fields of the mapping."""
    custom = custom_of(record)
    values: dict[str, str | None] = {}
    for name, type_ in mapping.fields.items():
        if name in kind.texts:
            values[name] = record.get(name) or None
        elif name in kind.built_in():
            listed = addresses_of(record) if name == EMAIL else record.get(name) or ()
            values[name] = Several(listed) if listed else None
        else:
            values[name] = _shown(type_, custom.get(name))
    return Remote(str(record["id"]), values)


def known_by(kind: Kind, unique: str, record: Mapping[str, Any]) -> str | None:
    """The unique text by which we know a record; None where we do not, or there is but one."""
    own = kind.own.get(unique)
    known = custom_of(record).get(own) if own else None
    return str(known) if known else None


def fields_of(
    kind: Kind, mapping: ObjectMapping, types: Mapping[str, str]
) -> dict[str, RemoteField]:
    """Front's own fields and the custom ones, whose `types` are Front's words.

    Front has no days; a moment takes the midnight with which a day begins in UTC.
    """
    found = {}
    for name, type_ in types.items():
        ours = OURS.get(type_)
        is_day = ours == "datetime" and mapping.fields.get(name) == "date"
        found[name] = RemoteField(name, "date" if is_day else ours)
    return found | {name: RemoteField(name, "text") for name in kind.built_in()}


def _shown(type_: FieldType, value: Any) -> str | None:
    """A custom field's value as text; Front tells moments in seconds since 1970."""
    if value is None:
        return None
    if type_ in ("date", "datetime") and isinstance(value, int | float):
        at = datetime.fromtimestamp(value, UTC)
        return f"{at:%Y-%m-%d}" if type_ == "date" else f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return ", ".join(map(str, value)) if isinstance(value, list) else text_of(value)


# --- what we write -------------------------------------------------------------------------------


def body_of(
    kind: Kind, row: Row, types: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, Any]:
    """What to write of a row, addresses apart, over the record as it stands (new: empty).

    Front takes custom fields as one set and erases those that it lacks, so that all that the
    record had go with ours. Nothing is taken from a list: others may have put it there.
    """
    body: dict[str, Any] = {}
    custom, is_custom = custom_of(before), False
    for name, value in row.payload.items():
        if name in kind.texts:
            body[name] = text_of(value)
        elif name in kind.lists:
            held = list(before.get(name) or ())
            if value is not None:
                body[name] = held if _has(held, str(value)) else [*held, str(value)]
        elif name != EMAIL or kind is not CONTACTS:
            is_custom = True
            custom.pop(name, None)
            if value is not None:
                custom[name] = _encoded(types.get(name, "string"), value)
    return body | ({"custom_fields": custom} if is_custom else {})


def address_moves(row: Row, before: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The address to add to a contact, and the one to take away.

    Only the address by which we knew the contact goes, and only while the contact still says that
    it is this person: after a merge it may say another's. All others are left.
    """
    held, custom = addresses_of(before), custom_of(before)
    own = CONTACTS.own[EMAIL]
    wanted = row.payload.get(EMAIL) or row.payload.get(own)
    if wanted is None:
        return None, None
    last = str(custom.get(own) or "")
    is_gone = (
        last.lower() != str(wanted).lower() and _has(held, last) and custom.get(OWN_KEY) == row.key
    )
    return (None if _has(held, str(wanted)) else str(wanted)), (last if is_gone else None)


def handle(address: str) -> dict[str, str]:
    """An address as Front has it."""
    return {"handle": address, "source": EMAIL}


def _has(members: Iterable[str], text: str) -> bool:
    return text.lower() in {member.lower() for member in members}


def _encoded(type_: str, value: Value) -> Any:
    """A value as a custom field of Front's type takes it.

    Source: Front's page on custom fields. Numbers are whole there, moments are in seconds.
    """
    if type_ == "boolean" and isinstance(value, bool):
        return value
    if type_ == "number" and isinstance(value, int | float):
        return round(value)
    if type_ == "datetime" and isinstance(value, str):
        at = datetime.fromisoformat(value)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    return text_of(value)


def same(type_: FieldType, ours: Value, theirs: str | None) -> bool:
    """Whether Front's text is our value: a member of a list is enough, numbers are whole."""
    if isinstance(theirs, Several):
        return any(same_value(type_, ours, member) for member in theirs.members)
    if type_ == "number" and isinstance(ours, float) and same_value(type_, round(ours), theirs):
        return True
    return same_value(type_, ours, theirs)
