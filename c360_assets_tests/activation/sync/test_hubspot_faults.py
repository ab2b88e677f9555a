"""What goes wrong between us and HubSpot: nothing is lost, nothing is sent twice."""

import signal
from collections import Counter

import pytest

from c360_assets.errors import CrmError
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.hubspot import empty_results, without_results_of
from c360_assets_tests.activation.sync import crm_child
from c360_assets_tests.activation.sync.crm_small import IMPATIENT, Person, Small

PEOPLE = [Person(str(n), f"p{n}@acme.com", f"P{n}", "acme.com", orders=n) for n in range(1, 4)]
UPSERT = "contacts/batch/upsert"


@pytest.fixture
def small(tmp_path, hubspot) -> Small:
    found = Small(tmp_path, hubspot.url, hubspot.token, list(PEOPLE))
    found.prepare()
    return found


def check_all_is_well(small: Small, hubspot) -> None:
    """The CRM holds what is wanted, the ledger says so, and nothing is left to do."""
    held = {c["c360_contact_id"]: c for c in hubspot.records("contacts").values()}
    assert {(key, c["email"], c["c360_orders"]) for key, c in held.items()} == {
        (f"c_{p.id}", p.email, str(p.orders)) for p in small.people
    }
    ids = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
    with small.ledger() as ledger:
        assert {key: id_ for key, id_, _ in ledger.hashes("contacts")} == ids
        assert ledger.intents() == []
    assert small.plan().planned == 0


def times_written(hubspot) -> Counter[str]:
    """How often each contact's row reached HubSpot."""
    return Counter(
        row["properties"].get("c360_contact_id", row["id"])
        for call in hubspot.calls("POST")
        if call.path.endswith((UPSERT, "contacts/batch/update"))
        for _ in range(call.deliveries)
        for row in call.body["inputs"]
    )


def test_what_is_made_once_is_there_although_the_answers_to_making_it_were_lost(tmp_path, hubspot):
    small = Small(tmp_path, hubspot.url, hubspot.token, list(PEOPLE))
    for path in ("/properties/companies", "/properties/contacts", "/labels"):
        hubspot.fault(faults.reset(applied=True), method="POST", path=path, nth={1, 3})
    assert {"contacts", "companies", "links"} == set(small.prepare())
    assert small.prepare() == {}
    small.sync()
    check_all_is_well(small, hubspot)


@pytest.mark.parametrize(
    "fault",
    [
        faults.too_many_requests(retry_after=0.01),
        faults.too_many_requests(),
        faults.server_error(500),
        faults.server_error(503),
        faults.reset(),
        faults.dripping(),
    ],
    ids=["429 with Retry-After", "429", "500", "503", "reset", "slow drip"],
)
def test_what_passes_is_tried_again_within_the_run_and_sent_once(small, hubspot, fault):
    hubspot.fault(fault, path=UPSERT)
    assert small.sync().tally.acknowledged == 7
    assert set(times_written(hubspot).values()) == {1}
    check_all_is_well(small, hubspot)


@pytest.mark.parametrize(
    "fault",
    [
        faults.server_error(500, applied=True),
        faults.reset(applied=True),
        faults.held(applied=True),
        faults.delivered_twice(),
    ],
    ids=["500 after applying", "reset after applying", "time-out after applying", "twice"],
)
def test_a_call_that_arrives_twice_makes_no_second_record(small, hubspot, fault):
    hubspot.fault(fault, path=UPSERT)
    small.rules = IMPATIENT
    small.sync()
    small.rules = {}
    hubspot.settle()
    check_all_is_well(small, hubspot)
    assert len(hubspot.records("contacts")) == 3


def test_a_vendor_that_is_down_ends_the_run_and_the_next_one_sends_what_is_left(small, hubspot):
    hubspot.fault(faults.too_many_requests(), path=UPSERT, nth=None)
    with pytest.raises(CrmError, match="429"):
        small.sync()
    hubspot.mend()
    small.sync()
    check_all_is_well(small, hubspot)


@pytest.mark.parametrize("applied", [True, False])
def test_an_empty_answer_acknowledges_nobody_and_is_looked_into_next_time(small, hubspot, applied):
    hubspot.fault(empty_results(applied=applied), path=UPSERT)
    done = small.sync()
    assert (done.tally.unknown, done.tally.acknowledged) == (3, 1)
    hubspot.mend()
    assert small.sync().recovered == (3 if applied else 0)
    assert set(times_written(hubspot).values()) == {1}
    check_all_is_well(small, hubspot)


def test_a_row_that_the_answer_leaves_out_is_unknown_and_the_others_are_acknowledged(
    small, hubspot
):
    hubspot.fault(
        without_results_of(lambda each: each["properties"].get("email") == "p2@acme.com"),
        path=UPSERT,
    )
    assert small.sync().tally.unknown == 1
    assert small.sync().recovered == 1
    check_all_is_well(small, hubspot)


def test_rows_that_hubspot_refuses_singly_are_rejected_and_the_others_taken(small, hubspot):
    hubspot.reject(lambda object_, row: row["id"] == "p2@acme.com", "blocked by a workflow")
    done = small.sync()
    assert done.tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert row.key == "c_2"
    assert "blocked by a workflow" in row.reason


def test_time_outs_without_end_leave_the_rows_unknown_and_no_record_is_made_twice(small, hubspot):
    hubspot.fault(faults.held(applied=True), path=UPSERT, nth=None)
    small.rules = IMPATIENT
    job = small.job()
    job.destination.client.attempts = 2
    done = job.sync("slow")
    small.rules = {}
    assert done.tally.unknown == 3
    hubspot.settle()
    hubspot.mend()
    assert small.sync().recovered == 3
    check_all_is_well(small, hubspot)


@pytest.mark.parametrize("gives_new_id", [False, True], ids=["id stays", "new id"])
@pytest.mark.parametrize("applied", [False, True], ids=["not merged", "merged"])
def test_a_merge_without_an_answer_is_looked_into_before_it_is_repeated(
    small, hubspot, applied, gives_new_id
):
    hubspot.account.merge_gives_new_id = gives_new_id
    small.sync()
    small.merge("2", "1")
    hubspot.fault(faults.held(applied=applied), path="contacts/merge")
    small.rules = IMPATIENT
    assert small.sync().tally.unknown == 1
    small.rules = {}
    hubspot.settle()
    small.sync()
    small.sync()
    merges = hubspot.calls("POST", "contacts/merge")
    assert sum(call.deliveries for call in merges) == 1
    check_all_is_well(small, hubspot)


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_sync_killed_at_any_call_is_finished_by_the_next_and_nothing_is_sent_twice(
    small, hubspot, applied
):
    small.sync()
    # fields, labels, companies found and made, contacts read, found, made and updated, links
    for nth in range(1, 12):
        small.people = [
            *(Person(p.id, p.email, p.name, p.company, p.orders + 1) for p in small.people[:2]),
            *small.people[2:],
            Person(f"{nth}00", f"p{nth}00@c{nth}.com", "New", f"c{nth}.com"),
        ]
        before = times_written(hubspot)
        process = crm_child.prepared(small)
        hubspot.fault(faults.doing(process.kill, applied=applied), nth=nth)
        process.start()
        _, errors = process.communicate()
        hubspot.settle()
        hubspot.mend()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()[-2000:]
        small.sync()
        check_all_is_well(small, hubspot)
        written = times_written(hubspot) - before
        assert max(written.values()) == 1, f"killed at call {nth}: {written}"
    assert process.returncode == 0, "there are more calls than were killed"


@pytest.mark.slow
def test_two_syncs_at_once_send_everything_once(small, hubspot):
    both = [crm_child.start(small), crm_child.start(small)]
    for process in both:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()[-2000:]
    assert set(times_written(hubspot).values()) == {1}
    check_all_is_well(small, hubspot)
