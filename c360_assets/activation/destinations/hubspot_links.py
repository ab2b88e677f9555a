"""HubSpot's associations v4: types by number or by label, made, taken away.

A label of one's own always stands beside the unlabelled type. To take the unlabelled one away takes
all labels of that pair with it. Source: HubSpot's published OpenAPI (CRM associations v4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from c360_assets.activation.destinations.hubspot_answers import json_of
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import Link, Verdict
from c360_assets.crm_rules import LinkRules
from c360_assets.errors import CrmError

OWN_LABELS = ("USER_DEFINED", "INTEGRATOR_DEFINED")
LABEL = "LABEL:"
READ_AT_ONCE = 1000


@dataclass(frozen=True)
class HubspotLinks:
    """The associations of one account; `rules` say which type each kind of link is.

    `type` of a link is `CATEGORY:number`, or `LABEL:the label` of a type that the account has made.
    """

    client: ApiClient
    rules: Mapping[str, LinkRules]
    remote_objects: Mapping[str, str]
    labels: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def missing(self) -> Sequence[str]:
        """Kinds of links whose label the account does not have."""
        return [kind for kind in self.rules if self._type(kind) is None]

    def create(self, kind: str) -> None:
        """Make a label."""
        label = self.rules[kind].type.removeprefix(LABEL)
        name = "c360_" + re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
        body = {"label": label, "name": name}
        try:
            json_of(self.client, "POST", f"{self._between(kind)}/labels", body)
        except CrmError:
            # the answer of the call that made it may be lost, and HubSpot refuses a second one
            self.labels.clear()
            if self._type(kind) is None:
                raise
        else:
            self.labels.clear()

    def make(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make associations of the kind's type."""
        answer = json_of(
            self.client,
            "POST",
            f"{self._between(kind)}/batch/create",
            {"inputs": [self._association(kind, link) for link in links]},
            refuses_rows=True,
        )
        made = {(str(each["fromObjectId"]), str(each["toObjectId"])) for each in answer["results"]}
        errors = answer.get("errors") or []
        reason = "; ".join(error["message"] for error in errors) or None
        lost = Verdict("rejected" if errors else "unknown", reason=reason)
        return [
            Verdict("acknowledged") if (link.from_id, link.to_id) in made else lost
            for link in links
        ]

    def take_away(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take links away: a label of one's own alone, a type of HubSpot's with all on that pair.

        A type of HubSpot's own stands beside the unlabelled one, which would stay; but where the
        pair has labels of one's own, those need it.
        """
        labelled, bare = links, []
        if self._known_type(kind)["associationCategory"] not in OWN_LABELS:
            own = self._with_own_labels(kind, links)
            labelled = [link for link in links if (link.from_id, link.to_id) in own]
            bare = [link for link in links if (link.from_id, link.to_id) not in own]
        path = self._between(kind)
        if labelled:
            inputs = [self._association(kind, link) for link in labelled]
            json_of(
                *(self.client, "POST", f"{path}/batch/labels/archive", {"inputs": inputs}),
                refuses_rows=True,
            )
        if bare:
            inputs = [{"from": {"id": link.from_id}, "to": [{"id": link.to_id}]} for link in bare]
            json_of(
                *(self.client, "POST", f"{path}/batch/archive", {"inputs": inputs}),
                refuses_rows=True,
            )
        return [Verdict("acknowledged") for _ in links]

    def _with_own_labels(self, kind: str, links: Sequence[Link]) -> set[tuple[str, str]]:
        """The pairs that bear labels of one's own."""
        starts = list(dict.fromkeys(link.from_id for link in links))
        found = set()
        for place in range(0, len(starts), READ_AT_ONCE):
            asked = [{"id": start} for start in starts[place : place + READ_AT_ONCE]]
            path = f"{self._between(kind)}/batch/read"
            for row in json_of(self.client, "POST", path, {"inputs": asked})["results"]:
                found |= {
                    (str(row["from"]["id"]), str(to["toObjectId"]))
                    for to in row["to"]
                    for type_ in to["associationTypes"]
                    if type_["category"] in OWN_LABELS
                }
        return found

    def _between(self, kind: str) -> str:
        rules = self.rules[kind]
        ends = (self.remote_objects[name] for name in (rules.from_object, rules.to_object))
        return "/crm/v4/associations/" + "/".join(ends)

    def _association(self, kind: str, link: Link) -> dict[str, Any]:
        types = [self._known_type(kind)]
        return {"from": {"id": link.from_id}, "to": {"id": link.to_id}, "types": types}

    def _known_type(self, kind: str) -> dict[str, Any]:
        type_ = self._type(kind)
        if type_ is None:
            raise CrmError(
                f"hubspot has no label {self.rules[kind].type!r} for {kind}; "
                "`c360 crm prepare` makes it"
            )
        return type_

    def _type(self, kind: str) -> dict[str, Any] | None:
        """The association type of a kind of link, given by its number or by its label."""
        category, _, text = self.rules[kind].type.partition(":")
        if f"{category}:" != LABEL:
            return {"associationCategory": category, "associationTypeId": int(text)}
        path = self._between(kind)
        if path not in self.labels:
            self.labels[path] = {
                found["label"]: {
                    "associationCategory": found["category"],
                    "associationTypeId": found["typeId"],
                }
                for found in json_of(self.client, "GET", f"{path}/labels")["results"]
                if found["label"]
            }
        return self.labels[path].get(text)
