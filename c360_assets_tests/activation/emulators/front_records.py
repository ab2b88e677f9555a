"""What an emulated Front account holds: contacts, accounts, custom fields, and the rules of them.

Belongs here: state and what Front does with it. Not here: HTTP, keys and limits.

What Front's pages say and its description does not: a pair of source and handle belongs to one
contact; custom fields are replaced as one set and checked by their type; a merge deletes all
contacts but the target, which gets the custom fields of the one that was updated last.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

EMAIL = "email"
TITLES = {
    400: "Bad request",
    401: "Unauthenticated",
    404: "Not found",
    409: "Conflict",
    429: "Too many requests",
    500: "Internal server error",
}
TAKES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "datetime": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "teammate": lambda value: isinstance(value, str) and "@" in value,
    "inbox": lambda value: isinstance(value, str) and value.startswith("inb_"),
    "enum": lambda value: isinstance(value, str),
}


class RefusedError(Exception):
    """An answer with an error: its status, message and details."""

    def __init__(self, status: int, message: str, details: Collection[str] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, list(details)

    @property
    def body(self) -> dict[str, Any]:
        """As Front writes it."""
        error = {"status": self.status, "title": TITLES[self.status], "message": self.message}
        return {"_error": error | ({"details": self.details} if self.details else {})}


@dataclass
class Contact:
    """A contact; `handles` are (source, handle), `updated` counts writes of the whole account."""

    id: str
    name: str = ""
    description: str = ""
    links: list[str] = field(default_factory=list)
    handles: list[tuple[str, str]] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    account: str | None = None
    is_named_by_hand: bool = False
    updated: int = 0


@dataclass
class Account:
    """An account of Front's, which is a company."""

    id: str
    name: str
    description: str = ""
    domains: list[str] = field(default_factory=list)
    external_id: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)


@dataclass
class Records:
    """All of them. Methods that answer a call return status and body, or raise `RefusedError`."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    # custom fields: type by name; the values of those that are a choice
    custom: dict[str, dict[str, str]] = field(
        default_factory=lambda: {"contacts": {}, "accounts": {}}
    )
    choices: dict[str, list[str]] = field(default_factory=dict)
    refusals: list[tuple[Callable[[Mapping[str, Any]], bool], str]] = field(default_factory=list)
    clock: Any = field(default_factory=lambda: itertools.count(1))

    # --- contacts ------------------------------------------------------------------------------

    def contact(self, id_: str) -> Contact:
        """By id, or by source and handle."""
        found = re.fullmatch(r"alt:([a-z_]+):(.*)", id_)
        contact = self._owner((found[1], found[2])) if found else self.contacts.get(id_)
        if contact is None:
            raise RefusedError(404, f"Contact {id_} not found")
        return contact

    def create_contact(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """A new one; its handles must be nobody's."""
        if not body["handles"]:
            raise RefusedError(400, "Body did not satisfy requirements", ["body.handles: empty"])
        contact = Contact(f"crd_{next(self.clock):x}")
        for each in body["handles"]:
            self._check_handle(each)
        self._write_contact(contact, body)
        contact.handles = [(each["source"], each["handle"]) for each in body["handles"]]
        self.contacts[contact.id] = contact
        return 201, shown_contact(contact)

    def update_contact(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Custom fields are replaced as a whole."""
        self._write_contact(self.contact(id_), body)
        return 204, None

    def delete_contact(self, id_: str) -> tuple[int, Any]:
        """For good."""
        del self.contacts[self.contact(id_).id]
        return 204, None

    def add_handle(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """One more handle."""
        contact = self.contact(id_)
        self._check_handle(body)
        contact.handles.append((body["source"], body["handle"]))
        contact.updated = next(self.clock)
        return 204, None

    def delete_handle(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """The last one goes with the contact alone, if that is forced."""
        contact, pair = self.contact(id_), (body["source"], body["handle"])
        if self._owner(pair) is not contact:
            raise RefusedError(404, f"Handle {body['handle']} not found")
        kept = [held for held in contact.handles if not _same_handle(held, pair)]
        if not kept and not body.get("force"):
            raise RefusedError(400, "Cannot delete the last handle of a contact without force")
        if not kept:
            return self.delete_contact(contact.id)
        contact.handles, contact.updated = kept, next(self.clock)
        return 204, None

    def merge(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """All into one; see the `merge-contacts` of the description."""
        ids = list(dict.fromkeys([body.get("target_contact_id"), *body["contact_ids"]]))
        found = [self.contact(id_) for id_ in ids if id_ is not None]
        if not 2 <= len(found) <= 50:
            raise RefusedError(400, "Between 2 and 50 contacts can be merged")
        target, *gone = found
        newest_first = sorted(found, key=lambda each: -each.updated)
        by_hand = [each.name for each in newest_first if each.is_named_by_hand]
        names = [*by_hand, *(each.name for each in newest_first if each.name)]
        target.name = names[0] if names else ""
        texts = [target.description, *(each.description for each in reversed(newest_first))]
        target.description = "\n".join(dict.fromkeys(text for text in texts if text))
        custom = [each.custom for each in reversed(newest_first)]
        target.custom = {name: value for held in custom for name, value in held.items()}
        for each in gone:
            target.handles += each.handles
            target.links += [link for link in each.links if link not in target.links]
            del self.contacts[each.id]
        target.updated = next(self.clock)
        return 200, shown_contact(target)

    def _write_contact(self, contact: Contact, body: Mapping[str, Any]) -> None:
        self._check(
            "contacts", body, contact.custom, [*contact.handles, *_pairs(body.get("handles"))]
        )
        contact.name = body.get("name", contact.name)
        contact.description = body.get("description", contact.description)
        contact.links = list(body.get("links", contact.links))
        contact.custom = dict(body.get("custom_fields", contact.custom))
        contact.updated = next(self.clock)

    def _owner(self, pair: tuple[str, str]) -> Contact | None:
        for contact in self.contacts.values():
            if any(_same_handle(held, pair) for held in contact.handles):
                return contact
        return None

    def _check_handle(self, body: Mapping[str, Any]) -> None:
        pair = (body["source"], body["handle"])
        if pair[0] == EMAIL and not re.fullmatch(r"[^\s@]+@[^\s@]+", pair[1]):
            details = [f"body.handle: {pair[1]} is no valid email"]
            raise RefusedError(400, "Body did not satisfy requirements", details)
        if self._owner(pair) is not None:
            raise RefusedError(409, f"The handle {pair[1]} belongs to another contact")

    # --- accounts ------------------------------------------------------------------------------

    def account(self, id_: str) -> Account:
        """By id, by a domain, or by the id of another system."""
        is_alias = id_.startswith("alt:")
        word, _, text = id_.removeprefix("alt:").partition(":") if is_alias else ("id", "", id_)
        for account in self.accounts.values():
            domains: set[str | None] = {domain.lower() for domain in account.domains}
            told: dict[str, set[str | None]] = {
                "id": {account.id},
                "domain": domains,
                "ext_id": {account.external_id},
            }
            if (text.lower() if word == "domain" else text) in told.get(word, ()):
                return account
        raise RefusedError(404, f"Account {id_} not found")

    def create_account(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """A new one."""
        if not body.get("name"):
            raise RefusedError(400, "Body did not satisfy requirements", ["body.name: missing"])
        account = Account(f"acc_{next(self.clock):x}", body["name"])
        self._write_account(account, body)
        account.external_id = body.get("external_id")
        self.accounts[account.id] = account
        return 201, shown_account(account)

    def update_account(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Custom fields are replaced as a whole."""
        account = self.account(id_)
        self._write_account(account, body)
        return 200, shown_account(account)

    def delete_account(self, id_: str) -> tuple[int, Any]:
        """For good; its contacts stay."""
        account = self.account(id_)
        del self.accounts[account.id]
        for contact in self.contacts.values():
            contact.account = None if contact.account == account.id else contact.account
        return 204, None

    def contacts_of(self, id_: str, limit: int, after: str) -> tuple[int, Any]:
        """A page of an account's contacts: those behind the place that the token `after` names."""
        account = self.account(id_)
        found = [each for each in self.contacts.values() if each.account == account.id]
        start = int(after.removeprefix("p/") or 0)
        place = f"https://company.api.frontapp.com/accounts/{account.id}/contacts"
        more = f"{place}?limit={limit}&page_token=p%2F{start + limit}"
        return 200, {
            "_pagination": {"next": more if start + limit < len(found) else None},
            "_links": {"self": place},
            "_results": [shown_contact(each) for each in found[start : start + limit]],
        }

    def add_contacts(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """All or none."""
        account = self.account(id_)
        for contact in [self.contact(each) for each in body["contact_ids"]]:
            contact.account = account.id
        return 204, None

    def remove_contacts(self, id_: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """All or none; one that is not in the account is well."""
        account = self.account(id_)
        for contact in [self.contact(each) for each in body["contact_ids"]]:
            contact.account = None if contact.account == account.id else contact.account
        return 204, None

    def _write_account(self, account: Account, body: Mapping[str, Any]) -> None:
        self._check("accounts", body, account.custom, ())
        for other in self.accounts.values():
            taken = set(other.domains) & set(body.get("domains", ()))
            if taken and other is not account:
                raise RefusedError(409, f"The domain {min(taken)} belongs to another account")
        account.name = body.get("name", account.name)
        account.description = body.get("description", account.description)
        account.domains = list(body.get("domains", account.domains))
        account.custom = dict(body.get("custom_fields", account.custom))

    # --- custom fields -------------------------------------------------------------------------

    def custom_fields(self, kind: str) -> tuple[int, Any]:
        """Those of contacts or of accounts."""
        found = []
        for place, (name, type_) in enumerate(self.custom[kind].items()):
            each: dict[str, Any] = {
                "_links": {"self": f"https://api2.frontapp.com/custom_fields/fld_{kind}_{place}"},
                "id": f"fld_{kind}_{place}",
                "name": name,
                "type": type_,
                "description": "",
            }
            if type_ == "enum":
                each["values"] = [{"value": v, "label": v} for v in self.choices[name]]
            found.append(each)
        links = {"self": f"https://api2.frontapp.com/{kind}/custom_fields"}
        return 200, {"_links": links, "_results": found}

    def _check(
        self,
        kind: str,
        body: Mapping[str, Any],
        held: Mapping[str, Any],
        handles: Collection[tuple[str, str]],
    ) -> None:
        """What refuses a write: a rule of the account, or custom fields of a wrong type."""
        said = {**held, **(body.get("custom_fields") or {}), "handles": [h for _, h in handles]}
        for takes, reason in self.refusals:
            if takes(said):
                raise RefusedError(400, reason)
        details = []
        for name, value in (body.get("custom_fields") or {}).items():
            type_ = self.custom[kind].get(name)
            if type_ is None:
                details.append(f"body.custom_fields.{name}: there is no such custom field")
            elif not TAKES[type_](value):
                details.append(f"body.custom_fields.{name}: {value!r} is no {type_}")
            elif type_ == "enum" and value not in self.choices[name]:
                details.append(f"body.custom_fields.{name}: {value!r} is no choice")
        if details:
            raise RefusedError(400, "Body did not satisfy requirements", details)


def shown_contact(contact: Contact) -> dict[str, Any]:
    """As Front answers it."""
    place = f"https://api2.frontapp.com/contacts/{contact.id}"
    return {
        "_links": {
            "self": place,
            "related": {"notes": f"{place}/notes", "conversations": f"{place}/conversations"},
        },
        "id": contact.id,
        "name": contact.name,
        "description": contact.description,
        "avatar_url": "",
        "links": list(contact.links),
        "groups": [],
        "lists": [],
        "handles": [{"source": source, "handle": text} for source, text in contact.handles],
        "custom_fields": dict(contact.custom),
        "is_private": False,
    }


def shown_account(account: Account) -> dict[str, Any]:
    """As Front answers it."""
    place = f"https://api2.frontapp.com/accounts/{account.id}"
    return {
        "_links": {"self": place, "related": {"contacts": f"{place}/contacts"}},
        "id": account.id,
        "name": account.name,
        "logo_url": None,
        "description": account.description,
        "domains": list(account.domains),
        "external_id": account.external_id,
        "custom_fields": dict(account.custom),
    }


def _same_handle(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one[0] == other[0] and one[1].lower() == other[1].lower()


def _pairs(handles: Any) -> list[tuple[str, str]]:
    return [(each["source"], each["handle"]) for each in handles or ()]
