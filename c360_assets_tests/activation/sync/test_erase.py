"""A person who is erased: their records in the CRM, and every trace of theirs in the ledger."""

from dataclasses import replace
from datetime import datetime

import pytest

from c360_assets.activation.sync.erase import keys_of
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.sync.crm_small import Person, Small

CAT = Person("9", "ann@acme.com", "Cat")
JOANN = Person("4", "joann@acme.com", "Joann")
ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")


@pytest.fixture
def small(tmp_path, hubspot) -> Small:
    found = Small(tmp_path, hubspot.url, hubspot.token, [ANN, BOB], first={"acme.com": "2"})
    found.prepare()
    found.sync()
    return found


def erase(small: Small, *contact_ids: str, emails: tuple[str, ...] = ()):
    job = small.job()
    try:
        return job.erase(contact_ids, emails)
    finally:
        job.destination.close()


def emails_of(hubspot) -> set[str]:
    return {c["email"] for c in hubspot.records("contacts").values()}


def test_an_erased_person_leaves_the_crm_and_no_byte_in_the_ledger(small, hubspot):
    small.change("2", email="bob@new.com", merged_emails=("bob@acme.com",))
    small.sync()
    found = erase(small, "c_2", emails=("bob@acme.com", "bob@new.com"))
    assert len(found.done) == 1
    assert found.failed == {}
    assert emails_of(hubspot) == {"ann@acme.com"}
    assert hubspot.archived("contacts") == {}
    for path in (small.folder / "crm").glob("ledger.sqlite*"):
        content = path.read_bytes().lower()
        assert b"bob@" not in content, path
        assert b"c_2" not in content, path
    small.people, small.first = [ANN], {}
    small.sync()
    assert small.plan().planned == 0
    assert emails_of(hubspot) == {"ann@acme.com"}


def test_a_record_that_salespeople_made_under_an_address_of_theirs_goes_too(small, hubspot):
    hubspot.add("contacts", email="bobby@home.net", firstname="Bobby")
    found = erase(small, "c_2", emails=("bob@acme.com", "bobby@home.net"))
    assert len(found.done) == 2
    assert emails_of(hubspot) == {"ann@acme.com"}


def test_a_record_of_somebody_else_into_which_they_were_merged_loses_the_address_alone(
    small, hubspot
):
    records = {c["email"]: id_ for id_, c in hubspot.records("contacts").items()}
    other = hubspot.add("contacts", email="bobby@home.net", firstname="Bobby")
    hubspot.merge("contacts", records["ann@acme.com"], other)
    found = erase(small, "c_2", emails=("bob@acme.com", "bobby@home.net"))
    assert emails_of(hubspot) == {"ann@acme.com"}
    assert any("somebody else's" in said for said in found.told)
    (ann,) = hubspot.records("contacts").values()
    assert "bobby" not in ann.get("hs_additional_emails", "")


def test_who_was_one_with_them_and_is_two_again_stays(small, hubspot):
    small.merge("2", "1")
    small.sync()
    small.part(ANN, BOB)
    small.sync()
    erase(small, "c_2", emails=("bob@acme.com",))
    assert emails_of(hubspot) == {"ann@acme.com"}


def test_what_the_crm_does_not_confirm_stays_in_the_ledger_for_the_next_try(small, hubspot):
    refusal = {"status": "error", "message": "legal hold", "category": "X", "correlationId": "1"}
    hubspot.fault(faults.answering(400, refusal), path="gdpr-delete")
    found = erase(small, "c_2", emails=("bob@acme.com",))
    (reason,) = found.failed.values()
    assert "legal hold" in reason
    with small.ledger() as ledger:
        assert "c_2" in ledger.known("contacts", ["c_2"])
    hubspot.mend()
    # nobody knows the contact id any more: the address in the ledger tells
    small.people, small.first = [ANN], {}
    assert len(erase(small, emails=("bob@acme.com",)).done) == 1
    assert emails_of(hubspot) == {"ann@acme.com"}


def test_who_had_the_address_before_stays_and_no_longer_names_it(small, hubspot):
    small.change("1", email="ann@new.com")
    small.sync()
    small.people.append(CAT)
    small.sync()
    assert len(erase(small, "c_9", emails=("ann@acme.com",)).done) == 1
    assert emails_of(hubspot) == {"ann@new.com", "bob@acme.com"}
    with small.ledger() as ledger:
        assert set(ledger.known("contacts", ["c_1", "c_9"])) == {"c_1"}
        ((before,),) = ledger.rows(
            "select payload_before from changes where destination = ? and key = 'c_1'"
            " and action = 'update'"
        )
        assert '"email": "erased"' in before
        assert '"c360_contact_id": "c_1"' in before
    for path in (small.folder / "crm").glob("ledger.sqlite*"):
        assert b"ann@acme.com" not in path.read_bytes(), path
    # what they are sent from now on is compared with what they have today
    assert small.plan().objects["contacts"].update == []


def test_an_address_that_ends_like_theirs_is_somebody_elses(small, hubspot):
    small.people.append(JOANN)
    small.sync()
    small.people = [BOB, JOANN]
    erase(small, emails=("ann@acme.com",))
    assert emails_of(hubspot) == {"bob@acme.com", "joann@acme.com"}


def test_who_only_is_mentioned_by_somebody_is_not_them(small, hubspot):
    small.change("2", name="Bob, was ann@acme.com")
    small.sync()
    erase(small, "c_1", emails=("ann@acme.com",))
    assert emails_of(hubspot) == {"bob@acme.com"}


def test_who_was_deleted_last_is_found_by_the_address_that_they_had_then(small):
    small.change("1", email="ann@new.com")
    small.sync()
    with small.ledger() as ledger, ledger.transaction() as connection:
        connection.execute(
            "insert into changes (destination, run_id, at, object, key, action, payload_before,"
            " payload) select destination, 'r', at, object, key, 'delete', payload, payload"
            " from changes where key = 'c_1' and action = 'update'"
        )
        connection.execute("delete from records where key = 'c_1'")
    with small.ledger() as ledger:
        assert keys_of(ledger, (), ("ann@acme.com",)) == set()
        assert keys_of(ledger, (), ("ann@new.com",)) == {"c_1"}


def test_a_row_that_was_refused_and_never_taken_goes_too(small):
    reasons = {("contacts", "c_3", "h"): "no", ("contacts", "c_1", "h"): "cat@x.de has it"}
    with small.ledger() as ledger:
        ledger.settle([], reasons, "run2", datetime(2021, 1, 1))
    erase(small, "c_3", emails=("cat@x.de",))
    with small.ledger() as ledger:
        found = {key: row.reason for key, row in ledger.rejected("contacts").items()}
        assert found == {"c_1": "erased has it"}
    for path in (small.folder / "crm").glob("ledger.sqlite*"):
        content = path.read_bytes()
        assert b"cat@x.de" not in content, path
        assert b"c_3" not in content, path


def test_who_gives_an_address_up_here_and_still_bears_it_there_stays(small, hubspot):
    # Ann has another address by now, and Bob has hers; no sync has told the CRM
    small.change("1", email="ann@new.com")
    small.change("2", email="ann@acme.com")
    found = erase(small, "c_2", emails=("ann@acme.com", "bob@acme.com"))
    assert emails_of(hubspot) == {"ann@acme.com"}
    assert any("gets another address" in said for said in found.told)
    with small.ledger() as ledger:
        assert set(ledger.known("contacts", ["c_1", "c_2"])) == {"c_1"}


def test_a_run_of_before_is_taken_back_without_the_address_of_who_was_erased(small, hubspot):
    small.change("1", email="ann@new.com", orders=5)
    small.sync()
    small.change("2", email="ann@acme.com")
    small.sync()
    erase(small, "c_2", emails=("ann@acme.com", "bob@acme.com"))
    small.people, small.first = [replace(ANN, email="ann@new.com", orders=5)], {}
    small.roll_back("run2")
    (ann,) = hubspot.records("contacts").values()
    assert (ann["email"], ann["c360_orders"]) == ("ann@new.com", "2")
