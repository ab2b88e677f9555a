"""HubSpot's associations v4: which types there are, which records are linked, and the calls.

Belongs here: links, seen from both of their ends. Not here: records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from c360_assets_tests.activation.emulators.hubspot_objects import batch, check_size, row_error
from c360_assets_tests.activation.emulators.hubspot_records import (
    Account,
    Kind,
    Record,
    RefusedError,
    not_valid,
)

ROWS_TO_WRITE, ROWS_TO_READ = 2000, 1000
PRIMARY = 1
Row: TypeAlias = Mapping[str, Any]
# object and id of a record; a link's two of them
End: TypeAlias = tuple[str, str]
Ends: TypeAlias = tuple[End, End]


@dataclass(frozen=True)
class Type:
    """A type of association, seen from one end; `inverse` is its number from the other."""

    category: str
    number: int
    label: str | None
    inverse: int

    def document(self) -> dict[str, Any]:
        """As it stands in answers."""
        return {"category": self.category, "typeId": self.number, "label": self.label}


# What every account has (HubSpot's table of association type ids).
_STANDARD: dict[tuple[str, str], list[tuple[int, str | None, int]]] = {
    ("contacts", "companies"): [(279, None, 280), (1, "Primary", 2)],
    ("companies", "contacts"): [(280, None, 279), (2, "Primary", 1)],
    ("contacts", "contacts"): [(449, None, 449)],
    ("companies", "companies"): [
        (450, None, 450),
        (13, "Child Company", 14),
        (14, "Parent Company", 13),
    ],
}
FIRST_OWN_NUMBER = 31


class Associations:
    """The links of the account; the calls return status and body, or raise `RefusedError`."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.links: dict[End, dict[End, set[int]]] = {}
        self._next_number = FIRST_OWN_NUMBER
        self.types = {
            pair: [Type("HUBSPOT_DEFINED", *each) for each in found]
            for pair, found in _STANDARD.items()
        }
        names = list(account.kinds)
        for place, one in enumerate(names):
            for other in names[place:]:
                if (one, other) not in self.types:
                    self._add(one, other, None, None, "USER_DEFINED")

    def add_label(self, from_: str, to: str, label: str, inverse_label: str | None = None) -> int:
        """A type of one's own, as made in HubSpot's settings; its number, seen from `from_`."""
        return self._add(from_, to, label, inverse_label or label, "USER_DEFINED")

    def _add(self, one: str, other: str, label: str | None, back: str | None, category: str) -> int:
        number = self._next_number
        inverse = number if one == other and label == back else number + 1
        self._next_number += 2
        self.types.setdefault((one, other), []).append(Type(category, number, label, inverse))
        if inverse != number:
            self.types.setdefault((other, one), []).append(Type(category, inverse, back, number))
        return number

    def labels(self, one: Kind, other: Kind) -> tuple[int, Any]:
        """The types of links between two kinds of records."""
        found = self.types.get((one.name, other.name), [])
        return 200, {"results": [type_.document() for type_ in found]}

    def create_label(self, one: Kind, other: Kind, body: Row) -> tuple[int, Any]:
        """Make a label; answered with its types from either end."""
        there = {type_.label for type_ in self.types.get((one.name, other.name), [])}
        if body["label"] in there:
            raise RefusedError(400, "VALIDATION_ERROR", f"{body['label']!r} is there already")
        self.add_label(one.name, other.name, body["label"], body.get("inverseLabel"))
        made = self.types[one.name, other.name][-1]
        return 201, {"results": [made.document()]}

    # --- state ---------------------------------------------------------------------------------

    def connect(self, ends: Ends, types: list[Type]) -> None:
        """Link two records; a labelled link is an unlabelled one, too; one company is primary."""
        one, other = ends
        for type_ in [*types, self.unlabelled(one[0], other[0])]:
            if type_.label == "Primary":
                self._unset_primary(*(ends if one[0] == "contacts" else _turned(ends)))
            self.links.setdefault(one, {}).setdefault(other, set()).add(type_.number)
            self.links.setdefault(other, {}).setdefault(one, set()).add(type_.inverse)

    def disconnect(self, ends: Ends, types: list[Type] | None = None) -> None:
        """Take types away; without an unlabelled one nothing is left (None: all)."""
        for one, other in (ends, _turned(ends)):
            if types is None or any(type_.label is None for type_ in types):
                self.links.get(one, {}).pop(other, None)
                continue
            gone = {type_.number if one == ends[0] else type_.inverse for type_ in types}
            self.links.get(one, {}).get(other, set()).difference_update(gone)

    def types_between(self, ends: Ends) -> list[Type]:
        """The types of the links between two records, seen from the first."""
        return self._named(ends, self.links.get(ends[0], {}).get(ends[1], set()))

    def linked(self, end: End, object_: str | None = None) -> list[End]:
        """The records that one is linked to, by id."""
        found = [each for each in self.links.get(end, {}) if object_ in (None, each[0])]
        return sorted(found, key=lambda each: (each[0], int(each[1])))

    def _unset_primary(self, contact: End, company: End) -> None:
        for other in self.linked(contact, company[0]):
            primary = [t for t in self.types[contact[0], other[0]] if t.label == "Primary"]
            self.disconnect((contact, other), primary)

    def move(self, kind: Kind, gone: str, to: str) -> None:
        """Hand a merged-away record's links to what is left; it is not linked to itself."""
        end, target = (kind.name, gone), (kind.name, to)
        had = {other[0] for other in self.linked(target)}
        for other in self.linked(end):
            types = self.types_between((end, other))
            self.disconnect((end, other))
            if other != target:
                kept = [t for t in types if t.label != "Primary" or other[0] not in had]
                self.connect((target, other), kept)

    def drop(self, kind: Kind, id_: str) -> None:
        """Take all links of a record away."""
        for other in self.linked((kind.name, id_)):
            self.disconnect(((kind.name, id_), other))

    def associate(self, kind: Kind, record: Record, rows: list[Row]) -> None:
        """Link a new record as its creation asks for."""
        for row in rows:
            numbers = {each["associationTypeId"] for each in row["types"]}
            pairs = [
                pair
                for pair, types in self.types.items()
                if pair[0] == kind.name and numbers <= {type_.number for type_ in types}
            ]
            if not pairs:
                raise _no_type(kind.name, "any object", sorted(numbers))
            other = self.account.kind(pairs[0][1])
            to = self._there(other, row["to"]["id"])
            ends = ((kind.name, record.id), (other.name, to.id))
            self.connect(ends, self._named(ends, numbers))

    def unlabelled(self, one: str, other: str) -> Type:
        """The type that says no more than that two records belong together."""
        return next(each for each in self.types[one, other] if each.label is None)

    def _named(self, ends: Ends, numbers: set[int]) -> list[Type]:
        types = self.types[ends[0][0], ends[1][0]]
        return [each for each in types if each.number in numbers]

    # --- calls ---------------------------------------------------------------------------------

    def create(self, one: Kind, other: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Link records with the types given."""
        check_size(rows, ROWS_TO_WRITE)
        asked = [(row, self._asked_types(one, other, row["types"])) for row in rows]

        def link(row: Row, types: list[Type]) -> dict[str, Any]:
            ends = self._ends(one, other, row)
            self.connect(ends, types)
            return self._labels(one, other, ends)

        return self._each(201, [(lambda r=row, t=types: link(r, t)) for row, types in asked])

    def associate_default(self, one: Kind, other: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Link records without a label; answered once for each of the two directions."""
        check_size(rows, ROWS_TO_WRITE)

        def link(row: Row) -> list[dict[str, Any]]:
            ends = self._ends(one, other, row)
            type_ = self.unlabelled(one.name, other.name)
            self.connect(ends, [type_])
            return [
                _default(type_.category, type_.number, ends[0][1], ends[1][1]),
                _default(type_.category, type_.inverse, ends[1][1], ends[0][1]),
            ]

        status, body = self._each(200, [(lambda r=row: link(r)) for row in rows])
        body["results"] = [each for pair in body["results"] for each in pair]
        # the description has no 207 here: errors stand in a 200
        return 200 if status == 207 else status, body

    def _each(self, status: int, links: list[Callable[[], Any]]) -> tuple[int, Any]:
        results, errors = [], []
        for link in links:
            try:
                results.append(link())
            except RefusedError as refusal:
                errors.append(row_error(refusal))
        return batch(status, self.account, results, errors)

    def read(self, one: Kind, other: Kind, rows: list[Row]) -> tuple[int, Any]:
        """The links of records; those without any are errors."""
        check_size(rows, ROWS_TO_READ)
        results, errors = [], []
        for row in rows:
            record = self.account.resolve(one, row["id"])
            found = self.of(one, record.id if record else row["id"], other)
            if found:
                results.append({"from": {"id": row["id"]}, "to": found})
            else:
                errors.append(row_error(_none_found(one, row["id"], other)))
        return batch(200, self.account, results, errors)

    def of(self, one: Kind, id_: str, other: Kind) -> list[dict[str, Any]]:
        """What a record is linked to, by id."""
        end = (one.name, id_)
        return [
            {
                "toObjectId": to[1],
                "associationTypes": [each.document() for each in self.types_between((end, to))],
            }
            for to in self.linked(end, other.name)
        ]

    def archive(self, one: Kind, other: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Take all links between records away; where there are none nothing happens."""
        check_size(rows, ROWS_TO_WRITE)
        for row in rows:
            for to in row["to"]:
                self.disconnect(self._ends_now(one, row["from"], other, to))
        return 204, None

    def archive_labels(self, one: Kind, other: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Take links of the types given away; with the unlabelled one all of them go."""
        check_size(rows, ROWS_TO_WRITE)
        asked = [(row, self._asked_types(one, other, row["types"])) for row in rows]
        for row, types in asked:
            self.disconnect(self._ends_now(one, row["from"], other, row["to"]), types)
        return 204, None

    def put(self, one: Kind, other: Kind, row: Row) -> tuple[int, Any]:
        """Link two records with the types given."""
        types = self._asked_types(one, other, row["types"])
        ends = self._ends(one, other, row)
        self.connect(ends, types)
        return 201, self._labels(one, other, ends)

    def _labels(self, one: Kind, other: Kind, ends: Ends) -> dict[str, Any]:
        return {
            "fromObjectTypeId": one.type_id,
            "fromObjectId": ends[0][1],
            "toObjectTypeId": other.type_id,
            "toObjectId": ends[1][1],
            "labels": [t.label for t in self.types_between(ends) if t.label],
        }

    def _asked_types(self, one: Kind, other: Kind, asked: list[Row]) -> list[Type]:
        known = {(t.category, t.number): t for t in self.types[one.name, other.name]}
        keys = [(each["associationCategory"], each["associationTypeId"]) for each in asked]
        if not keys or any(key not in known for key in keys):
            raise _no_type(one.name, other.name, keys)
        return [known[key] for key in keys]

    def _ends(self, one: Kind, other: Kind, row: Row) -> Ends:
        from_ = self._there(one, row["from"]["id"], row)
        to = self._there(other, row["to"]["id"], row)
        return ((one.name, from_.id), (other.name, to.id))

    def _ends_now(self, one: Kind, from_: Row, other: Kind, to: Row) -> Ends:
        """The ends that a call names, where merged-away ids lead."""
        found = []
        for kind, id_ in ((one, from_["id"]), (other, to["id"])):
            record = self.account.resolve(kind, id_)
            found.append((kind.name, record.id if record else id_))
        return found[0], found[1]

    def _there(self, kind: Kind, id_: str, row: Row | None = None) -> Record:
        record = self.account.resolve(kind, id_)
        if record is None:
            ends = {f"{end}ObjectId": [row[end]["id"]] for end in ("from", "to")} if row else {}
            message = f"{kind.name.upper()}={id_} is not valid"
            raise RefusedError(
                400, "VALIDATION_ERROR", message, code="INVALID_OBJECT_IDS", context=ends
            )
        return record


def _turned(ends: Ends) -> Ends:
    return ends[1], ends[0]


def _default(category: str, number: int, from_: str, to: str) -> dict[str, Any]:
    spec = {"associationCategory": category, "associationTypeId": number}
    return {"from": {"id": from_}, "to": {"id": to}, "associationSpec": spec}


def _no_type(one: str, other: str, keys: Any) -> RefusedError:
    return not_valid(
        "INVALID_ASSOCIATION_TYPE", f"{one} to {other}: no such association types: {keys}"
    )


def _none_found(one: Kind, id_: str, other: Kind) -> RefusedError:
    return RefusedError(
        404,
        "OBJECT_NOT_FOUND",
        f"No {other.name} are associated with {one.name} {id_}.",
        context={"fromObjectId": [id_], "toObjectType": [other.name]},
    )
