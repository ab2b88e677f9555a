"""The destination `tryton`: parties of a Tryton server, over JSON-RPC.

Contacts and companies are parties. `create` and `write` take many records in one call and are all
or nothing, so that a refused call is halved until the bad row is alone. No call of Tryton can be
repeated without harm (it knows no key of ours that is unique): one without an answer leaves its
rows unknown, and they are looked for by their identifier before anything is sent again. A party
that is not active counts as gone: `delete` deactivates, since documents refer to parties, and who
comes back is the same party, active again. Source: trytond, trytond_party and
trytond_party_relationship 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from c360_assets.activation.destinations.connect import ApiDestination, Surroundings, address_of
from c360_assets.activation.destinations.tryton_links import TrytonLinks
from c360_assets.activation.destinations.tryton_records import (
    ACTIVE_OR_NOT,
    CATEGORY_PREFIX,
    IDENTIFIER,
    IDENTIFIER_PREFIX,
    MECHANISM,
    MECHANISM_TYPES,
    PARTY,
    TrytonParties,
    code_of,
    place_of,
)
from c360_assets.activation.destinations.tryton_rpc import TrytonRpc
from c360_assets.activation.destinations.tryton_wizards import TrytonWizards
from c360_assets.activation.destinations.values import same_value
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import (
    Limits,
    Link,
    ObjectMapping,
    Payload,
    Remote,
    RemoteField,
    Row,
    Value,
    Verdict,
)
from c360_assets.crm_rules import FieldType, TrytonRules
from c360_assets.errors import ConfigError, OutcomeUnknownError, RowsRefusedError

BASE_URL = "http://localhost:8000"
PASSWORD_ENV = "TRYTON_PASSWORD"  # noqa: S105 - the name of a variable
# one's own server counts no calls; this keeps us from being all that it does
LIMITS = Limits(rows_per_write=100, rows_per_read=100, links_per_write=200, calls=50, seconds=1.0)
# our types for Tryton's
_OURS: Mapping[str, FieldType] = {
    **dict.fromkeys(("char", "text", "selection"), "text"),
    **dict.fromkeys(("integer", "float", "numeric"), "number"),
    "boolean": "boolean",
    "date": "date",
    **dict.fromkeys(("datetime", "timestamp"), "datetime"),
}


@dataclass(frozen=True)
class TrytonDestination(ApiDestination):
    """One user of one database of a server. `parties` and `links` keep what they learn of it."""

    rpc: TrytonRpc
    parties: TrytonParties
    links: TrytonLinks

    @property
    def client(self) -> ApiClient:
        """The connection."""
        return self.rpc.client

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "tryton"

    @property
    def limits(self) -> Limits:
        """What one call takes."""
        return LIMITS

    # --- fields --------------------------------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """The fields of the mapping that there are: categories by their parent, own ones by name.

        Mechanisms and identifiers take any text, and need nothing made.
        """
        if mapping.remote_object != PARTY:
            raise ConfigError(
                f"crm.tryton.{mapping.name}.remote_object is {mapping.remote_object!r}; contacts "
                f"and companies are {PARTY!r} in Tryton"
            )
        parties = self.parties
        if not parties.is_loaded:
            parties.load_categories()
        parties.learn_kinds(mapping)
        found = {}
        for name in mapping.fields:
            place = place_of(name)
            if place == "category" and name.removeprefix(CATEGORY_PREFIX) not in parties.branches:
                continue
            if place != "own":
                found[name] = RemoteField(name, "text")
            elif name in parties.kinds:
                type_ = _OURS.get(parties.kinds[name])
                found[name] = RemoteField(
                    name, type_, type_ is not None and name not in parties.read_only
                )
        return found

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Make the category that a field's values lie below."""
        if place_of(name) != "category":
            raise ConfigError(
                f"crm.tryton.{mapping.name}: {PARTY} has no field {name!r}, and no program can "
                f"make one; write {CATEGORY_PREFIX}{name} or {IDENTIFIER_PREFIX}{name}, one of "
                f"{', '.join(sorted(MECHANISM_TYPES))}, or activate the module that has the field"
            )
        self.parties.make_branch(name)

    def missing_links(self) -> Sequence[str]:
        """Kinds of links whose relation type there is not."""
        return self.links.missing()

    def create_link(self, kind: str) -> None:
        """Make a relation type."""
        self.links.create(kind)

    # --- reading -------------------------------------------------------------------------------

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The active parties with these ids."""
        found = self._active(mapping, [int(id_) for id_ in ids])
        return {str(id_): self.parties.remote_of(mapping, each) for id_, each in found.items()}

    def _active(self, mapping: ObjectMapping, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        return self.parties.load(mapping, [["id", "in", [*ids]]]) if ids else {}

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The active parties that bear these texts; of several the oldest.

        A text that is out of use there, on a party that has replaced others, is that of one of
        those: whoever replaced it made the two one.
        """
        bearing = self._bearing(mapping, unique, is_active=True)
        parties = self._active(mapping, sorted({id_ for id_, _ in bearing.values()}))
        retired = [id_ for id_, is_in_use in bearing.values() if not is_in_use]
        has_replaced = self._having_replaced(retired)
        found = {}
        for text, (id_, is_in_use) in bearing.items():
            if id_ in parties:
                remote = self.parties.remote_of(mapping, parties[id_])
                is_alias = not is_in_use and id_ in has_replaced
                found[text] = replace(remote, is_alias=is_alias)
        return found

    def _bearing(
        self, mapping: ObjectMapping, unique: Sequence[str], *, is_active: bool
    ) -> dict[str, tuple[int, bool]]:
        """By text in lower case: the party that bears it, and whether the text is in use there."""
        name = mapping.unique
        asked = {text.strip().lower() for text in unique if text.strip()}
        if not asked:
            return {}
        model, text_field, domain = _search_of(name, unique)
        rows = self.rpc.search_read(
            *(model, [*domain, ACTIVE_OR_NOT, ["party.active", "=", is_active]]),
            [text_field, "active", "party", "party.replaced_by"],
        )
        found: dict[str, tuple[int, bool]] = {}
        # those in use first, the oldest first
        for row in sorted(rows, key=lambda row: (not row["active"], row["party"])):
            text = row[text_field].removeprefix(f"{name}:").lower()
            if text in asked and row["party."]["replaced_by"] is None:
                found.setdefault(text, (row["party"], bool(row["active"])))
        return found

    def _having_replaced(self, ids: Sequence[int]) -> set[int]:
        if not ids:
            return set()
        domain = [["replaced_by", "in", [*ids]], ACTIVE_OR_NOT]
        found = self.rpc.search_read(PARTY, domain, ["replaced_by"])
        return {each["replaced_by"] for each in found}

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Remove the text of a party that was replaced from the one that bears it now."""
        model, _, domain = _search_of(mapping.unique, [unique])
        asked = [*domain, ["active", "=", False], ["party", "=", int(remote_id)]]
        held = [each["id"] for each in self.rpc.search_read(model, asked, ["id"])]
        if held:
            self.rpc.write(f"model.{model}.delete", held)

    # --- writing -------------------------------------------------------------------------------

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Create parties; those that were deactivated here are taken into use again."""
        asleep = self._bearing(mapping, [row.unique for row in rows], is_active=False)
        ids = [asleep.get(row.unique.strip().lower(), (None, False))[0] for row in rows]
        again = [
            replace(row, remote_id=str(id_))
            for row, id_ in zip(rows, ids, strict=True)
            if id_ is not None
        ]
        if again:
            # a call of its own: Tryton lets nobody write what is out of use
            awake = sorted({int(str(row.remote_id)) for row in again})
            self.rpc.call(f"model.{PARTY}.write", awake, {"active": True})
        woken = iter(self.update(mapping, again))
        new = [row for row, id_ in zip(rows, ids, strict=True) if id_ is None]
        made = iter(self._create(mapping, new))
        return [next(made if id_ is None else woken) for id_ in ids]

    def _create(self, mapping: ObjectMapping, rows: Sequence[Row]) -> list[Verdict]:
        if not rows:
            return []
        self.parties.get_ready(mapping, [row.payload for row in rows])
        values = [self.parties.written(mapping, self._whole(mapping, row), None) for row in rows]
        ids = self.rpc.write(f"model.{PARTY}.create", values)
        if not isinstance(ids, list) or len(ids) != len(rows):
            raise OutcomeUnknownError("tryton: create did not answer with an id for each party")
        return [Verdict("acknowledged", str(id_)) for id_ in ids]

    def _whole(self, mapping: ObjectMapping, row: Row) -> Payload:
        """The payload of a new record, without what is empty, and never without its unique text."""
        held = {name: value for name, value in row.payload.items() if value is not None}
        return {mapping.unique: row.unique, **held}

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Update active parties by id, all in one call."""
        ids = [int(str(row.remote_id)) for row in rows]
        parties = self._active(mapping, ids)
        self.parties.get_ready(mapping, [row.payload for row in rows])
        params: list[Any] = []
        for id_, row in zip(ids, rows, strict=True):
            if id_ in parties:
                params += [[id_], self.parties.written(mapping, row.payload, parties[id_])]
        if params:
            self.rpc.write(f"model.{PARTY}.write", *params)
        gone = Verdict("rejected", reason="the party is there no more, or is not active")
        return [Verdict("acknowledged", str(id_)) if id_ in parties else gone for id_ in ids]

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Replace a party by another, which keeps its id."""
        try:
            TrytonWizards(self.rpc).replace(int(kept), int(gone))
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        return Verdict("acknowledged", kept)

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Deactivate parties."""
        asked = [int(id_) for id_ in ids]
        there = [each["id"] for each in self.rpc.search_read(PARTY, [["id", "in", asked]], ["id"])]
        if there:
            self.rpc.call(f"model.{PARTY}.write", there, {"active": False})
        return [Verdict("acknowledged", id_) for id_ in ids]

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Erase a party for good, its links of ours with it; the number of the party stays."""
        id_ = self._there(mapping, row)
        if id_ is None:
            return Verdict("acknowledged", row.remote_id or row.unique)
        try:
            TrytonWizards(self.rpc).erase(id_)
            self.links.forget(id_)
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        return Verdict("acknowledged", str(id_))

    def _there(self, mapping: ObjectMapping, row: Row) -> int | None:
        """The party of a row, in use or not; None where there is none."""
        if row.remote_id is not None:
            asked = [["id", "=", int(row.remote_id)], ACTIVE_OR_NOT]
            return int(row.remote_id) if self.rpc.search_read(PARTY, asked, ["id"]) else None
        for is_active in (True, False):
            found = self._bearing(mapping, [row.unique], is_active=is_active)
            if found:
                return found[row.unique.strip().lower()][0]
        return None

    # --- links and values ----------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make relations of the kind's type."""
        return self.links.make(kind, links)

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take relations of the kind's type away; those of other types stay."""
        return self.links.remove(kind, links)

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether Tryton's text is our value; it takes spaces off the ends."""
        text = ours.strip() if isinstance(ours, str) else ours
        return same_value(type_, text, theirs if theirs is None else theirs.strip())


def _search_of(name: str, texts: Sequence[str]) -> tuple[str, str, list[Any]]:
    """The model, its field, and the domain of what bears one of these texts."""
    if place_of(name) == "identifier":
        codes = sorted({code_of(name, text) for text in texts})
        return IDENTIFIER, "code", [["type", "=", None], ["code", "in", codes]]
    any_of = [["value", "ilike", _as_it_is(text.strip())] for text in sorted(set(texts))]
    return MECHANISM, "value", [["type", "=", name], ["OR", *any_of]]


def _as_it_is(text: str) -> str:
    """A text in which `ilike` sees no wildcards."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def build(rules: TrytonRules, at: Surroundings) -> TrytonDestination:
    """The user of c360.toml, with the password in the environment."""
    variable = rules.token_env or PASSWORD_ENV
    password = at.secret("tryton", variable, f"the password of the user {rules.user!r}")
    for name, each in (("companies", rules.companies), ("contacts", rules.contacts)):
        if each is not None and place_of(each.unique) not in ("identifier", "mechanism"):
            raise ConfigError(
                f"crm.tryton.{name}.unique is {each.unique!r}; a party is found by a field "
                f"{IDENTIFIER_PREFIX}… or by one of {', '.join(sorted(MECHANISM_TYPES))}"
            )
    client = ApiClient(
        "tryton",
        str(address_of("tryton", rules.base_url or BASE_URL)).rstrip("/"),
        {},
        password,
        at.call_limit("tryton", LIMITS),
        timeout=rules.timeout_seconds,
    )
    rpc = TrytonRpc(client, rules.database, rules.user, password)
    return TrytonDestination(rpc, TrytonParties(rpc), TrytonLinks(rpc, rules.links or {}))
