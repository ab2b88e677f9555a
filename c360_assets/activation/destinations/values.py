"""Values as texts: how most vendors spell them, and whether two texts are the same value."""

from __future__ import annotations

from datetime import UTC, datetime

from c360_assets.activation.sync.model import Value
from c360_assets.crm_rules import FieldType


def text_of(value: Value) -> str:
    """A value as text; an empty one clears the field. Whole numbers have no decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def same_value(type_: FieldType, ours: Value, theirs: str | None) -> bool:
    """Whether a vendor's text is our value: 1 is 1.0, a time may be given in milliseconds.

    Texts are the same whatever their case, since vendors write addresses in lower case.
    """
    if ours is None or ours == "":
        return theirs in (None, "")
    if theirs is None:
        return False
    if type_ == "number":
        return _number(theirs) == _number(str(ours))
    if type_ in ("date", "datetime"):
        return _time(theirs) == _time(str(ours))
    return theirs.lower() == str(ours).lower()


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
