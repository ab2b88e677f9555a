"""A person's profile: every attribute with its value on a day, and the history of one of them.

Attributes over windows are one line, with a value per window. Lines are grouped by what they are
about: the source that they count, and for those worked out of others, the source of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from c360_assets.attribute_rules import WINDOW_DAYS
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person
from c360_assets.ui.parts.text import Kind

WINDOWS = tuple(WINDOW_DAYS)
_SUFFIX = re.compile(rf"(.+)_({'|'.join(WINDOWS)})")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_TITLES = {
    "contacts": "Who they are",
    "rfm": "Segment",
    "lifetime_value": "Lifetime value",
    "orders": "Orders",
    "order_items": "Items ordered",
    "events": "Events",
    "campaigns": "Campaigns",
    "tickets": "Tickets",
    "returns": "Coming back",
}
_OTHERS = "Others"
_KNOWN: WeakKeyDictionary[Copy, dict[str, Attribute]] = WeakKeyDictionary()
_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT")


@dataclass(frozen=True)
class Attribute:
    """One attribute; `window` is 1D to 12M, or empty where it counts all time."""

    name: str
    type: str
    unit: str | None
    description: str
    source: str | None
    window: str
    definition: str
    is_own: bool

    @property
    def is_number(self) -> bool:
        """Whether its values can be drawn as a line."""
        return self.type.startswith(_NUMBERS)

    @property
    def kind(self) -> Kind:
        """How its values are shown."""
        if self.unit == "currency":
            return "money"
        if self.unit == "share":
            return "percent"
        kinds: dict[str, Kind] = {"BOOLEAN": "flag", "DATE": "date", "TIMESTAMP": "time"}
        if self.type in kinds:
            return kinds[self.type]
        if not self.is_number:
            return "text"
        return "decimal" if self.type.startswith(("DOUBLE", "DECIMAL", "FLOAT")) else "number"


@dataclass(frozen=True)
class Line:
    """One attribute without a window, or all windows of one; `first` speaks for them."""

    name: str
    by_window: Mapping[str, Attribute]

    @property
    def first(self) -> Attribute:
        """The attribute over all time, or else that over the shortest window."""
        return next(iter(self.by_window.values()))

    @property
    def has_windows(self) -> bool:
        """Whether there is one over a window."""
        return any(self.by_window)

    @cached_property
    def words(self) -> str:
        """What a search looks at, in lower case."""
        parts = [
            text
            for each in self.by_window.values()
            for text in (each.name, each.description, each.source, each.unit, each.definition)
            if text
        ]
        own = ["own"] if self.first.is_own else []
        return "\n".join([*parts, *own]).lower()


@dataclass(frozen=True)
class Group:
    """Lines about the same thing."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Profile:
    """The profile of a day. `values` are by attribute; None where there is no profile of the day.

    `day` is the newest profiled day up to the one asked for; None where none was profiled yet.
    """

    day: date | None
    first_day: date | None
    newest_day: date | None
    day_before: date | None
    day_after: date | None
    as_known_at: datetime | None
    attributes: Mapping[str, Attribute]
    groups: tuple[Group, ...]
    values: Mapping[str, Any] | None


@dataclass(frozen=True)
class Span:
    """Days on which an attribute had one value."""

    first_day: date
    last_day: date
    value: Any


@dataclass(frozen=True)
class Correction:
    """Days of which another value was stated, from `as_known_at` until `known_until` (UTC)."""

    first_day: date
    last_day: date
    value_stated: Any
    value_known: Any
    as_known_at: datetime
    known_until: datetime


@dataclass(frozen=True)
class History:
    """An attribute of a person over time, the newest first; `total` counts all corrections."""

    attribute: Attribute
    spans: tuple[Span, ...]
    corrections: tuple[Correction, ...]
    total: int


def profile(copy: Copy, person: Person, day: date | None) -> Profile:
    """The profile at the end of a day (UTC), or of the newest day."""
    days = copy.one("contact/profile_days", day=day)
    attributes = _attributes(copy)
    values = None
    if days["day"] is not None:
        found = copy.row("contact/profile", user_id=person.user_id, day=days["day"])
        values = None if found is None else {name.upper(): found[name] for name in found}
    return Profile(
        **days,
        as_known_at=None if values is None else values["AS_KNOWN_AT"],
        attributes=attributes,
        groups=grouped(attributes),
        values=None if values is None else {n: values[n.upper()] for n in attributes},
    )


def history(copy: Copy, person: Person, name: str) -> History | None:
    """What an attribute was on every profiled day; None where there is no such attribute."""
    attribute = _attributes(copy).get(name)
    if attribute is None:
        return None
    bound = {"user_id": person.user_id, "attribute": attribute.name}
    corrections = copy.rows("contact/attribute_corrections", **bound)
    return History(
        attribute,
        tuple(Span(**row) for row in copy.rows("contact/attribute_spans", **bound)),
        tuple(
            Correction(**{key: value for key, value in row.items() if key != "total"})
            for row in corrections
        ),
        corrections[0]["total"] if corrections else 0,
    )


def found_lines(group: Group, text: str) -> tuple[Line, ...]:
    """The lines in which every word of a text stands somewhere."""
    words = text.lower().split()
    return tuple(line for line in group.lines if all(word in line.words for word in words))


def _attributes(copy: Copy) -> dict[str, Attribute]:
    """Every attribute by name; a copy never changes, so that they are asked for once."""
    if copy not in _KNOWN:
        _KNOWN[copy] = _asked_attributes(copy)
    return _KNOWN[copy]


def _asked_attributes(copy: Copy) -> dict[str, Attribute]:
    return {
        row["name"]: Attribute(
            *(row["name"], row["type"], row["unit"], row["description"], row["source"]),
            window=row["window_name"] or "",
            definition=row["definition"],
            is_own=row["is_own"],
        )
        for row in copy.rows("contact/profile_fields")
    }


def grouped(attributes: Mapping[str, Attribute]) -> tuple[Group, ...]:
    """All attributes as lines, in groups; within a group in the order of the attributes."""
    lines: dict[str, dict[str, Attribute]] = {}
    for attribute in attributes.values():
        name, window = _base(attribute, attributes)
        lines.setdefault(name, {})[window] = attribute
    order = ("", *WINDOWS)
    groups: dict[str, list[Line]] = {}
    for name, found in lines.items():
        line = Line(name, {window: found[window] for window in order if window in found})
        subject = _subject(line.first, attributes)
        title = _TITLES.get(subject, subject.replace("_", " ").capitalize())
        groups.setdefault(title, []).append(line)
    titles = [*(title for title in _TITLES.values() if title in groups), *groups]
    return tuple(Group(title, tuple(groups[title])) for title in dict.fromkeys(titles))


def _base(attribute: Attribute, attributes: Mapping[str, Attribute]) -> tuple[str, str]:
    """Without its window, and the window; what is worked out of others tells it by its name."""
    match = _SUFFIX.fullmatch(attribute.name)
    if match is None:
        return attribute.name, ""
    base, window = match.groups()
    whole = attributes.get(base)
    is_same = whole is not None and (whole.type, whole.unit) == (attribute.type, attribute.unit)
    if attribute.window == window or (attribute.source is None and is_same):
        return base, window
    return attribute.name, ""


def _subject(
    attribute: Attribute, attributes: Mapping[str, Attribute], seen: tuple[str, ...] = ()
) -> str:
    """The source; for what is worked out of others, that of the first that it is worked out of."""
    if attribute.source is not None:
        return attribute.source
    by_name = {name.upper(): each for name, each in attributes.items()}
    for word in _WORD.findall(attribute.definition):
        other = by_name.get(word.upper())
        if other is not None and other.name not in (attribute.name, *seen):
            return _subject(other, attributes, (*seen, attribute.name))
    return _OTHERS
