"""Links between parties: relations of the module `party_relationship`.

The `type` of a kind of link is the name of a relation type, which `c360 crm prepare` makes. Only
relations of these types are made and taken away. Source: trytond_party_relationship 8.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from c360_assets.activation.destinations.tryton_rpc import TrytonRpc
from c360_assets.activation.sync.model import Link, Verdict
from c360_assets.crm_rules import LinkRules
from c360_assets.errors import ConfigError, CrmError, OutcomeUnknownError, RowsRefusedError

TYPE = "party.relation.type"
# the model that clients see; it shows each relation from both ends, ours from its own
RELATION = "party.relation.all"


@dataclass(frozen=True)
class TrytonLinks:
    """The relations of one database; `types` are ids by name, as far as they were asked for."""

    rpc: TrytonRpc
    rules: Mapping[str, LinkRules]
    types: dict[str, int] = field(default_factory=dict)

    def missing(self) -> Sequence[str]:
        """Kinds of links whose relation type there is not."""
        names = {each.type for each in self.rules.values()}
        if names - set(self.types) and self._is_possible():
            found = self.rpc.search_read(TYPE, [["name", "in", sorted(names)]], ["name"])
            self.types.update({each["name"]: each["id"] for each in found})
        return [kind for kind, each in self.rules.items() if each.type not in self.types]

    def _is_possible(self) -> bool:
        """Whether the module is active in the database."""
        return bool(self.rpc.search_read("ir.model", [["name", "=", TYPE]], ["id"]))

    def create(self, kind: str) -> None:
        """Make a relation type; two kinds may share one.

        Raises:
            ConfigError: the database has no relations.
            CrmError: the user may not.
        """
        if not self.types and not self._is_possible():
            raise ConfigError(
                f"crm.tryton.links.{kind}: the database {self.rpc.database!r} has no relations; "
                "activate the module party_relationship in Tryton, or write `links = {}` under "
                "[crm.tryton] in c360.toml"
            )
        name = self.rules[kind].type
        if name in self.types:
            return
        try:
            (self.types[name],) = self.rpc.write(f"model.{TYPE}.create", [{"name": name}])
        except RowsRefusedError as error:
            raise self.rpc.not_allowed(
                f"the relation type {name!r} cannot be made", error
            ) from None

    def make(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make relations; those that are there already are well."""
        there = self._there(kind, links)
        new = sorted({_ends(link) for link in links} - set(there))
        type_ = self._type(kind)
        rows = [{"from_": start, "to": end, "type": type_} for start, end in new]
        made = self.rpc.write(f"model.{RELATION}.create", rows) if rows else []
        if len(made) != len(rows):
            raise OutcomeUnknownError("tryton: create did not answer with an id for each relation")
        return [Verdict("acknowledged")] * len(links)

    def remove(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take relations away; those that are there no more are well."""
        there = self._there(kind, links)
        self._delete(id_ for link in links for id_ in there.get(_ends(link), ()))
        return [Verdict("acknowledged")] * len(links)

    def forget(self, party: int) -> None:
        """Take all relations of our types away from a party."""
        self.missing()
        if self.types:
            ends = ["OR", ["from_", "=", party], ["to", "=", party]]
            domain = [["type", "in", sorted(self.types.values())], ends]
            self._delete(each["id"] for each in self.rpc.search_read(RELATION, domain, ["id"]))

    def _delete(self, ids: Iterable[int]) -> None:
        if asked := sorted(set(ids)):
            self.rpc.write(f"model.{RELATION}.delete", asked)

    def _there(self, kind: str, links: Sequence[Link]) -> dict[tuple[int, int], list[int]]:
        """The relations of the kind's type between parties of these links, by their ends."""
        domain: list[Any] = [
            ["type", "=", self._type(kind)],
            ["from_", "in", sorted({_ends(link)[0] for link in links})],
            ["to", "in", sorted({_ends(link)[1] for link in links})],
        ]
        found: dict[tuple[int, int], list[int]] = {}
        for each in self.rpc.search_read(RELATION, domain, ["from_", "to"]):
            found.setdefault((each["from_"], each["to"]), []).append(each["id"])
        return found

    def _type(self, kind: str) -> int:
        name = self.rules[kind].type
        if name not in self.types and kind in self.missing():
            raise CrmError(
                f"tryton has no relation type {name!r} for {kind}; `c360 crm prepare` makes it"
            )
        return self.types[name]


def _ends(link: Link) -> tuple[int, int]:
    return int(link.from_id), int(link.to_id)
