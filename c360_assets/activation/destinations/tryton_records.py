"""A record as a party of Tryton: where each field of a mapping lies, how it is read and written.

A party has few fields of its own, so that what a mapping names lies in four places:

* `email`, `phone`, `mobile`, `website` and the like: a contact mechanism of that type. Ours bears
  `c360` in the first line of its comment; those of other people are never touched.
* `category_<word>`: a category below `c360 / <word>`, one per value (`c360 / segment / Champions`).
  Only categories below `c360` are moved.
* `c360_<word>`: an identifier without a type, whose code is `c360_<word>:<value>`. Keys of ours lie
  there, and so do numbers: nobody mails an identifier, no document prints one that has no type, and
  `c360_orders:5` is found by the search of the client.
* anything else: a field of `party.party` itself (`name`, or what a module of your own adds).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from c360_assets.activation.destinations.tryton_rpc import TrytonRpc, read_back, spelled
from c360_assets.activation.destinations.values import text_of
from c360_assets.activation.sync.model import ObjectMapping, Payload, Remote, Value
from c360_assets.crm_rules import FieldType
from c360_assets.errors import ConfigError, RowsRefusedError

Place: TypeAlias = Literal["mechanism", "category", "identifier", "own"]

PARTY, IDENTIFIER = "party.party", "party.identifier"
MECHANISM, CATEGORY = "party.contact_mechanism", "party.category"
MECHANISM_TYPES = frozenset(
    ("phone", "mobile", "fax", "email", "website", "skype", "sip", "irc", "jabber", "other")
)
IDENTIFIER_PREFIX, CATEGORY_PREFIX = "c360_", "category_"
ROOT = MARK = "c360"
ACTIVE_OR_NOT = ["active", "in", [True, False]]
_NAMED = ("name", "parent")
_YES_AND_NO = {"true": "yes", "false": "no"}
_CHILDREN = (
    *("identifiers.type", "identifiers.code"),
    *("contact_mechanisms.type", "contact_mechanisms.value", "contact_mechanisms.comment"),
    *("categories.name", "categories.parent"),
)


def place_of(name: str) -> Place:
    """Where a field lies."""
    if name in MECHANISM_TYPES:
        return "mechanism"
    if name.startswith(CATEGORY_PREFIX):
        return "category"
    return "identifier" if name.startswith(IDENTIFIER_PREFIX) else "own"


def code_of(name: str, value: Value) -> str:
    """The code of the identifier that holds a value."""
    return f"{name}:{text_of(value).strip()}"


def category_of(type_: FieldType, value: Value) -> str:
    """The name of the category that says a value."""
    text = text_of(value).strip()
    return _YES_AND_NO.get(text, text) if type_ == "boolean" else text


@dataclass
class TrytonParties:
    """Parties as records, and records as what is to be written of parties.

    `kinds` are Tryton's words for the types of the party's own fields; `branches` are the ids of
    the categories below `c360`, and `leaves` those below them, by name.
    """

    rpc: TrytonRpc
    kinds: dict[str, str] = field(default_factory=dict)
    branches: dict[str, int] = field(default_factory=dict)
    leaves: dict[int, dict[str, int]] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    root: int | None = None
    is_loaded: bool = False

    # --- reading -------------------------------------------------------------------------------

    def load(self, mapping: ObjectMapping, domain: Sequence[Any]) -> dict[int, dict[str, Any]]:
        """Parties of a domain with their identifiers, mechanisms and categories, by id."""
        self.learn_kinds(mapping)
        fields = [*(name for name in mapping.fields if name in self.kinds), *_CHILDREN]
        return {each["id"]: each for each in self.rpc.search_read(PARTY, domain, fields)}

    def remote_of(self, mapping: ObjectMapping, party: Mapping[str, Any]) -> Remote:
        """A party as a record."""
        names = {*mapping.fields, mapping.unique}
        if not self.is_loaded and any(place_of(name) == "category" for name in names):
            self.load_categories()
        values = {name: self._value(mapping, party, name) for name in sorted(names)}
        return Remote(str(party["id"]), values)

    def _value(self, mapping: ObjectMapping, party: Mapping[str, Any], name: str) -> str | None:
        place = place_of(name)
        if place == "own":
            return read_back(self.kinds.get(name, "char"), party.get(name))
        if place == "identifier":
            codes = [each["code"] for each in _identifiers(party, name)]
            return codes[0].removeprefix(f"{name}:") if codes else None
        if place == "mechanism":
            of_type = _mechanisms(party, name)
            shown = [each for each in of_type if _is_ours(each)] or of_type
            return shown[0]["value"] if shown else None
        texts = sorted(each["name"] for each in self._categories(party, name))
        said = ", ".join(texts) or None
        if mapping.fields.get(name) == "boolean":
            return {"yes": "true", "no": "false"}.get(said or "", said)
        return said

    def _categories(self, party: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        branch = self.branches.get(name.removeprefix(CATEGORY_PREFIX))
        return [c for c in party["categories."] if branch is not None and c["parent"] == branch]

    def learn_kinds(self, mapping: ObjectMapping) -> None:
        """Ask for the types of the party's own fields; what Tryton does not have stays out."""
        own = {name for name in mapping.fields if place_of(name) == "own"}
        asked = sorted(own - set(self.kinds))
        if asked:
            found = self.rpc.call(f"model.{PARTY}.fields_get", asked)
            self.kinds.update({name: found[name]["type"] for name in asked if name in found})
            self.read_only |= {name for name in asked if name in found and found[name]["readonly"]}

    # --- categories ----------------------------------------------------------------------------

    def load_categories(self) -> None:
        """Read the categories below `c360`: their children by name, and the children of those."""
        path, below = "", list[Any](["OR"])
        for _ in range(3):
            # `c360` itself, its children, and theirs
            ends = [[f"{path}parent", "=", None], [f"{path}name", "=", ROOT]]
            below.append(ends)
            path += "parent."
        found = self.rpc.search_read(CATEGORY, below, _NAMED)
        roots = [each["id"] for each in found if each["parent"] is None]
        self.root = roots[0] if roots else None
        self.branches = {c["name"]: c["id"] for c in found if roots and c["parent"] == self.root}
        self.leaves = {id_: {} for id_ in self.branches.values()}
        for each in found:
            if each["parent"] in self.leaves:
                self.leaves[each["parent"]][each["name"]] = each["id"]
        self.is_loaded = True

    def make_branch(self, name: str) -> None:
        """Make the parent category of a field's values, and `c360` itself with the first.

        Raises CrmError where the user may not.
        """
        if not self.is_loaded:
            self.load_categories()
        word = name.removeprefix(CATEGORY_PREFIX)
        try:
            if self.root is None:
                self.root = self._make_category(ROOT, None)
            self.branches[word] = self._make_category(word, self.root)
        except RowsRefusedError as error:
            told = f"the category {ROOT} / {word} cannot be made (is there one out of use?)"
            raise self.rpc.not_allowed(told, error) from None
        self.leaves[self.branches[word]] = {}

    def get_ready(self, mapping: ObjectMapping, payloads: Iterable[Payload]) -> None:
        """Learn what `written` needs to know, and make the categories of values that are new."""
        self.learn_kinds(mapping)
        wanted: dict[str, set[str]] = defaultdict(set)
        for payload in payloads:
            for name, value in payload.items():
                if place_of(name) == "category" and value not in (None, ""):
                    wanted[name].add(category_of(mapping.fields[name], value))
        if any(texts - set(self._leaves(name)) for name, texts in wanted.items()):
            # somebody may have made them since
            self.load_categories()
        for name, texts in wanted.items():
            branch = self._branch(name)
            for text in sorted(texts - set(self.leaves[branch])):
                self.leaves[branch][text] = self._make_category(text, branch)

    def _make_category(self, name: str, parent: int | None) -> int:
        made: list[int] = self.rpc.write(
            f"model.{CATEGORY}.create", [{"name": name, "parent": parent}]
        )
        return made[0]

    def _leaves(self, name: str) -> Mapping[str, int]:
        return self.leaves.get(self.branches.get(name.removeprefix(CATEGORY_PREFIX), -1), {})

    def _branch(self, name: str) -> int:
        word = name.removeprefix(CATEGORY_PREFIX)
        if word not in self.branches:
            raise ConfigError(
                f"tryton has no category {ROOT} / {word} for the field {name}; "
                "`c360 crm prepare` makes it"
            )
        return self.branches[word]

    # --- writing -------------------------------------------------------------------------------

    def written(
        self, mapping: ObjectMapping, payload: Payload, party: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """What is to be written of a party (None: of a new one), as Tryton takes it."""
        values: dict[str, Any] = {}
        todo: dict[str, list[Any]] = defaultdict(list)
        for name, value in payload.items():
            value = None if value == "" else value
            place = place_of(name)
            if place == "own":
                values[name] = spelled(self.kinds.get(name, "char"), value)
            elif place == "identifier":
                todo["identifiers"] += _identifier_steps(name, value, party)
            elif place == "mechanism":
                todo["contact_mechanisms"] += _mechanism_steps(name, value, party)
            else:
                todo["categories"] += self._category_steps(mapping, name, value, party)
        return values | {name: steps for name, steps in todo.items() if steps}

    def _category_steps(
        self, mapping: ObjectMapping, name: str, value: Value, party: Mapping[str, Any] | None
    ) -> list[Any]:
        held = {c["id"] for c in self._categories(party, name)} if party else set()
        wanted = set()
        if value is not None:
            wanted = {self._leaves(name)[category_of(mapping.fields[name], value)]}
        return _steps(("remove", sorted(held - wanted)), ("add", sorted(wanted - held)))


def _identifiers(party: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The identifiers of a party that hold a field of ours."""
    return [
        each
        for each in party["identifiers."]
        if each["type"] is None and each["code"].startswith(f"{name}:")
    ]


def _mechanisms(party: Mapping[str, Any], type_: str) -> list[Mapping[str, Any]]:
    return [each for each in party["contact_mechanisms."] if each["type"] == type_]


def _is_ours(mechanism: Mapping[str, Any]) -> bool:
    return (mechanism["comment"] or "").splitlines()[:1] == [MARK]


def _identifier_steps(name: str, value: Value, party: Mapping[str, Any] | None) -> list[Any]:
    """One identifier of ours for a value, none for nothing."""
    held = [each["id"] for each in _identifiers(party, name)] if party else []
    if value is None:
        return _steps(("delete", held))
    wanted = {"code": code_of(name, value)}
    if not held:
        return [["create", [wanted]]]
    return [["write", held[:1], wanted], *_steps(("delete", held[1:]))]


def _mechanism_steps(type_: str, value: Value, party: Mapping[str, Any] | None) -> list[Any]:
    """One mechanism of ours for a value; for nothing it is put out of use, as Tryton does."""
    there = _mechanisms(party, type_) if party else []
    ours = [each for each in there if _is_ours(each)]
    if value is None:
        return [["write", [each["id"] for each in ours], {"active": False}]] if ours else []
    text = text_of(value).strip()
    if ours:
        return [["write", [ours[0]["id"]], {"value": text}]]
    for each in there:
        if each["value"].lower() == text.lower():
            # it says what we want to say: from now on it is ours, and follows the person
            comment = f"{MARK}\n{each['comment'] or ''}".strip()
            return [["write", [each["id"]], {"comment": comment}]]
    return [["create", [{"type": type_, "value": text, "comment": MARK}]]]


def _steps(*steps: tuple[str, Sequence[int]]) -> list[Any]:
    return [[word, [*ids]] for word, ids in steps if ids]
