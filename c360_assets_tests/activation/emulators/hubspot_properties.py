"""HubSpot's properties: what the emulated account has, and which texts each of them takes.

Belongs here: definitions and values. Not here: records, and the HTTP around them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

LONGEST_TEXT = 65_536
_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]+@[^@\s.,;]+(\.[^@\s.,;]+)+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
MIDNIGHT = "{} is at {} UTC, not midnight!"
# what takes which input control: HubSpot's table of types and field types
CONTROLS = {
    "string": {"text", "textarea", "html", "phonenumber", "file", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "phone_number": {"phonenumber", "text"},
}


class ValueRefusedError(ValueError):
    """A text that a property does not take; `code` is HubSpot's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Property:
    """One property of an object."""

    name: str
    type: str = "string"
    field_type: str = "text"
    group: str = "contactinformation"
    label: str = ""
    description: str = ""
    options: tuple[dict[str, Any], ...] = ()
    is_unique: bool = False
    is_read_only: bool = False
    is_hubspots: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    def document(self, at: str) -> dict[str, Any]:
        """The property as the interface shows it."""
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": list(self.options),
            "hasUniqueValue": self.is_unique,
            "hidden": False,
            "calculated": False,
            "externalOptions": False,
            "formField": False,
            "displayOrder": -1,
            "hubspotDefined": self.is_hubspots,
            "archived": False,
            "createdAt": at,
            "updatedAt": at,
            "modificationMetadata": {
                "archivable": not self.is_hubspots,
                "readOnlyDefinition": self.is_hubspots,
                "readOnlyOptions": self.is_hubspots,
                "readOnlyValue": self.is_read_only,
            },
            **self.more,
        }

    def taken(self, text: str) -> str:
        """The text as HubSpot keeps it; an empty one clears.

        Raises:
            ValueRefusedError: the property's type does not take it.
        """
        if text == "":
            return text
        if len(text) > LONGEST_TEXT:
            raise ValueRefusedError(
                "VALUE_TOO_LONG", f"{self.name} takes {LONGEST_TEXT} characters"
            )
        if self.name == "email":
            return _email(text)
        if self.type == "number":
            return _number(text)
        if self.type in ("date", "datetime"):
            return _time(text, self.type)
        if self.type == "bool":
            return _option(text, ["true", "false"])
        if self.type == "enumeration":
            allowed = [option["value"] for option in self.options]
            texts = text.split(";") if self.field_type == "checkbox" else [text]
            return ";".join(_option(each, allowed) for each in texts)
        return text.lower() if self.name == "domain" else text


def from_request(body: dict[str, Any]) -> Property:
    """The property that a request to create one asks for.

    Raises:
        ValueRefusedError: HubSpot would not make it.
    """
    name, type_, control = body["name"], body["type"], body["fieldType"]
    if not _NAME.fullmatch(name):
        raise ValueRefusedError(
            "INVALID_NAME", f"{name}: lower case letters, digits and underscores, a letter first"
        )
    if control not in CONTROLS[type_]:
        raise ValueRefusedError("INVALID_FIELD_TYPE", f"fieldType {control} is not one of {type_}")
    options = tuple({"displayOrder": -1, **option} for option in body.get("options", ()))
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        raise ValueRefusedError("DUPLICATE_OPTION", f"{name} has an option twice: {values}")
    if control == "booleancheckbox" and sorted(values) != ["false", "true"]:
        raise ValueRefusedError("INVALID_OPTION", f"{name} needs the options true and false")
    is_unique = body.get("hasUniqueValue", False)
    if is_unique and type_ not in ("string", "number"):
        raise ValueRefusedError("UNIQUE_TYPE", f"{name}: no unique values of type {type_}")
    return Property(
        name,
        type_,
        control,
        body["groupName"],
        body["label"],
        body.get("description", ""),
        options,
        is_unique,
        is_hubspots=False,
    )


def updated(before: Property, body: dict[str, Any]) -> Property:
    """The property after a request to change it."""
    asked = {"label": "label", "groupName": "group", "description": "description"}
    changes: dict[str, Any] = {
        ours: body[theirs] for theirs, ours in asked.items() if theirs in body
    }
    changes["field_type"] = body.get("fieldType", before.field_type)
    changes["type"] = body.get("type", before.type)
    if "options" in body:
        changes["options"] = tuple({"displayOrder": -1, **option} for option in body["options"])
    if changes["field_type"] not in CONTROLS[changes["type"]]:
        raise ValueRefusedError(
            "INVALID_FIELD_TYPE", f"no {changes['field_type']} of {changes['type']}"
        )
    return replace(before, **changes)


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueRefusedError("INVALID_EMAIL", f"Email address {text} is invalid")
    return text.lower()


def _number(text: str) -> str:
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text):
        raise ValueRefusedError("INVALID_DOUBLE", f"{text} was not a valid number.")
    return text


def _option(text: str, allowed: list[str]) -> str:
    if text not in allowed:
        raise ValueRefusedError(
            "INVALID_OPTION", f"{text} was not one of the allowed options: {allowed}"
        )
    return text


def _time(text: str, type_: str) -> str:
    """A day as YYYY-MM-DD or a moment as ISO; milliseconds since 1970 are taken for either."""
    try:
        if re.fullmatch(r"-?\d{9,}", text):
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueRefusedError("INVALID_DATE", f"{text} was not a valid {type_}.") from None
    if type_ == "datetime":
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if moment.time().isoformat() != "00:00:00":
        raise ValueRefusedError("INVALID_DATE", MIDNIGHT.format(text, moment.time()))
    return moment.date().isoformat()


def _system(group: str, modified: str) -> list[Property]:
    read_only = [
        Property("hs_object_id", "number", "number", group, is_unique=True, is_read_only=True),
        Property("createdate", "datetime", "date", group, is_read_only=True),
        Property(modified, "datetime", "date", group, is_read_only=True),
        Property("hs_merged_object_ids", "enumeration", "checkbox", group, is_read_only=True),
    ]
    return read_only


def _stages() -> tuple[dict[str, Any], ...]:
    values = "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer"
    return tuple(
        {"label": value, "value": value, "hidden": False, "displayOrder": place}
        for place, value in enumerate([*values.split(), "evangelist", "other"])
    )


def contact_properties() -> dict[str, Property]:
    """What a new account has for contacts (those that matter here)."""
    texts = "firstname lastname phone mobilephone company jobtitle city state zip country website"
    found = [
        *_system("contactinformation", "lastmodifieddate"),
        Property("email"),
        Property("hs_additional_emails", field_type="checkbox", type="string"),
        Property("lifecyclestage", "enumeration", "radio", options=_stages()),
        *[Property(name) for name in texts.split()],
    ]
    return {each.name: each for each in found}


def company_properties() -> dict[str, Property]:
    """What a new account has for companies."""
    group = "companyinformation"
    texts = "name domain phone city state zip country description hs_additional_domains"
    found = [
        *_system(group, "hs_lastmodifieddate"),
        Property("lifecyclestage", "enumeration", "radio", group, options=_stages()),
        Property("numberofemployees", "number", "number", group),
        Property("annualrevenue", "number", "number", group),
        *[Property(name, group=group) for name in texts.split()],
    ]
    return {each.name: each for each in found}


def custom_object_properties() -> dict[str, Property]:
    """What a custom object has from the beginning."""
    group = "custom_object_information"
    found = [*_system(group, "hs_lastmodifieddate"), Property("name", group=group)]
    return {each.name: each for each in found}
