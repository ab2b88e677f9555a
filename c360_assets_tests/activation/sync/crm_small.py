"""A small published copy in memory, and a sync of it: what tests of syncs share.

`Small` fills the tables that the SELECTs of `sql/crm` read. What a pipeline makes of raw tables is
tested elsewhere; here people and companies are said directly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.crm_tables import create_published
from c360_assets.activation.destinations.build import build_destination, rules_of
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.run import LEDGER, Job, Synced, SyncPlan
from c360_assets.crm_rules import CrmRules

# for `rules`, where a vendor does not answer at all: the usual time would be long to wait
IMPATIENT = {"timeout_seconds": 1.0}
# the columns of a person, as DuckDB reads them from JSON
PERSON = {
    **dict.fromkeys(("user_id", "contact_id", "email", "user_name", "corporate_email"), "VARCHAR"),
    **dict.fromkeys(("number_of_orders", "number_of_events"), "BIGINT"),
    "merged_emails": ["VARCHAR"],
}


@dataclass(frozen=True)
class Person:
    """A contact: `id` is the contact id without `c_`."""

    id: str
    email: str
    name: str = "Ann"
    company: str | None = None
    orders: int | None = 0
    merged_emails: tuple[str, ...] = ()


@dataclass
class Small:
    """People and companies as they are published, and where the sync of them goes."""

    folder: Path
    url: str
    token: str
    people: list[Person] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    merged_domains: dict[str, str] = field(default_factory=dict)
    # the first person of a company, by its domain
    first: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    suppression: tuple[str, ...] = ()
    runs: int = 0
    name: str = "hubspot"
    token_env: str = "HUBSPOT_TOKEN"

    def job(self) -> Job:
        """A sync of what is published now."""
        given = {"base_url": self.url, **self.rules}
        rules = rules_of(self.name, CrmRules.model_validate({self.name: given}))
        destination = build_destination(
            self.name, rules, self.folder / "crm", {self.token_env: self.token}
        )
        destination.client.first_wait = 0.01
        return Job(
            *(destination, rules, self.published(), self.folder / "crm", self.folder),
            self.suppression,
        )

    def prepare(self) -> dict[str, list[str]]:
        """Make the fields that are missing."""
        return self._closing(lambda job: job.create_fields())

    def plan(self, details: int = 0) -> SyncPlan:
        """What a sync would do."""
        return self._closing(lambda job: job.plan(details))

    def sync(self) -> Synced:
        """One run."""
        self.runs += 1
        return self._closing(lambda job: job.sync(f"run{self.runs}"))

    def roll_back(self, run_id: str) -> Synced:
        """Take a run back."""
        return self._closing(lambda job: job.roll_back(run_id))

    def change(self, id_: str, **changes: Any) -> None:
        """Publish a person as another."""
        self.people = [replace(p, **changes) if p.id == id_ else p for p in self.people]

    def merge(self, gone: str, kept: str, *, takes_address: bool = False) -> None:
        """Publish two people as one; with `takes_address` under the address of the one gone."""
        gone_person = next(p for p in self.people if p.id == gone)
        self.people = [p for p in self.people if p.id != gone]
        kept_person = next(p for p in self.people if p.id == kept)
        ended, email = (
            (kept_person.email, gone_person.email)
            if takes_address
            else (gone_person.email, kept_person.email)
        )
        self.change(kept, email=email, merged_emails=(*kept_person.merged_emails, ended))
        self.merged[f"c_{gone}"] = f"c_{kept}"

    def part(self, person: Person, other: Person) -> None:
        """Publish two again whom `merge` made one."""
        self.people = [p for p in self.people if p.id not in (person.id, other.id)]
        self.people += [person, other]
        self.merged = {a: b for a, b in self.merged.items() if a != f"c_{other.id}"}

    def ledger(self) -> Ledger:
        """The ledger of this sync; close it."""
        return Ledger(self.folder / "crm" / LEDGER, self.name)

    def _closing(self, use: Any) -> Any:
        job = self.job()
        try:
            return use(job)
        finally:
            job.connection.close()
            job.destination.close()

    def published(self) -> duckdb.DuckDBPyConnection:
        """The tables that the SELECTs of `sql/crm` read, in a transaction that is never ended."""
        connection = _empty_tables().cursor()
        connection.begin()
        people = [
            {
                **{"user_id": p.id, "contact_id": f"c_{p.id}", "email": p.email},
                **{"user_name": p.name, "corporate_email": p.company},
                **{"number_of_orders": p.orders, "number_of_events": p.orders},
                "merged_emails": list(p.merged_emails),
            }
            for p in self.people
        ]
        # thousands of people at once, since a statement for each takes a millisecond
        connection.execute(
            "insert into marts.contacts by name select unnest(from_json(?, ?), max_depth := 2)",
            [json.dumps(people), json.dumps([PERSON])],
        )
        for domain in sorted({p.company for p in self.people if p.company}):
            connection.execute(
                "insert into marts.corporate_accounts by name select ? as corporate_email,"
                " ? as number_of_users_corporate, false as is_paying, ? as first_user_id",
                [
                    *(domain, sum(p.company == domain for p in self.people)),
                    self.first.get(domain),
                ],
            )
        for gone, kept in self.merged.items():
            connection.execute(
                "insert into identity.contact_id_history by name"
                " select ? as contact_id, ? as current_contact_id",
                [gone, kept],
            )
        for gone, kept in self.merged_domains.items():
            connection.execute(
                "insert into identity.domain_identity by name"
                " select ? as email_domain, ? as corporate_email",
                [gone, kept],
            )
        return connection


@cache
def _empty_tables() -> duckdb.DuckDBPyConnection:
    """The database of all jobs, made once; each fills its tables unseen by the others."""
    connection = duckdb.connect()
    create_published(connection)
    return connection
