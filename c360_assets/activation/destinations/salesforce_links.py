"""Links as Salesforce has them: look-up fields, each of which holds one record.

A look-up has one place, and salespeople fill it, too: it is read before it is written. We write
where it is empty, and empty it where it holds what we had set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from c360_assets.activation.destinations.salesforce_answers import is_same_id, verdicts_of
from c360_assets.activation.destinations.salesforce_api import SalesforceApi
from c360_assets.activation.destinations.salesforce_schema import Schema
from c360_assets.activation.sync.model import Link, Verdict
from c360_assets.crm_rules import LinkRules


@dataclass(frozen=True)
class Lookups:
    """The kinds of links of a mapping; `type` of a kind is the field on the object it starts at."""

    api: SalesforceApi
    schema: Schema
    links: Mapping[str, LinkRules]
    remote_objects: Mapping[str, str]

    def missing(self) -> list[str]:
        """Kinds of mapped objects whose field the org does not have."""
        return [
            kind
            for kind, rules in self.links.items()
            if {rules.from_object, rules.to_object} <= set(self.remote_objects)
            and rules.type not in self.schema.fields(self._object(kind))
        ]

    def create(self, kind: str) -> None:
        """Make the field."""
        rules = self.links[kind]
        to = self.remote_objects[rules.to_object]
        self.schema.create_lookup(self._object(kind), rules.type, to)

    def link(self, kind: str, links: Sequence[Link]) -> list[Verdict]:
        """Fill the look-ups that are empty; one that holds another record is somebody's choice."""
        held = self._held(kind, links)
        verdicts: dict[int, Verdict] = {}
        for place, link in enumerate(links):
            there = held.get(link.from_id)
            if is_same_id(there, link.to_id):
                verdicts[place] = Verdict("acknowledged")
            elif there:
                verdicts[place] = Verdict(
                    "rejected",
                    reason=f"{self.links[kind].type} of {link.from_id} holds {there}, which "
                    f"somebody put there instead of {link.to_id}; empty it, and we fill it",
                )
        return self._write(kind, links, verdicts, is_filled=True)

    def unlink(self, kind: str, links: Sequence[Link]) -> list[Verdict]:
        """Empty the look-ups that hold what we had set."""
        held = self._held(kind, links)
        verdicts = {
            place: Verdict("acknowledged")
            for place, link in enumerate(links)
            if not is_same_id(held.get(link.from_id), link.to_id)
        }
        return self._write(kind, links, verdicts, is_filled=False)

    def _held(self, kind: str, links: Sequence[Link]) -> dict[str, str | None]:
        """What the look-ups hold, by the ids that they start at."""
        field, ids = self.links[kind].type, [link.from_id for link in links]
        body = {"ids": ids, "fields": ["Id", field]}
        answer = self.api.json("POST", f"/composite/sobjects/{self._object(kind)}", body)
        return {
            id_: record[field]
            for id_, record in zip(ids, answer, strict=False)
            if record is not None and is_same_id(record["Id"], id_)
        }

    def _write(
        self,
        kind: str,
        links: Sequence[Link],
        settled: Mapping[int, Verdict],
        is_filled: bool,
    ) -> list[Verdict]:
        """Write the look-ups that are not settled; all verdicts, in the order of the links."""
        open_ = [place for place in range(len(links)) if place not in settled]
        if not open_:
            return [settled[place] for place in range(len(links))]
        records: list[dict[str, Any]] = [
            {
                "attributes": {"type": self._object(kind)},
                "id": links[place].from_id,
                self.links[kind].type: links[place].to_id if is_filled else None,
            }
            for place in open_
        ]
        body = {"allOrNone": False, "records": records}
        answer = self.api.json("PATCH", "/composite/sobjects", body, refuses_rows=True)
        ids = [links[place].from_id for place in open_]
        written = dict(zip(open_, verdicts_of(answer, ids), strict=True))
        return [settled.get(place) or written[place] for place in range(len(links))]

    def _object(self, kind: str) -> str:
        return self.remote_objects[self.links[kind].from_object]
