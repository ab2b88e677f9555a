"""What every destination that takes single records must do: one suite, all vendors.

A vendor joins by an adapter (`vendor.Vendor`) in `VENDORS`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from c360_assets.activation.sync.model import Row
from c360_assets.errors import ConfigError, CrmError
from c360_assets_tests.activation.destinations.front_vendor import front_vendor
from c360_assets_tests.activation.destinations.hubspot_vendor import hubspot_vendor
from c360_assets_tests.activation.destinations.salesforce_vendor import salesforce_vendor
from c360_assets_tests.activation.destinations.tryton_vendor import tryton_vendor
from c360_assets_tests.activation.destinations.vendor import Vendor
from c360_assets_tests.activation.destinations.webhook_vendor import webhook_vendor
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.sync.crm_small import Person, Small

VENDORS: dict[str, Callable[[Path], AbstractContextManager[Vendor]]] = {
    "front": front_vendor,
    "hubspot": hubspot_vendor,
    "salesforce": salesforce_vendor,
    "tryton": tryton_vendor,
    "webhook": webhook_vendor,
}
# those that tell what they hold, that make fields on request, that know links
READING = tuple(name for name in VENDORS if name != "webhook")
# an administrator of Front makes its fields, no program; a webhook takes them as they come
FIELD_MAKING = tuple(name for name in VENDORS if name not in ("front", "webhook"))
LINKING = tuple(VENDORS)
# where a text that does not look like a key is refused before it is sent
WRONG_KEYS = {"webhook": "whsec_bm90IHRoZSBrZXkgYXQgYWxsLCBidXQgbGlrZSBvbmU="}

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")


@pytest.fixture
def vendor(request: Any, shared_specs: Path) -> Iterator[Vendor]:
    """An empty account; fails the test where a call or an answer broke the description."""
    with VENDORS[getattr(request, "param", None)](shared_specs) as found:
        yield found
        assert found.broken() == []


@pytest.fixture
def small(tmp_path: Path, vendor: Vendor) -> Small:
    """Three people and a company, whose fields the vendor has."""
    found = small_of(tmp_path, vendor)
    found.prepare()
    return found


def small_of(folder: Path, vendor: Vendor) -> Small:
    return Small(
        *(folder, vendor.url, vendor.token, [ANN, BOB, CAT]),
        rules=dict(vendor.rules),
        name=vendor.name,
        token_env=vendor.token_env,
    )


def each_of(names: tuple[str, ...]) -> Any:
    return pytest.mark.parametrize("vendor", names, indirect=True)


def is_well(small: Small, vendor: Vendor) -> bool:
    """Whether the vendor holds what is wanted, the ledger says so, and nothing is left to do."""
    held = {key: (each["email"], each["orders"]) for key, each in vendor.contacts().items()}
    wanted = {f"c_{p.id}": (p.email, str(p.orders)) for p in small.people}
    with small.ledger() as ledger:
        known = {key for key, _, _ in ledger.hashes("contacts")}
        is_settled = ledger.intents() == []
    return held == wanted and known == set(wanted) and is_settled and small.plan().planned == 0


@each_of(tuple(VENDORS))
def test_a_first_sync_makes_everybody_and_a_second_one_writes_nothing(small, vendor):
    done = small.sync()
    assert done.tally.planned == done.tally.acknowledged > 0
    assert is_well(small, vendor)
    assert vendor.companies() == {"acme.com"}
    before = vendor.written()
    assert small.sync().tally.planned == 0
    assert vendor.written() == before


@each_of(tuple(VENDORS))
def test_what_changed_is_written_and_nobody_else(small, vendor):
    small.sync()
    before = vendor.written()
    small.change("1", orders=3)
    assert small.sync().tally.acknowledged == 1
    assert set(vendor.written() - before) == {"c_1"}
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_a_plan_writes_nothing(small, vendor):
    assert small.plan(details=5).planned > 0
    assert vendor.contacts() == {}
    assert vendor.written() == {}


@each_of(LINKING)
def test_contacts_are_linked_to_their_company_and_move_with_them(small, vendor):
    small.sync()
    assert vendor.linked() == {("c_1", "acme.com"), ("c_2", "acme.com")}
    small.change("2", company="beta.io")
    small.sync()
    assert vendor.linked() == {("c_1", "acme.com"), ("c_2", "beta.io")}
    small.change("2", company=None)
    small.sync()
    assert vendor.linked() == {("c_1", "acme.com")}
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_a_refused_row_is_kept_with_the_reason_and_stops_nobody_else(small, vendor):
    vendor.refuse("c_2", "blocked by a rule")
    done = small.sync()
    assert done.tally.rejected == 1
    assert set(vendor.contacts()) == {"c_1", "c_3"}
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert row.key == "c_2"
    assert "blocked by a rule" in row.reason
    vendor.mend()
    small.change("2", orders=9)
    small.sync()
    assert is_well(small, vendor)


@each_of(READING)
def test_what_a_salesperson_wrote_stands_or_falls_as_the_policy_says(small, vendor):
    small.sync()
    vendor.edit("c_1", name="Annabel", orders="99")
    small.change("1", name="Anne", orders=5)
    assert small.sync().tally.conflicts == 2
    held = vendor.contacts()["c_1"]
    assert (held["name"], held["orders"]) == ("Annabel", "5")


@each_of(tuple(VENDORS))
def test_two_who_are_merged_are_one_there_and_two_again_when_it_is_undone(small, vendor):
    small.sync()
    small.merge("2", "1")
    small.sync()
    small.sync()
    assert set(vendor.contacts()) == {"c_1", "c_3"}
    assert is_well(small, vendor)
    small.part(ANN, BOB)
    small.sync()
    small.sync()
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_a_new_address_of_a_person_is_an_update_of_the_same_record(small, vendor):
    small.sync()
    with small.ledger() as ledger:
        before = ledger.hashes("contacts")
    small.change("3", email="cat@newmail.com")
    small.sync()
    with small.ledger() as ledger:
        after = ledger.hashes("contacts")
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_records_that_are_wanted_no_more_are_deleted_where_the_mapping_says_so(small, vendor):
    contacts = small.job().rules.contacts.model_copy(update={"delete": True})
    small.rules["contacts"] = contacts.model_dump()
    small.sync()
    small.people = [ANN, CAT]
    small.sync()
    assert set(vendor.contacts()) == {"c_1", "c_3"}
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_a_run_that_is_taken_back_leaves_what_stood_before_it(small, vendor):
    small.sync()
    before = vendor.contacts()
    small.change("1", orders=9)
    small.people.append(Person("4", "dan@beta.io", "Dan"))
    small.sync()
    assert len(vendor.contacts()) == 4
    small.roll_back("run2")
    assert vendor.contacts() == before


@each_of(FIELD_MAKING)
def test_missing_fields_are_told_and_made_on_request(tmp_path, vendor):
    small = small_of(tmp_path, vendor)
    with pytest.raises(ConfigError, match="c360 crm prepare"):
        small.sync()
    assert vendor.contacts() == {}
    # a plan can be looked at before that
    assert small.plan(details=5).planned > 0
    assert small.prepare() != {}
    assert small.prepare() == {}


@each_of(tuple(VENDORS))
def test_who_opted_out_is_never_sent(small, vendor):
    (small.folder / "optouts.csv").write_text("email\nBOB@acme.com\n")
    small.suppression = ("optouts.csv",)
    small.sync()
    assert set(vendor.contacts()) == {"c_1", "c_3"}


@each_of(tuple(VENDORS))
def test_a_person_is_erased_for_good_and_once_gone_is_well(small, vendor):
    small.sync()
    job = small.job()
    mapping = job.mapping("contacts")
    with small.ledger() as ledger:
        known = ledger.known("contacts", ["c_2"])["c_2"]
    for _ in range(2):
        row = Row("c_2", {}, BOB.email, known.remote_id)
        assert job.destination.erase(mapping, row).outcome == "acknowledged"
    job.destination.close()
    assert set(vendor.contacts()) == {"c_1", "c_3"}


@each_of(tuple(VENDORS))
def test_a_key_that_is_not_set_is_told_by_the_name_of_its_variable(small, vendor):
    small.token = ""
    with pytest.raises(ConfigError, match=vendor.token_env):
        small.sync()


@each_of(tuple(VENDORS))
def test_a_wrong_key_ends_the_sync_and_shows_nowhere(small, vendor):
    small.token = WRONG_KEYS.get(vendor.name, "not-the-key-at-all")
    with pytest.raises(CrmError) as caught:
        small.sync()
    assert small.token not in str(caught.value)
    assert small.token.encode() not in (small.folder / "crm" / "ledger.sqlite").read_bytes()
    assert vendor.contacts() == {}


# --- what goes wrong on the way ------------------------------------------------------------------


@each_of(tuple(VENDORS))
@pytest.mark.parametrize(
    "fault",
    [
        faults.too_many_requests(retry_after=0.01),
        faults.too_many_requests(),
        faults.server_error(503),
        faults.dripping(),
    ],
    ids=["429 with Retry-After", "429", "503", "slow drip"],
)
def test_what_passes_is_tried_again_within_the_run_and_written_once(small, vendor, fault):
    vendor.fault(fault)
    small.sync()
    assert is_well(small, vendor)
    assert set(vendor.written().values()) == {1}


@each_of(tuple(VENDORS))
@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("kind", ["500", "reset", "time-out"])
def test_a_call_without_an_answer_makes_no_second_record(small, vendor, kind, applied):
    made = {"500": faults.server_error, "reset": faults.reset, "time-out": faults.held}[kind]
    vendor.fault(made(applied=applied))
    rules = small.rules
    if kind == "time-out":
        # as long as no answer of a busy machine takes, and not as long as the product waits
        small.rules = {**rules, "timeout_seconds": 3.0}
    small.sync()
    vendor.settle()
    small.rules = rules
    small.sync()
    assert len(vendor.contacts()) == 3
    assert is_well(small, vendor)


@each_of(tuple(VENDORS))
def test_a_vendor_that_is_down_ends_the_run_and_the_next_one_sends_what_is_left(small, vendor):
    vendor.fault(faults.too_many_requests(), nth=None)
    with pytest.raises(CrmError, match="429"):
        small.sync()
    vendor.mend()
    small.sync()
    assert is_well(small, vendor)
