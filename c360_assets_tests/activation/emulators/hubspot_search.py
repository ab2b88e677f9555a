"""HubSpot's lists and searches of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from c360_assets_tests.activation.emulators.hubspot_objects import Objects
from c360_assets_tests.activation.emulators.hubspot_records import Kind, Record, not_valid

LONGEST_PAGE, LONGEST_LIST = 200, 100
MOST_FOUND = 10_000
MOST_GROUPS, MOST_FILTERS = 5, 6


def listed(
    objects: Objects, kind: Kind, query: Mapping[str, str], names: list[str]
) -> tuple[int, Any]:
    """Records by id, a page at a time."""
    limit, after = int(query.get("limit", "10")), int(query.get("after", "0"))
    if not 1 <= limit <= LONGEST_LIST:
        raise not_valid("INVALID_LIMIT", f"limit {limit}: 1 to {LONGEST_LIST}")
    archived = query.get("archived", "false").lower() == "true"
    found = [each for each in _by_id(kind, archived) if int(each.id) > after]
    body: dict[str, Any] = {"results": [objects.shown(kind, each, names) for each in found[:limit]]}
    if len(found) > limit:
        body["paging"] = {"next": {"after": found[limit - 1].id}}
    return 200, body


def search(objects: Objects, kind: Kind, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Records that fulfil every filter of one group at least."""
    limit, start = body["limit"], int(body["after"] or 0)
    groups = [group["filters"] for group in body["filterGroups"]]
    if not 1 <= limit <= LONGEST_PAGE or start + limit > MOST_FOUND:
        raise not_valid("INVALID_LIMIT", f"limit {limit} after {start}: not that far")
    if len(groups) > MOST_GROUPS or any(len(group) > MOST_FILTERS for group in groups):
        raise not_valid("TOO_MANY_FILTERS", f"{MOST_GROUPS} groups of {MOST_FILTERS} filters")
    for name in [each["propertyName"] for group in groups for each in group]:
        if name not in kind.properties:
            raise not_valid("PROPERTY_DOESNT_EXIST", f"there is no property {name}")
    found = [
        record
        for record in _by_id(kind, archived=False)
        if not groups or any(all(_fits(record, each) for each in group) for group in groups)
    ]
    for sort in reversed(body["sorts"]):
        name = sort.removeprefix("-")
        found.sort(key=lambda each: _order(_value(each, name)), reverse=sort.startswith("-"))
    shown = [objects.shown(kind, each, body["properties"]) for each in found[start : start + limit]]
    answer: dict[str, Any] = {"total": len(found), "results": shown}
    if start + limit < len(found):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return 200, answer


def _by_id(kind: Kind, archived: bool) -> list[Record]:
    found = [each for each in kind.records.values() if (each.archived_at is not None) == archived]
    return sorted(found, key=lambda each: int(each.id))


def _value(record: Record, name: str) -> str | None:
    if name == "hs_object_id":
        return record.id
    if name == "createdate":
        return record.created_at
    if name in ("lastmodifieddate", "hs_lastmodifieddate"):
        return record.updated_at
    return record.values.get(name)


def _order(text: str | None) -> tuple[int, float, str]:
    """Numbers before texts, what is empty first."""
    if text is None:
        return 0, 0.0, ""
    try:
        return 1, float(text), ""
    except ValueError:
        return 2, 0.0, text.lower()


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda one, other: one < other,
    "LTE": lambda one, other: one <= other,
    "GT": lambda one, other: one > other,
    "GTE": lambda one, other: one >= other,
    "EQ": lambda one, other: one == other,
}


def _fits(record: Record, filter_: Mapping[str, Any]) -> bool:
    text, operator = _value(record, filter_["propertyName"]), filter_["operator"]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (text is not None) == (operator == "HAS_PROPERTY")
    wanted, several = filter_.get("value"), filter_.get("values", [])
    if operator in ("IN", "NOT_IN"):
        return (_order(text) in [_order(each) for each in several]) == (operator == "IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        token = (wanted or "").strip("*").lower()
        return (token in (text or "").lower()) == (operator == "CONTAINS_TOKEN")
    if operator == "NEQ":
        return _order(text) != _order(wanted)
    if text is None:
        return False
    if operator == "BETWEEN":
        return _order(wanted) <= _order(text) <= _order(filter_["highValue"])
    return _COMPARED[operator](_order(text), _order(wanted))
