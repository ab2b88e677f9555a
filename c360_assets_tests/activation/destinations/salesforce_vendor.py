"""Salesforce for the contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c360_assets_tests.activation.emulators.faults import Call, Fault, Rule
from c360_assets_tests.activation.emulators.salesforce import SalesforceEmulator

FIELDS = {"email": "Email", "name": "LastName", "orders": "C360_Orders__c"}
LOOKUP = {"attributes", "id", "AccountId"}


@dataclass
class ContactWrites(Rule):
    """The calls that create or update contacts; the paths of updates name no object."""

    def takes(self, call: Call) -> bool:
        """Whether the call is one of these."""
        return bool(contact_rows(call)) and super().takes(call)


def contact_rows(call: Call) -> list[Mapping[str, Any]]:
    """The contacts that a call writes; changes of their look-ups alone are links."""
    if call.method != "PATCH" or "/composite/sobjects" not in call.path:
        return []
    return [
        row
        for row in call.body["records"]
        if row["attributes"]["type"] == "Contact" and not set(row) <= LOOKUP
    ]


class SalesforceVendor:
    """The emulated org."""

    name, token_env = "salesforce", "SALESFORCE_TOKEN"
    rules: Mapping[str, Any] = {}

    def __init__(self, emulator: SalesforceEmulator) -> None:
        self.emulator = emulator
        self.url, self.token = emulator.url, str(emulator.token)

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id."""
        return {
            held["C360_Contact_Id__c"]: {ours: _text(held.get(its)) for ours, its in FIELDS.items()}
            for held in self.emulator.records("Contact").values()
        }

    def companies(self) -> set[str]:
        """By domain."""
        return {held["C360_Domain__c"] for held in self.emulator.records("Account").values()}

    def linked(self) -> set[tuple[str, str]]:
        """The accounts of contacts."""
        accounts = self.emulator.records("Account")
        return {
            (held["C360_Contact_Id__c"], accounts[held["AccountId"]]["C360_Domain__c"])
            for held in self.emulator.records("Contact").values()
            if held.get("AccountId")
        }

    def edit(self, contact_id: str, **values: str) -> None:
        """As a salesperson."""
        written = {FIELDS[ours]: value for ours, value in values.items()}
        self.emulator.edit("Contact", self._id(contact_id), **written)

    def remove(self, contact_id: str) -> None:
        """As a salesperson."""
        self.emulator.remove("Contact", self._id(contact_id))

    def refuse(self, contact_id: str, reason: str) -> None:
        """By a rule on records as they would be."""
        self.emulator.reject(lambda _, row: row.get("C360_Contact_Id__c") == contact_id, reason)

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Of upserts and updates."""
        places = None if nth is None else {nth}
        self.emulator.wire.rules.append(ContactWrites(fault, nth=places))

    def mend(self) -> None:
        """All of them."""
        self.emulator.mend()

    def settle(self) -> None:
        """All calls."""
        self.emulator.settle()

    def written(self) -> Counter[str]:
        """Rows of upserts and updates, and of jobs."""
        ids = {i: c["C360_Contact_Id__c"] for i, c in self.emulator.records("Contact").items()}
        single = Counter(
            row.get("C360_Contact_Id__c") or ids[row["Id"]]
            for call in self.emulator.calls()
            for _ in range(call.deliveries)
            for row in contact_rows(call)
        )
        jobs = [j for j in self.emulator.jobs.jobs.values() if j.asked["object"] == "Contact"]
        return single + Counter(
            row.get("C360_Contact_Id__c") or ids[row["Id"]]
            for job in jobs
            if job.looks
            for row in job.rows
        )

    def broken(self) -> list[str]:
        """Both ways."""
        return self.emulator.violations + self.emulator.own_violations

    def _id(self, contact_id: str) -> str:
        records = self.emulator.records("Contact").items()
        (found,) = [id_ for id_, held in records if held["C360_Contact_Id__c"] == contact_id]
        return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@contextmanager
def salesforce_vendor(specs: Path) -> Iterator[SalesforceVendor]:
    """An empty org; Salesforce publishes no description, so that `specs` has nothing of it."""
    with SalesforceEmulator() as emulator:
        yield SalesforceVendor(emulator)
