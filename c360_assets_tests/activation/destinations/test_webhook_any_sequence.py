"""Whatever happens here, there and in between: in the end a receiver holds what is wanted."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.faults import Call
from c360_assets_tests.activation.emulators.webhook import WebhookReceiver
from c360_assets_tests.activation.sync.crm_small import Person, Small
from c360_assets_tests.activation.sync.test_any_sequence import Company

FAULTS = [
    faults.server_error(500),
    faults.server_error(500, applied=True),
    faults.reset(),
    faults.reset(applied=True),
    faults.delivered_twice(),
    faults.answering(207, applied=True),
    faults.answering(207, applied=False),
]
STEPS = ("change", "add", "leave", "move", "merge", "part", "fault", "refuse", "sync")


def is_about_contacts(call: Call) -> bool:
    return call.body["type"].startswith("contacts.")


class Receiving(Company):
    """The same people, who may leave; what fails is the receiver's contacts."""

    def _leave(self) -> None:
        taken = {p.id for pair in self.apart for p in pair}
        free = [p for p in self.small.people if p.id not in taken]
        if len(free) > 2:
            self.small.people.remove(self.dice.choice(free))

    def _fault(self) -> None:
        # every attempt of a call, or a single one
        nth = self.dice.choice([None, self.dice.randrange(1, 4)])
        self.hubspot.wire.fault(self.dice.choice(FAULTS), when=is_about_contacts, nth=nth)

    def _refuse(self) -> None:
        self.hubspot.refused[f"c_{self._somebody().id}"] = "not today"

    def _sync(self) -> None:
        super()._sync()
        self.hubspot.wire.mend()


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(STEPS), min_size=5, max_size=16), st.integers(0, 10_000))
def test_any_sequence_of_changes_merges_faults_and_refusals_ends_in_what_is_wanted(
    tmp_path_factory, steps, seed
):
    with WebhookReceiver() as receiver:
        people = [Person(str(n), f"p{n}@x.com", f"P{n}", "acme.com") for n in range(1, 4)]
        small = Small(
            *(tmp_path_factory.mktemp("sync"), receiver.url, receiver.secret, people),
            name="webhook",
            token_env="WEBHOOK_SECRET",
        )
        contacts = small.job().rules.contacts.model_copy(update={"delete": True})
        small.rules["contacts"] = contacts.model_dump()
        company = Receiving(small, receiver, seed)
        for step in steps:
            company.step(step)
        receiver.wire.mend()
        receiver.refused.clear()
        # refused rows wait; what they say is another thing now, so that they are tried at once
        for person in list(small.people):
            small.change(person.id, orders=person.orders + 1000)
        for _ in range(2):
            company.step("sync")
        held = receiver.records.get("contacts", {})
        assert {(key, c["email"], c["orders"]) for key, c in held.items()} == {
            (f"c_{p.id}", p.email, p.orders) for p in small.people
        }
        assert small.plan().planned == 0
        assert receiver.violations == []
