"""Who is who moves about: no two people share a record, and none is lost."""

from dataclasses import replace
from datetime import datetime

import pytest

from c360_assets.activation.sync.ledger_conflicts import conflicts, settle_conflict
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.sync.crm_small import Person, Small

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")


@pytest.fixture
def small(tmp_path, hubspot) -> Small:
    found = Small(tmp_path, hubspot.url, hubspot.token, [ANN, BOB, CAT])
    found.prepare()
    return found


def delete_what_is_gone(small: Small) -> None:
    for name in ("contacts", "companies"):
        rules = getattr(small.job().rules, name).model_copy(update={"delete": True})
        small.rules[name] = rules.model_dump()


def held(hubspot) -> dict[str, str]:
    return {c["c360_contact_id"]: c["email"] for c in hubspot.records("contacts").values()}


def is_well(small: Small, hubspot) -> bool:
    with small.ledger() as ledger:
        ids = [remote_id for _, remote_id, _ in ledger.hashes("contacts")]
        refused = ledger.all_rejected()
    wanted = {f"c_{p.id}": p.email for p in small.people}
    is_one_each = len(set(ids)) == len(ids) == len(wanted)
    return held(hubspot) == wanted and is_one_each and not refused and not small.plan().planned


def test_an_address_that_somebody_gives_up_makes_a_record_of_its_own_for_the_next_who_has_it(
    small, hubspot
):
    small.sync()
    small.change("1", email="ann@new.com")
    small.people.append(Person("9", "ann@acme.com", "Another Ann"))
    small.sync()
    assert is_well(small, hubspot)


@pytest.mark.parametrize("gives_new_id", [False, True], ids=["id stays", "new id"])
def test_a_merge_under_the_other_address_is_undone_into_two(small, hubspot, gives_new_id):
    hubspot.account.merge_gives_new_id = gives_new_id
    small.sync()
    small.merge("2", "1", takes_address=True)
    small.sync()
    small.sync()
    assert is_well(small, hubspot)
    small.part(ANN, BOB)
    small.sync()
    small.sync()
    assert is_well(small, hubspot)


def test_two_who_swap_addresses_are_told_and_neither_takes_the_others_record(small, hubspot):
    small.sync()
    small.change("1", email=BOB.email)
    small.change("2", email=ANN.email)
    done = small.sync()
    assert done.tally.rejected == 2
    assert held(hubspot) == {"c_1": ANN.email, "c_2": BOB.email, "c_3": CAT.email}


@pytest.mark.parametrize("deletes", [False, True])
@pytest.mark.parametrize("takes_address", [False, True])
def test_a_merge_into_somebody_whom_the_crm_does_not_have_keeps_the_record(
    small, hubspot, deletes, takes_address
):
    if deletes:
        delete_what_is_gone(small)
    small.people = [BOB, CAT]
    small.sync()
    ids = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
    small.people = [ANN, BOB, CAT]
    small.merge("2", "1", takes_address=takes_address)
    done = small.sync()
    assert done.tally.rejected == 0
    assert is_well(small, hubspot)
    now = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
    assert now == {"c_1": ids["c_2"], "c_3": ids["c_3"]}


def test_a_domain_that_is_merged_into_a_new_one_is_the_same_company_there(small, hubspot):
    delete_what_is_gone(small)
    small.sync()
    (before,) = hubspot.records("companies")
    small.people = [replace(p, company="acme.io" if p.company else None) for p in small.people]
    small.merged_domains = {"acme.com": "acme.io"}
    small.sync()
    assert {id_: c["c360_domain"] for id_, c in hubspot.records("companies").items()} == {
        before: "acme.io"
    }
    linked = {end for kind, _, _, end, _ in hubspot.associations() if kind == "contacts"}
    assert linked == {before}
    assert small.sync().tally.planned == 0


def test_a_refused_update_does_not_stop_a_merge(small, hubspot):
    small.sync()
    hubspot.reject(lambda object_, row: row["id"] in hubspot.records("contacts"), "not today")
    small.change("2", orders=7)
    assert small.sync().tally.rejected == 1
    hubspot.mend()
    small.merge("2", "1")
    small.sync()
    assert set(held(hubspot)) == {"c_1", "c_3"}


def test_a_refused_merge_waits_and_is_tried_again_with_another_record(small, hubspot):
    small.sync()
    ids = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
    hubspot.remove("contacts", ids["c_1"])
    small.merge("2", "1")
    assert small.sync().tally.rejected >= 1
    assert small.plan().objects["contacts"].merge == []
    with small.ledger() as ledger, ledger.transaction() as connection:
        # somebody settles that the deleted one is made again
        connection.execute(
            "insert into settled values ('hubspot', 'contacts', 'c_1', '*', 'ours', null, null, '')"
        )
        connection.execute("update records set hash = '' where key = 'c_1'")
        connection.execute("delete from rejected where object = 'contacts' and key = 'c_1'")
    small.sync()
    small.sync()
    assert held(hubspot) == {"c_1": ANN.email, "c_3": CAT.email}


def test_a_refused_deletion_waits_like_any_row(small, hubspot):
    delete_what_is_gone(small)
    small.sync()
    small.people = [ANN, CAT]
    hubspot.fault(
        faults.answering(400, {"status": "error", "message": "in use", "category": "X"}),
        path="contacts/batch/archive",
        nth=None,
    )
    assert small.sync().tally.rejected == 1
    assert small.sync().tally.planned == 0
    assert small.plan().objects["contacts"].waiting == 1


def test_a_refused_row_that_is_wanted_no_more_is_listed_no_more(small, hubspot):
    small.people[1] = Person("2", "no address at all")
    small.sync()
    small.people = [ANN, CAT]
    small.sync()
    assert is_well(small, hubspot)


def test_links_to_somebody_who_was_refused_wait(small, hubspot):
    small.people[1] = Person("2", "no address at all", "Bob", "acme.com")
    small.sync()
    plan = small.plan()
    assert (plan.planned, plan.calls) == (0, 0)
    assert plan.links["contact_company"].waiting == 1


# --- taken back ----------------------------------------------------------------------------------


def test_a_record_that_people_had_made_is_not_deleted_with_the_run_that_adopted_it(small, hubspot):
    made = hubspot.add("contacts", email=ANN.email, firstname="Annabel")
    small.sync()
    small.roll_back("run1")
    assert set(hubspot.records("contacts")) == {made}


@pytest.mark.parametrize("deletes", [False, True])
def test_who_opted_out_since_is_not_sent_by_taking_a_run_back(small, hubspot, deletes):
    if deletes:
        delete_what_is_gone(small)
    small.sync()
    if not deletes:
        small.change("2", orders=9)
    (small.folder / "optouts.csv").write_text(f"email\n{BOB.email}\n")
    small.suppression = ("optouts.csv",) if deletes else ()
    small.sync()
    small.suppression = ("optouts.csv",)
    before = hubspot.records("contacts")
    done = small.roll_back("run2")
    assert done.held_back == 1
    assert hubspot.records("contacts") == before


# --- settled -------------------------------------------------------------------------------------


def test_a_deletion_settled_for_them_is_left_and_asked_no_more(small, hubspot):
    small.sync()
    ids = {c["c360_contact_id"]: id_ for id_, c in hubspot.records("contacts").items()}
    hubspot.remove("contacts", ids["c_1"])
    small.change("1", orders=5)
    small.sync()
    with small.ledger() as ledger:
        (found,) = conflicts(ledger)
        settle_conflict(ledger, found, False, None, datetime(2021, 12, 1))
    done = small.sync()
    assert (done.tally.rejected, done.tally.conflicts) == (0, 0)
    assert set(held(hubspot)) == {"c_2", "c_3"}
    assert small.sync().tally.planned == 0
