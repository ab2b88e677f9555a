"""The destination `front`: contacts and accounts of the support tool, by its Core API.

One record to a call, read and written. Contacts are found by any of their addresses, accounts by
their domains. Front keeps a pair of source and handle unique, so that a contact that is sent twice
is refused the second time, and then looked at. Source: Front's published OpenAPI of its Core API,
its pages on resource aliases, custom fields and rate limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from c360_assets.activation.destinations import front_records
from c360_assets.activation.destinations.connect import ApiDestination, Surroundings, address_of
from c360_assets.activation.destinations.front_accounts import merge_accounts
from c360_assets.activation.destinations.front_answers import NotThereError, ask, learn_limits
from c360_assets.activation.destinations.front_records import (
    ACCOUNTS,
    CONTACTS,
    KINDS,
    TYPES_IN_FRONT,
    Kind,
    address_moves,
    addresses_of,
    body_of,
    fields_of,
    handle,
    known_by,
    remote_of,
)
from c360_assets.activation.destinations.front_rules import check_rules
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import (
    Limits,
    Link,
    ObjectMapping,
    Remote,
    RemoteField,
    Row,
    Value,
    Verdict,
)
from c360_assets.crm_rules import DestinationRules, FieldType
from c360_assets.errors import ConfigError, OutcomeUnknownError, RowsRefusedError

BASE_URL = "https://api2.frontapp.com"
TOKEN_ENV = "FRONT_TOKEN"  # noqa: S105 - the name of a variable
# of the smallest plan; the answers tell what the account really has
LIMITS = Limits(
    rows_per_write=1,
    rows_per_read=1,
    links_per_write=50,
    one_end_per_call=True,
    calls=50,
    seconds=60,
)
# what Front keeps of a record that it deletes
KEPT = {
    "contacts": "Front keeps the conversations with this person; where they must go, too, delete "
    "them there",
    "accounts": "Front keeps the contacts of the account",
}


@dataclass(frozen=True)
class FrontDestination(ApiDestination):
    """One Front account.

    `types` are the custom fields by kind, asked for once. `last` is the record read last: a row is
    written right after it was read, and other people's custom fields must go with ours.
    """

    client: ApiClient
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "front"

    @property
    def limits(self) -> Limits:
        """What one call takes, and the account's calls a minute as Front told them."""
        calls, seconds = self.client.limit.known()
        return replace(LIMITS, calls=calls, seconds=seconds)

    # --- fields --------------------------------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """Front's own fields of the object, and the custom ones."""
        kind = KINDS[mapping.remote_object]
        self.types.pop(kind.name, None)
        return fields_of(kind, mapping, self._types(kind))

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Say what an administrator has to make: the Core API makes no custom fields."""
        kind = KINDS[mapping.remote_object]
        there = self.fields(mapping)
        wanted = {name: type_, **{n: t for n, t in mapping.fields.items() if n not in there}}
        listed = ", ".join(f"{n} ({TYPES_IN_FRONT[t]})" for n, t in sorted(wanted.items()))
        raise ConfigError(
            f"crm.front: Front has no custom field {listed} of {kind.name}, and its interface "
            "makes none. In Front, a company administrator opens the company settings, Custom "
            f"fields, the tab {kind.name.capitalize()}, and creates each with that name and type; "
            "or take them out of the mapping in c360.toml"
        )

    def missing_links(self) -> Sequence[str]:
        """None: contacts of accounts are Front's own."""
        return ()

    def create_link(self, kind: str) -> None:
        """Nothing to make; see `missing_links`."""
        raise ConfigError(f"crm.front: {kind}: Front has no types of links that could be made")

    def _types(self, kind: Kind) -> dict[str, str]:
        """The custom fields of a kind with Front's words for their types."""
        if kind.name not in self.types:
            answer = ask(self.client, "GET", f"/{kind.name}/custom_fields")
            self.types[kind.name] = {f["name"]: f["type"] for f in answer["_results"]}
        return self.types[kind.name]

    # --- reading -------------------------------------------------------------------------------

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these ids; one that was merged into another is there no more."""
        kind = KINDS[mapping.remote_object]
        found = {id_: self._get(kind.place(id_)) for id_ in ids}
        return {i: remote_of(kind, mapping, record) for i, record in found.items() if record}

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The records that have these addresses or domains, among others.

        One that we know by another text of its own bears this one since the two were merged. One
        that says nothing of us was made by people, and is taken as this one.
        """
        kind = KINDS[mapping.remote_object]
        found = {}
        for text in unique:
            record = self._get(kind.alias(mapping.unique, text))
            if record is not None:
                known = known_by(kind, mapping.unique, record)
                is_alias = known is not None and known.lower() != text.lower()
                held = remote_of(kind, mapping, record)
                found[text.lower()] = replace(held, is_alias=is_alias)
        return found

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Take an address from a contact, or a domain from an account."""
        kind = KINDS[mapping.remote_object]
        if kind is CONTACTS:
            self._drop_handle(remote_id, unique)
            return
        record = self._get(kind.place(remote_id)) or {}
        kept = [text for text in record.get("domains") or () if text.lower() != unique.lower()]
        ask(self.client, "PATCH", kind.place(remote_id), {"domains": kept})

    def _get(self, place: str) -> dict[str, Any] | None:
        self.last.clear()
        try:
            record: dict[str, Any] = ask(self.client, "GET", place)
        except NotThereError:
            return None
        self.last[record["id"]] = record
        return record

    # --- writing -------------------------------------------------------------------------------

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Create records. One that is refused since it is there is ours if it says what we sent."""
        return _each(rows, lambda row: self._create(mapping, row))

    def _create(self, mapping: ObjectMapping, row: Row) -> Verdict:
        kind = KINDS[mapping.remote_object]
        body = body_of(kind, row, self._types(kind), {})
        if kind is CONTACTS:
            body["handles"] = [handle(row.unique)]
        try:
            # Front promises that handles are unique; of domains it does not say so
            may_repeat = kind is CONTACTS
            made = ask(self.client, "POST", f"/{kind.name}", body, may_repeat=may_repeat)
        except (RowsRefusedError, OutcomeUnknownError):
            held = self.find(mapping, [row.unique]).get(row.unique.lower())
            if held is None or held.is_alias or not _holds(held, mapping, row):
                raise
            return Verdict("acknowledged", held.remote_id)
        return Verdict("acknowledged", str(made["id"]))

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Update records by id."""
        return _each(rows, lambda row: self._update(mapping, row))

    def _update(self, mapping: ObjectMapping, row: Row) -> Verdict:
        kind, id_ = KINDS[mapping.remote_object], str(row.remote_id)
        before = self.last.pop(id_, None) or self._get(kind.place(id_))
        if before is None:
            return Verdict("rejected", reason=f"Front has no record {id_} any more")
        body = body_of(kind, row, self._types(kind), before)
        if kind is ACCOUNTS and "external_id" in body:
            return Verdict(
                "rejected",
                reason="Front takes an external_id with a new account alone, and this one is there "
                "already; take external_id out of the mapping, or set it in Front",
            )
        if kind is CONTACTS:
            # which address we know is written last: until then a run that died is seen
            new, old = address_moves(row, before)
            if new is not None:
                self._add_handle(id_, new)
            if old is not None:
                self._drop_handle(id_, old)
        if body:
            ask(self.client, "PATCH", kind.place(id_), body)
        return Verdict("acknowledged", id_)

    def _add_handle(self, id_: str, address: str) -> None:
        """Add an address; one that is refused since the contact has it by now is well."""
        try:
            ask(self.client, "POST", f"{CONTACTS.place(id_)}/handles", handle(address))
        except (RowsRefusedError, OutcomeUnknownError):
            there = addresses_of(self._get(CONTACTS.place(id_)) or {})
            if address.lower() not in {each.lower() for each in there}:
                raise

    def _drop_handle(self, id_: str, address: str) -> None:
        with suppress(NotThereError):
            ask(self.client, "DELETE", f"{CONTACTS.place(id_)}/handles", handle(address))

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Merge a record into another, whose id stays; it gets the addresses or domains of both."""
        kind = KINDS[mapping.remote_object]
        self.last.clear()
        (verdict,) = _each([gone], lambda id_: self._merge(kind, kept, id_))
        return verdict

    def _merge(self, kind: Kind, kept: str, gone: str) -> Verdict:
        if kind is ACCOUNTS:
            merge_accounts(self.client, kept, gone)
            return Verdict("acknowledged", kept)
        body = {"target_contact_id": kept, "contact_ids": [kept, gone]}
        left = ask(self.client, "POST", "/contacts/merge", body, may_repeat=False)
        return Verdict("acknowledged", str(left["id"]))

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Delete records; Front brings none back."""
        kind = KINDS[mapping.remote_object]
        return _each(ids, lambda id_: self._delete(kind, id_))

    def _delete(self, kind: Kind, id_: str) -> Verdict:
        with suppress(NotThereError):
            ask(self.client, "DELETE", kind.place(id_))
        return Verdict("acknowledged", id_)

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Delete a contact with its addresses, notes and custom fields; conversations stay.

        Of somebody else's record that bears the address, since people merged the two, the address
        alone is taken.
        """
        kind = KINDS[mapping.remote_object]
        held = self.find(mapping, [row.unique]).get(row.unique.lower())
        ids = {row.remote_id} - {None}
        try:
            if held is not None and held.is_alias and held.remote_id not in ids:
                self.release(mapping, held.remote_id, row.unique)
            elif held is not None:
                ids.add(held.remote_id)
            for id_ in sorted(map(str, ids)):
                self._delete(kind, id_)
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        return Verdict("acknowledged", row.remote_id or row.unique, KEPT[kind.name])

    # --- links ---------------------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Put contacts into an account; all links of a call are to the same one."""
        for account, contacts in _by_account(links).items():
            ask(self.client, "POST", f"{ACCOUNTS.place(account)}/contacts", contacts)
        return [Verdict("acknowledged") for _ in links]

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take contacts out of an account; with a contact or an account its links are gone."""
        for account, contacts in _by_account(links).items():
            try:
                ask(self.client, "DELETE", f"{ACCOUNTS.place(account)}/contacts", contacts)
            except NotThereError:
                if len(links) > 1:
                    raise
        return [Verdict("acknowledged") for _ in links]

    # --- values --------------------------------------------------------------------------------

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether Front's value is ours; see `front_records.same`."""
        return front_records.same(type_, ours, theirs)


def _each(items: Sequence[Any], one: Callable[[Any], Verdict]) -> list[Verdict]:
    """A verdict for each: what Front says of one is said of no other."""
    verdicts = []
    for item in items:
        try:
            verdicts.append(one(item))
        except RowsRefusedError as error:
            verdicts.append(Verdict("rejected", reason=str(error)))
        except OutcomeUnknownError as error:
            verdicts.append(Verdict("unknown", reason=str(error)))
    return verdicts


def _holds(held: Remote, mapping: ObjectMapping, row: Row) -> bool:
    """Whether a record says all that was sent."""
    return all(
        front_records.same(mapping.fields[name], value, held.values.get(name))
        for name, value in row.payload.items()
        if value is not None
    )


def _by_account(links: Sequence[Link]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for link in links:
        found.setdefault(link.to_id, {"contact_ids": []})["contact_ids"].append(link.from_id)
    return found


# --- the account ---------------------------------------------------------------------------------


def build(rules: DestinationRules, at: Surroundings) -> FrontDestination:
    """The account whose token is in the environment.

    Raises:
        ConfigError: the token is not there, or Front has no such objects or links.
    """
    token = at.secret("front", rules.token_env or TOKEN_ENV, "an API token of Front")
    check_rules(rules)
    client = ApiClient(
        "front",
        str(address_of("front", rules.base_url or BASE_URL)).rstrip("/"),
        {"Authorization": f"Bearer {token}"},
        token,
        at.call_limit("front", LIMITS),
        learn_limits,
        timeout=rules.timeout_seconds,
    )
    return FrontDestination(client)
