"""Salesforce's words: verdicts from the places of an answer, values, and texts in SOQL.

Belongs here: what needs no call. An answer to a collection has one result per row, in the rows'
order; a row for which it has none is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from c360_assets.activation.destinations.values import same_value, text_of
from c360_assets.activation.sync.model import Remote, Value, Verdict
from c360_assets.crm_rules import FieldType

# Salesforce takes addresses of 16,384 bytes together with the headers
URL_CHARACTERS = 12_000
# the first 15 characters of an id tell the record; the other three guard against lost case
ID_CHARACTERS = 15
SILENT = Verdict("unknown", reason="the answer says nothing of this row")
# what stands in a field that must not be empty, where we know nothing; it is read as empty
NOT_PROVIDED = "[not provided]"
# what a call says of a record that is not there (any more)
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
_ESCAPED = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        '"': r"\"",
        "\n": r"\n",
        "\r": r"\r",
        "\t": r"\t",
        "\b": r"\b",
        "\f": r"\f",
    }
)


def verdicts_of(answer: Any, ids: Sequence[str | None]) -> list[Verdict]:
    """One verdict per row, by its place; `ids` are those of rows that were sent by id."""
    results = answer if isinstance(answer, list) else []
    given = [*results[: len(ids)], *[None] * (len(ids) - len(results))]
    return [_verdict(each, id_) for each, id_ in zip(given, ids, strict=True)]


def _verdict(result: Any, id_: str | None) -> Verdict:
    if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
        return SILENT
    if not result["success"]:
        return Verdict("rejected", reason=reason_of(result.get("errors") or []))
    said = result.get("id")
    if not isinstance(said, str) or (id_ is not None and not is_same_id(said, id_)):
        return Verdict("unknown", reason=f"the answer speaks of the record {said!r} in its place")
    return Verdict("acknowledged", id_ or said)


def reason_of(errors: Iterable[Mapping[str, Any]]) -> str:
    """The errors of a row in a line."""
    told = []
    for each in errors:
        fields = ", ".join(each.get("fields") or [])
        code = each.get("statusCode") or each.get("errorCode")
        told.append(f"{code}: {each.get('message')}" + (f" ({fields})" if fields else ""))
    return "; ".join(told) or "no reason given"


def codes_of(answer: Any) -> set[str]:
    """The codes of an error that a whole call, or a row of it, is answered with."""
    given = answer.get("errors", []) if isinstance(answer, Mapping) else answer
    return {
        str(each.get("errorCode") or each.get("statusCode"))
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, Mapping)
    }


def is_same_id(one: str | None, other: str | None) -> bool:
    """Whether two ids, of 15 characters or of 18, are of the same record."""
    return bool(one and other) and str(one)[:ID_CHARACTERS] == str(other)[:ID_CHARACTERS]


def remote_of(record: Mapping[str, Any]) -> Remote:
    """A record of an answer."""
    values = {
        name: None if value in (None, NOT_PROVIDED) else text_of(value)
        for name, value in record.items()
        if name not in ("attributes", "Id")
    }
    return Remote(str(record["Id"]), values)


def spelled(type_: FieldType | None, value: Value) -> Value:
    """A value as JSON of Salesforce has it; a checkbox is never empty there."""
    if type_ == "boolean":
        return bool(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same(type_: FieldType, ours: Value, theirs: str | None) -> bool:
    """Whether Salesforce's text is our value: it cuts blanks off, and has no empty checkbox."""
    if type_ == "boolean":
        return bool(ours) == (theirs == "true")
    return same_value(type_, ours.strip() if isinstance(ours, str) else ours, theirs)


def quoted(text: str) -> str:
    """A text as a literal of SOQL."""
    return f"'{text.translate(_ESCAPED)}'"


def queries(select: str, field: str, texts: Iterable[str], then: str = "") -> Iterator[str]:
    """SOQL for the records whose `field` is one of the texts; none too long for an address."""
    frame = f"{select} WHERE {field} IN ({{}}){then}"
    room = URL_CHARACTERS - len(quote(frame))
    some: list[str] = []
    used = 0
    for text in texts:
        literal = quoted(text)
        size = len(quote(literal, safe="")) + len("%2C")
        if some and used + size > room:
            yield frame.format(",".join(some))
            some, used = [], 0
        some.append(literal)
        used += size
    if some:
        yield frame.format(",".join(some))
