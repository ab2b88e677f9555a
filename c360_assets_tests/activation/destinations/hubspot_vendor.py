"""HubSpot for the contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c360_assets_tests.activation.emulators.faults import Fault
from c360_assets_tests.activation.emulators.hubspot import HubspotEmulator

PLENTY = 100_000
FIELDS = {"email": "email", "name": "firstname", "orders": "c360_orders"}


class HubspotVendor:
    """The emulated account."""

    name, token_env = "hubspot", "HUBSPOT_TOKEN"
    rules: Mapping[str, Any] = {}

    def __init__(self, emulator: HubspotEmulator) -> None:
        self.emulator = emulator
        self.url, self.token = emulator.url, emulator.token

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id."""
        return {
            held["c360_contact_id"]: {ours: held.get(its, "") for ours, its in FIELDS.items()}
            for held in self.emulator.records("contacts").values()
        }

    def companies(self) -> set[str]:
        """By domain."""
        return {held["c360_domain"] for held in self.emulator.records("companies").values()}

    def linked(self) -> set[tuple[str, str]]:
        """Associations, from the contacts' end."""
        contacts = {i: c["c360_contact_id"] for i, c in self.emulator.records("contacts").items()}
        companies = {i: c["c360_domain"] for i, c in self.emulator.records("companies").items()}
        return {
            (contacts[start], companies[end])
            for kind, start, _, end, _ in self.emulator.associations()
            if kind == "contacts"
        }

    def edit(self, contact_id: str, **values: str) -> None:
        """As a salesperson."""
        written = {FIELDS[ours]: value for ours, value in values.items()}
        self.emulator.edit("contacts", self._id(contact_id), **written)

    def remove(self, contact_id: str) -> None:
        """As a salesperson."""
        self.emulator.remove("contacts", self._id(contact_id))

    def refuse(self, contact_id: str, reason: str) -> None:
        """Found by our id, or by the remote one in an update."""

        def takes(object_: str, row: Mapping[str, Any]) -> bool:
            found = row["properties"].get("c360_contact_id")
            held = self.emulator.records("contacts").get(row["id"], {})
            return contact_id in (found, held.get("c360_contact_id"))

        self.emulator.reject(takes, reason)

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Of upserts and updates."""
        self.emulator.fault(fault, path="contacts/batch/up", nth=nth)

    def mend(self) -> None:
        """All of them."""
        self.emulator.mend()

    def settle(self) -> None:
        """All calls."""
        self.emulator.settle()

    def written(self) -> Counter[str]:
        """Rows of upserts and updates."""
        ids = {i: c["c360_contact_id"] for i, c in self.emulator.records("contacts").items()}
        return Counter(
            row["properties"].get("c360_contact_id") or ids[row["id"]]
            for call in self.emulator.calls("POST", "contacts/batch/up")
            for _ in range(call.deliveries)
            for row in call.body["inputs"]
        )

    def broken(self) -> list[str]:
        """Both ways."""
        return self.emulator.violations + self.emulator.own_violations

    def _id(self, contact_id: str) -> str:
        records = self.emulator.records("contacts").items()
        (found,) = [id_ for id_, held in records if held["c360_contact_id"] == contact_id]
        return found


@contextmanager
def hubspot_vendor(specs: Path) -> Iterator[HubspotVendor]:
    """An empty account; `specs` holds the vendors' published descriptions."""
    with HubspotEmulator(specs / "hubspot", calls_per_window=PLENTY) as emulator:
        yield HubspotVendor(emulator)
