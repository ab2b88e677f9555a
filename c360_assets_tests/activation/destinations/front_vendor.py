"""Front for the contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c360_assets.activation.destinations.build import rules_of
from c360_assets.crm_rules import CrmRules, ObjectRules
from c360_assets_tests.activation.emulators.faults import Fault
from c360_assets_tests.activation.emulators.front import FrontEmulator
from c360_assets_tests.activation.emulators.front_records import EMAIL, Contact

PLENTY = 100_000
KEY = "c360_contact_id"
TYPES = {
    "text": "string",
    "number": "number",
    "boolean": "boolean",
    "date": "datetime",
    "datetime": "datetime",
}


class FrontVendor:
    """The emulated account."""

    name, token_env = "front", "FRONT_TOKEN"
    rules: Mapping[str, Any] = {}

    def __init__(self, emulator: FrontEmulator) -> None:
        self.emulator = emulator
        self.url, self.token = emulator.url, emulator.token

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id; of several addresses the one that is marked as ours."""
        return {
            held.custom[KEY]: {
                "email": _address(held),
                "name": held.name,
                "orders": str(held.custom.get("c360_orders", "")),
            }
            for held in self.emulator.contacts()
        }

    def companies(self) -> set[str]:
        """By domain."""
        return {d for held in self.emulator.accounts() for d in held.domains}

    def linked(self) -> set[tuple[str, str]]:
        """The accounts of contacts."""
        accounts = self.emulator.records.accounts
        return {
            (held.custom[KEY], accounts[held.account].custom["c360_domain"])
            for held in self.emulator.contacts()
            if held.account is not None
        }

    def edit(self, contact_id: str, **values: str) -> None:
        """As a teammate."""
        custom = {"c360_orders": int(values["orders"])} if "orders" in values else {}
        self.emulator.edit(self.emulator.by(contact_id), name=values.get("name"), **custom)

    def remove(self, contact_id: str) -> None:
        """As a teammate."""
        with self.emulator.lock:
            self.emulator.records.delete_contact(self.emulator.by(contact_id).id)

    def refuse(self, contact_id: str, reason: str) -> None:
        """By our id, which the record says or is to say."""
        self.emulator.refuse(lambda said: said.get(KEY) == contact_id, reason)

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Of creations; the suite lets no update fail."""
        self.emulator.fault(fault, path="/contacts", method="POST", nth=nth)

    def mend(self) -> None:
        """All of them."""
        self.emulator.mend()

    def settle(self) -> None:
        """All calls."""
        self.emulator.settle()

    def written(self) -> Counter[str]:
        """Creations and updates; what is done with single addresses counts as part of these."""
        ids = {held.id: held.custom[KEY] for held in self.emulator.contacts()}
        found: Counter[str] = Counter()
        for call in self.emulator.calls():
            _, _, place = call.path.partition("/contacts")
            if (call.method, place) == ("POST", "") and call.path == "/contacts":
                found[call.body["custom_fields"][KEY]] += call.deliveries
            elif call.method == "PATCH" and call.path.startswith("/contacts/"):
                found[ids[place.strip("/")]] += call.deliveries
        return found

    def broken(self) -> list[str]:
        """Both ways."""
        return self.emulator.violations + self.emulator.own_violations


def _address(held: Contact) -> str:
    addresses = [text for source, text in held.handles if source == EMAIL]
    own = held.custom.get("c360_email")
    return own if own in addresses else ", ".join(addresses)


def add_fields_of_the_mapping(emulator: FrontEmulator) -> None:
    """Make the custom fields that the shipped mapping names, as an administrator does."""
    rules = rules_of("front", CrmRules())
    for each in (rules.contacts, rules.companies):
        for name, field in _objects(each).fields.items():
            if name.startswith("c360_"):
                emulator.add_field(_objects(each).remote_object, name, TYPES[field.type])


def _objects(rules: ObjectRules | None) -> ObjectRules:
    if rules is None:
        raise LookupError("the mapping that is shipped has contacts and companies")
    return rules


@contextmanager
def front_vendor(specs: Path) -> Iterator[FrontVendor]:
    """An empty account whose administrator made the fields; `specs` holds the descriptions."""
    with FrontEmulator(specs / "front", calls_per_minute=PLENTY) as emulator:
        add_fields_of_the_mapping(emulator)
        yield FrontVendor(emulator)
