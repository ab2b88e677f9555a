"""Whatever happens here, there and in between: in the end HubSpot holds what is wanted."""

import contextlib
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c360_assets.errors import CrmError
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.hubspot import HubspotEmulator, empty_results
from c360_assets_tests.activation.sync.crm_small import Person, Small

FAULTS = [
    faults.server_error(500),
    faults.server_error(500, applied=True),
    faults.reset(),
    faults.reset(applied=True),
    faults.delivered_twice(),
    empty_results(applied=True),
    empty_results(applied=False),
]
STEPS = ("change", "add", "move", "merge", "part", "edit", "fault", "refuse", "sync")


class Company:
    """People who change, and a CRM that fails; `apart` are pairs that `merge` made one."""

    def __init__(self, small: Small, hubspot: HubspotEmulator, seed: int) -> None:
        self.small, self.hubspot = small, hubspot
        self.dice = random.Random(seed)
        self.apart: list[tuple[Person, Person]] = []
        self.next = 4

    def step(self, name: str) -> None:
        getattr(self, f"_{name}")()

    def _somebody(self) -> Person:
        return self.dice.choice(self.small.people)

    def _change(self) -> None:
        self.small.change(self._somebody().id, orders=self.dice.randrange(100))

    def _add(self) -> None:
        company = self.dice.choice(["acme.com", "beta.io", None])
        person = Person(str(self.next), f"p{self.next}@x.com", f"P{self.next}", company)
        self.small.people.append(person)
        self.next += 1

    def _move(self) -> None:
        self.small.change(self._somebody().id, company=self.dice.choice(["acme.com", "beta.io"]))

    def _merge(self) -> None:
        # those merged already keep to themselves, so that any merge can be taken back
        taken = {p.id for pair in self.apart for p in pair}
        free = [p for p in self.small.people if p.id not in taken]
        if len(free) > 2:
            kept, gone = self.dice.sample(free, 2)
            self.apart.append((kept, gone))
            self.small.merge(gone.id, kept.id, takes_address=self.dice.random() < 0.5)

    def _part(self) -> None:
        if self.apart:
            kept, gone = self.apart.pop(self.dice.randrange(len(self.apart)))
            now = next(p for p in self.small.people if p.id == kept.id)
            self.small.part(replace(now, email=kept.email, merged_emails=()), gone)

    def _edit(self) -> None:
        records = sorted(self.hubspot.records("contacts"))
        if records:
            id_ = self.dice.choice(records)
            self.hubspot.edit("contacts", id_, c360_orders=str(self.dice.randrange(100, 200)))

    def _fault(self) -> None:
        self.hubspot.fault(
            self.dice.choice(FAULTS), path="batch/", nth=self.dice.randrange(1, 5)
        )  # fmt: skip

    def _refuse(self) -> None:
        email = self._somebody().email
        self.hubspot.reject(lambda object_, row: row.get("id") == email, "not today")

    def _sync(self) -> None:
        with contextlib.suppress(CrmError):
            self.small.sync()
        self.hubspot.settle()


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(STEPS), min_size=5, max_size=14), st.integers(0, 10_000))
def test_any_sequence_of_changes_merges_faults_and_refusals_ends_in_what_is_wanted(
    tmp_path_factory, shared_specs, steps, seed
):
    with HubspotEmulator(
        shared_specs / "hubspot", calls_per_window=100_000, merge_gives_new_id=seed % 2 == 0
    ) as hubspot:
        people = [Person(str(n), f"p{n}@x.com", f"P{n}", "acme.com") for n in range(1, 4)]
        small = Small(tmp_path_factory.mktemp("sync"), hubspot.url, hubspot.token, people)
        small.prepare()
        company = Company(small, hubspot, seed)
        for step in steps:
            company.step(step)
        hubspot.mend()
        # refused rows wait; what they say is another thing now, so that they are tried at once
        for person in list(small.people):
            small.change(person.id, orders=person.orders + 1000)
        for _ in range(3):
            company.step("sync")
        held = {c["c360_contact_id"]: c for c in hubspot.records("contacts").values()}
        assert {(key, c["email"], c["c360_orders"]) for key, c in held.items()} == {
            (f"c_{p.id}", p.email, str(p.orders)) for p in small.people
        }
        linked = {(a, b) for kind, a, _, b, _ in hubspot.associations() if kind == "contacts"}
        ids = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
        domains = {c["c360_domain"]: id_ for id_, c in hubspot.records("companies").items()}
        assert linked == {(ids[f"c_{p.id}"], domains[p.company]) for p in small.people if p.company}
        assert small.plan().planned == 0
        assert hubspot.own_violations == []
