"""Syncs to Salesforce: many rows, look-ups, custom objects, what people made, and being killed."""

import signal
from collections import Counter
from dataclasses import dataclass

import pytest

from c360_assets.activation.sync.model import Row
from c360_assets.crm_rules import ObjectRules
from c360_assets.errors import CrmError
from c360_assets_tests.activation.destinations.salesforce_vendor import SalesforceVendor
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.salesforce_jobs import Ending
from c360_assets_tests.activation.sync import crm_child
from c360_assets_tests.activation.sync.crm_small import Person, Small

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")
GAGGLES = {
    "remote_object": "C360_Gaggle__c",
    "unique": "C360_Gaggle_Id__c",
    "fields": {
        "C360_Gaggle_Id__c": {"column": "gaggle_id"},
        "Name": {"column": "gaggle_name"},
        "C360_Members__c": {"column": "number_of_users", "type": "number"},
    },
}


@dataclass
class SmallWithGaggles(Small):
    """Has two gaggles, too."""

    def published(self):
        connection = super().published()
        connection.execute(
            "insert into marts.gaggle_facts by name select * from (values ('7', 'Ducks', 3),"
            " ('8', 'Geese, \"grey\"', 5)) as g (gaggle_id, gaggle_name, number_of_users)"
        )
        return connection


@pytest.fixture
def vendor(salesforce) -> SalesforceVendor:
    return SalesforceVendor(salesforce)


@pytest.fixture
def small(tmp_path, vendor) -> Small:
    """Three people and a company, whose fields the org has."""
    return small_of(Small, tmp_path, vendor, [ANN, BOB, CAT])


def small_of(kind, folder, vendor, people) -> Small:
    named = {"name": vendor.name, "token_env": vendor.token_env}
    return kind(folder, vendor.url, vendor.token, people, **named)


def crowd(number: int) -> list[Person]:
    return [Person(str(n), f"p{n}@x.com", f"P, {n}", orders=n % 7) for n in range(number)]


def check_all_is_well(small: Small, vendor: SalesforceVendor) -> None:
    """The org holds what is wanted, the ledger says so, and nothing is left to do."""
    held = vendor.contacts()
    assert {key: (each["email"], each["orders"]) for key, each in held.items()} == {
        f"c_{p.id}": (p.email, str(p.orders)) for p in small.people
    }
    contacts = vendor.emulator.records("Contact").items()
    ids = {each["C360_Contact_Id__c"]: id_ for id_, each in contacts}
    with small.ledger() as ledger:
        assert {key: id_ for key, id_, _ in ledger.hashes("contacts")} == ids
        assert ledger.intents() == []
    assert small.plan().planned == 0


# --- how many at once ----------------------------------------------------------------------------


def test_two_hundred_go_in_a_call(small, vendor):
    small.people = crowd(450)
    small.sync()
    calls = vendor.emulator.calls("PATCH", "/composite/sobjects/Contact/")
    assert [len(call.body["records"]) for call in calls] == [200, 200, 50]
    assert vendor.emulator.jobs.jobs == {}
    check_all_is_well(small, vendor)


def test_more_than_two_thousand_are_one_job_and_no_call(small, vendor):
    small.people = crowd(2001)
    done = small.sync()
    assert done.tally.acknowledged == 2001
    (job,) = vendor.emulator.jobs.jobs.values()
    assert (job.asked["operation"], job.asked["externalIdFieldName"], len(job.rows)) == (
        *("upsert", "C360_Contact_Id__c"),
        2001,
    )
    assert vendor.emulator.calls("PATCH", "/composite/sobjects") == []
    assert set(vendor.written().values()) == {1}
    check_all_is_well(small, vendor)


# --- jobs ----------------------------------------------------------------------------------------


@pytest.fixture
def bulk(small) -> Small:
    """As many people as are a job, where the mapping says so."""
    small.rules["bulk_above"] = 200
    small.people = crowd(201)
    return small


def test_changes_are_a_job_by_id_that_writes_and_empties_only_what_changed(bulk, vendor):
    bulk.people = [Person(str(n), f"p{n}@x.com", "P", orders=n) for n in range(201)]
    bulk.sync()
    contact = next(iter(vendor.emulator.records("Contact")))
    vendor.emulator.edit("Contact", contact, FirstName="Pat")
    bulk.people = [
        Person(p.id, p.email, p.name, orders=p.orders + 1, company="x.com" if n else None)
        for n, p in enumerate(bulk.people)
    ]
    bulk.sync()
    job = list(vendor.emulator.jobs.jobs.values())[-1]
    assert (job.asked["operation"], sorted(job.columns)) == (
        "update",
        ["C360_Events__c", "C360_Orders__c", "Id"],
    )
    assert vendor.emulator.records("Contact")[contact]["FirstName"] == "Pat"
    check_all_is_well(bulk, vendor)


def test_rows_that_a_job_refuses_are_rejected_with_its_error_and_the_others_taken(bulk, vendor):
    vendor.refuse("c_17", 'blocked, "by" a <rule>')
    done = bulk.sync()
    assert (done.tally.acknowledged, done.tally.rejected) == (200, 1)
    with bulk.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert (row.key, 'blocked, "by" a <rule>' in row.reason) == ("c_17", True)


def test_a_text_that_would_empty_a_field_goes_in_a_call(bulk, vendor):
    bulk.people[5] = Person("5", "p5@x.com", "#N/A")
    bulk.sync()
    (call,) = vendor.emulator.calls("PATCH", "/composite/sobjects/Contact/")
    assert [each["LastName"] for each in call.body["records"]] == ["#N/A"]
    assert vendor.contacts()["c_5"]["name"] == "#N/A"
    check_all_is_well(bulk, vendor)


def test_what_a_failed_job_did_not_work_on_is_rejected_with_its_reason(bulk, vendor):
    vendor.emulator.jobs.ends_as = Ending("Failed", 100, "InternalServerError : try again")
    done = bulk.sync()
    assert (done.tally.acknowledged, done.tally.rejected) == (100, 101)
    with bulk.ledger() as ledger:
        assert {row.reason for row in ledger.all_rejected()} == {
            f"the job {next(iter(vendor.emulator.jobs.jobs))} ended as Failed:"
            " InternalServerError : try again"
        }


def test_what_an_aborted_job_did_not_work_on_is_unknown_and_sent_again(bulk, vendor):
    vendor.emulator.jobs.ends_as = Ending("Aborted", 100)
    done = bulk.sync()
    assert (done.tally.acknowledged, done.tally.unknown) == (100, 101)
    vendor.emulator.jobs.ends_as = Ending()
    bulk.sync()
    check_all_is_well(bulk, vendor)


def test_rows_of_which_no_result_speaks_are_unknown_and_looked_into(bulk, vendor):
    def cut(answer):
        lines = answer.body.splitlines(keepends=True)
        return faults.Answer(200, b"".join(lines[:-1]), answer.headers)

    vendor.emulator.fault(faults.changed(cut), path="/successfulResults")
    assert bulk.sync().tally.unknown == 1
    assert bulk.sync().recovered == 1
    check_all_is_well(bulk, vendor)
    assert set(vendor.written().values()) == {1}


@pytest.mark.parametrize("path", ["/batches", "/successfulResults"])
@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
def test_a_job_whose_calls_get_no_answer_writes_every_row_once(bulk, vendor, path, applied):
    vendor.emulator.fault(faults.reset(applied=applied), path=path)
    bulk.sync()
    bulk.sync()
    check_all_is_well(bulk, vendor)
    assert set(vendor.written().values()) == {1}


@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
def test_a_job_that_is_told_to_begin_twice_begins_once(bulk, vendor, applied):
    vendor.emulator.fault(faults.reset(applied=applied), path="/jobs/ingest/", method="PATCH")
    assert bulk.sync().tally.acknowledged == 201
    check_all_is_well(bulk, vendor)
    assert set(vendor.written().values()) == {1}


def test_a_job_that_takes_too_long_is_waited_for_by_the_next_run(bulk, vendor):
    vendor.emulator.jobs.looks = 5
    job = bulk.job()
    job.destination.bulk.seconds = 0.0
    assert job.sync("slow").tally.unknown == 201
    assert vendor.contacts() == {}
    with pytest.raises(CrmError, match="still at work"):
        job.sync("too soon")
    assert bulk.sync().recovered == 201
    check_all_is_well(bulk, vendor)
    assert set(vendor.written().values()) == {1}


def test_who_is_erased_while_a_job_is_at_work_is_not_made_again_by_it(bulk, vendor):
    vendor.emulator.jobs.looks = 3
    job = bulk.job()
    job.destination.bulk.seconds = 0.0
    job.sync("slow")
    later = bulk.job()
    row = Row("c_7", {}, "c_7")
    assert later.destination.erase(later.mapping("contacts"), row).outcome == "acknowledged"
    assert len(vendor.contacts()) == 200
    assert "c_7" not in vendor.contacts()


def test_a_job_that_a_killed_run_did_not_begin_is_aborted_by_the_next(bulk, vendor):
    vendor.emulator.fault(
        faults.too_many_requests(), path="/jobs/ingest/", method="PATCH", nth=range(1, 10)
    )
    with pytest.raises(CrmError):
        bulk.sync()
    vendor.emulator.mend()
    bulk.sync()
    states = Counter(job.state for job in vendor.emulator.jobs.jobs.values())
    assert states == {"Aborted": 1, "JobComplete": 1}
    check_all_is_well(bulk, vendor)


# --- look-ups ------------------------------------------------------------------------------------


def test_a_company_points_to_its_first_person_and_to_another_when_that_changes(small, vendor):
    small.first = {"acme.com": "1"}
    small.sync()
    assert firsts(vendor) == {"acme.com": "c_1"}
    small.first = {"acme.com": "2"}
    small.sync()
    assert firsts(vendor) == {"acme.com": "c_2"}
    check_all_is_well(small, vendor)


def test_a_look_up_to_who_is_merged_away_points_to_who_is_left(small, vendor):
    small.first = {"acme.com": "2"}
    small.sync()
    small.merge("2", "1")
    small.first = {"acme.com": "1"}
    small.sync()
    assert firsts(vendor) == {"acme.com": "c_1"}
    check_all_is_well(small, vendor)


def firsts(vendor: SalesforceVendor) -> dict[str, str]:
    """The first persons of companies, by domain."""
    contacts = vendor.emulator.records("Contact")
    return {
        held["C360_Domain__c"]: contacts[held["C360_First_Person__c"]]["C360_Contact_Id__c"]
        for held in vendor.emulator.records("Account").values()
        if held.get("C360_First_Person__c")
    }


# --- what people made, custom objects ------------------------------------------------------------


def test_contacts_that_people_made_are_taken_over_by_their_address(small, vendor):
    found = vendor.emulator.add("Contact", LastName="Annabel", Email="Ann@acme.com")
    vendor.emulator.add("Contact", LastName="Ann's double", Email="ann@acme.com")
    contacts = small.job().rules.contacts.model_dump()
    small.rules["contacts"] = contacts | {"unique": "Email"}
    small.sync()
    held = vendor.emulator.records("Contact")
    # the oldest of several, with the name that people gave
    assert (held[found]["C360_Contact_Id__c"], held[found]["LastName"]) == ("c_1", "Annabel")
    assert len(held) == 4


def test_gaggles_are_records_of_a_custom_object_with_their_own_fields(tmp_path, vendor):
    small = small_of(SmallWithGaggles, tmp_path, vendor, [ANN])
    small.rules["gaggles"] = ObjectRules.model_validate(GAGGLES).model_dump()
    assert set(small.prepare()["gaggles"]) == {"C360_Gaggle_Id__c", "C360_Members__c"}
    small.sync()
    assert {
        (held["C360_Gaggle_Id__c"], held["Name"], held["C360_Members__c"])
        for held in vendor.emulator.records("C360_Gaggle__c").values()
    } == {("7", "Ducks", 3), ("8", 'Geese, "grey"', 5)}
    assert small.plan().planned == 0


def test_an_unchanged_org_costs_the_two_descriptions_alone(small, vendor):
    small.sync()
    before = len(vendor.emulator.calls())
    small.sync()
    assert [call.path.rsplit("/", 1)[1] for call in vendor.emulator.calls()[before:]] == [
        *("describe", "describe"),
    ]


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_sync_killed_at_any_call_is_finished_by_the_next_and_nothing_is_sent_twice(
    small, vendor, applied
):
    small.sync()
    # descriptions, companies found and made, contacts read, found, made and updated, links
    for nth in range(1, 15):
        small.people = [
            *(Person(p.id, p.email, p.name, p.company, p.orders + 1) for p in small.people[:2]),
            *small.people[2:],
            Person(f"{nth}00", f"p{nth}00@c{nth}.com", "New", f"c{nth}.com"),
        ]
        if killed_and_synced_again(small, vendor, nth, applied) == 0:
            return
    pytest.fail("there are more calls than were killed")


@pytest.mark.slow
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_job_killed_at_any_call_is_finished_by_the_next_and_nothing_is_sent_twice(
    bulk, vendor, applied
):
    bulk.sync()
    # descriptions, contacts read, the job, its rows, its begin, its states, its results
    for nth in range(1, 20):
        bulk.people = [Person(p.id, p.email, p.name, orders=p.orders + 1) for p in bulk.people]
        if killed_and_synced_again(bulk, vendor, nth, applied) == 0:
            return
    pytest.fail("there are more calls than were killed")


def killed_and_synced_again(small, vendor, nth: int, applied: bool) -> int:
    """How a sync ended that was killed at its n-th call, and the next one set right."""
    before = vendor.written()
    process = crm_child.prepared(small)
    vendor.emulator.fault(faults.doing(process.kill, applied=applied), nth=nth)
    process.start()
    _, errors = process.communicate()
    vendor.settle()
    vendor.mend()
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()[-2000:]
    small.sync()
    check_all_is_well(small, vendor)
    written = vendor.written() - before
    assert max(written.values()) == 1, f"killed at call {nth}: {written}"
    return process.returncode
