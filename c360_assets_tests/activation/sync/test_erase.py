"""A person who is erased: their records in the CRM, and every trace of theirs in the ledger."""

import pytest

from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.sync.crm_small import Person, Small

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
    assert len(erase(small, emails=("bob@acme.com",)).done) == 1
    assert emails_of(hubspot) == {"ann@acme.com"}
