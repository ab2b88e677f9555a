"""Parties of Tryton: what is ours in them and what other people's; merged, deactivated, erased."""

from typing import Any

import pytest

from c360_assets.activation.sync.model import Row
from c360_assets_tests.activation.destinations.tryton.people import (
    ANN,
    CONTACTS,
    PARTY,
    small_of,
)
from c360_assets_tests.activation.emulators.tryton import TrytonAccount
from c360_assets_tests.activation.sync.crm_small import Person


def categories(account: TrytonAccount, party: int) -> set[str]:
    return {
        name
        for (name,) in account.rows(
            'select c.name from "party_party-party_category" as pc'
            " join party_category as c on c.id = pc.category where pc.party = ?",
            party,
        )
    }


def mechanisms(account: TrytonAccount, party: int) -> set[tuple[str, str, bool]]:
    return {
        (type_, value, bool(active))
        for type_, value, active in account.rows(
            "select type, value, active from party_contact_mechanism where party = ?", party
        )
    }


# --- what is other people's ----------------------------------------------------------------------


def test_what_people_added_to_a_party_stands_whatever_we_write(small, vendor, account):
    small.sync()
    ann = vendor.id_of("c_1")
    (gold,) = account.call("model.party.category.create", [{"name": "Gold"}])
    added = {
        "categories": [["add", [gold]]],
        "identifiers": [["create", [{"code": "membership 7"}]]],
        "contact_mechanisms": [
            ["create", [{"type": "email", "value": "ann@home.org", "sequence": 0}]],
            ["create", [{"type": "phone", "value": "+32 2 123 45 67"}]],
        ],
    }
    # theirs come first from now on
    (ours,) = account.rows("select id from party_contact_mechanism where party = ?", ann)
    account.call("model.party.contact_mechanism.write", [*ours], {"sequence": 9})
    account.call(f"{PARTY}.write", [ann], added)
    small.change("1", email="ann@new.com", company="beta.io", orders=3)
    assert small.sync().tally.conflicts == 0
    assert categories(account, ann) == {"Gold", "beta.io"}
    assert mechanisms(account, ann) == {
        ("email", "ann@new.com", True),
        ("email", "ann@home.org", True),
        ("phone", "+32 2 123 45 67", True),
    }
    codes = account.rows("select code from party_identifier where party = ?", ann)
    assert set(codes) == {("c360_contact_id:c_1",), ("c360_orders:3",), ("membership 7",)}


def test_a_value_that_is_no_more_leaves_neither_category_nor_identifier(small, vendor, account):
    small.sync()
    ann = vendor.id_of("c_1")
    assert categories(account, ann) == {"acme.com"}
    small.change("1", company=None)
    small.sync()
    assert categories(account, ann) == set()
    assert small.sync().tally.planned == 0


def test_a_party_that_people_had_made_is_found_by_its_address_where_that_is_unique(
    tmp_path, vendor, account
):
    mail = [["create", [{"type": "email", "value": "Ann@acme.com"}]]]
    # `_` is no wildcard
    other = [["create", [{"type": "email", "value": "annXa@acme.com"}]]]
    made = account.call(
        f"{PARTY}.create",
        [{"name": "Annie", "contact_mechanisms": mail}, {"contact_mechanisms": other}],
    )
    small = small_of(tmp_path, vendor, {"contacts": CONTACTS | {"unique": "email"}})
    small.people.append(Person("3", "ann_a@acme.com", "Ann A"))
    small.prepare()
    small.sync()
    assert vendor.id_of("c_1") == made[0]
    assert vendor.contacts()["c_1"]["name"] == "Annie"
    assert vendor.id_of("c_3") not in made
    small.change("1", email="ann@new.com")
    small.sync()
    assert mechanisms(account, made[0]) == {
        ("email", "Ann@acme.com", True),
        ("email", "ann@new.com", True),
    }
    assert small.sync().tally.planned == 0


# --- merged, deactivated, erased -----------------------------------------------------------------


def test_a_merge_replaces_the_party_and_moves_what_it_has(small, vendor, account):
    small.sync()
    ann, bob = vendor.id_of("c_1"), vendor.id_of("c_2")
    phone = [["create", [{"type": "phone", "value": "+32 2 123 45 67"}]]]
    account.call(f"{PARTY}.write", [bob], {"contact_mechanisms": phone})
    small.merge("2", "1")
    assert small.sync().tally.rejected == 0
    assert account.rows("select active, replaced_by from party_party where id = ?", bob) == [
        (0, ann)
    ]
    assert mechanisms(account, ann) == {
        ("email", "ann@acme.com", True),
        ("email", "bob@acme.com", False),
        ("phone", "+32 2 123 45 67", False),
    }
    assert mechanisms(account, bob) == set()


@pytest.mark.parametrize("name", ["Ann", "Bob"])
def test_who_differs_in_more_than_the_name_is_merged_by_a_person(small, vendor, account, name):
    small.change("2", name=name)
    small.sync()
    for key, code in (("c_1", "BE0897290877"), ("c_2", "BE0403019261")):
        taxed = [["create", [{"type": "be_vat", "code": code}]]]
        account.call(f"{PARTY}.write", [vendor.id_of(key)], {"identifiers": taxed})
    small.merge("2", "1")
    assert small.sync().tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert "a person has to confirm this in Tryton" in row.reason
    assert "BE" in row.reason
    assert set(vendor.contacts()) == {"c_1", "c_2"}


def test_what_people_merged_in_tryton_is_not_parted_by_us(small, vendor, account):
    small.sync()
    ann, bob = vendor.id_of("c_1"), vendor.id_of("c_2")
    asked = {"source": bob, "destination": ann}
    account.call("model.res.user.warning.skip", f"party.replace name {bob} {ann}")
    session, *_ = account.call("wizard.party.replace.create")
    account.call("wizard.party.replace.execute", session, {"ask": asked}, "replace")
    small.change("2", orders=7)
    assert small.sync().tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert "merge the two here, or part them there" in row.reason
    assert set(vendor.contacts()) == {"c_1"}


def test_who_comes_back_is_the_same_party_in_use_again(small, vendor, account):
    small.rules["contacts"] = CONTACTS | {"delete": True}
    small.sync()
    bob = vendor.id_of("c_2")
    small.people = [ANN]
    small.sync()
    assert account.rows("select active from party_party where id = ?", bob) == [(0,)]
    small.people = [ANN, Person("2", "bob@acme.com", "Bob", "beta.io", orders=4)]
    small.sync()
    assert vendor.id_of("c_2") == bob
    assert vendor.contacts()["c_2"]["orders"] == "4"
    assert categories(account, bob) == {"beta.io"}


def everything(account: TrytonAccount) -> str:
    tables = account.rows("select name from sqlite_master where type = 'table'")
    return repr([account.rows(f'select * from "{name}"') for (name,) in tables])


def test_who_is_erased_leaves_no_text_anywhere_in_the_database(small, vendor, account, destination):
    small.change("2", name="Robert Unusual", email="unusual@acme.com")
    small.sync()
    bob = vendor.id_of("c_2")
    added = {
        "contact_mechanisms": [["create", [{"type": "phone", "value": "unusual 1"}]]],
        "identifiers": [["create", [{"code": "unusual 2"}]]],
    }
    account.call(f"{PARTY}.write", [bob], added)
    mapping = small.job().mapping("contacts")
    assert "unusual" in everything(account).lower()
    verdict = destination.erase(mapping, Row("c_2", {}, "c_2"))
    assert (verdict.outcome, verdict.remote_id) == ("acknowledged", str(bob))
    held = everything(account).lower()
    assert "unusual" not in held
    assert "c_2" not in held
    assert categories(account, bob) == set()
    assert account.rows("select from_ from party_relation") == [(vendor.id_of("c_1"),)]
    assert destination.erase(mapping, Row("c_2", {}, "c_2")).outcome == "acknowledged"


def test_who_cannot_be_erased_stays_as_they_were_and_the_reason_is_told(
    small, vendor, account, destination
):
    small.sync()
    vendor.account.run(
        "insert into c360_test_refusal (code, reason) values (?, ?)",
        *("erase c360_contact_id:c_2", "there are open invoices"),
    )
    before = everything_of_parties(account)
    verdict = destination.erase(small.job().mapping("contacts"), Row("c_2", {}, "c_2"))
    assert (verdict.outcome, verdict.reason) == ("rejected", "there are open invoices")
    assert everything_of_parties(account) == before


def everything_of_parties(account: TrytonAccount) -> list[Any]:
    return [
        account.rows("select id, name, active from party_party order by id"),
        account.rows("select id, code, active from party_identifier order by id"),
        account.rows("select id, value, active from party_contact_mechanism order by id"),
        account.rows('select party, category from "party_party-party_category" order by id'),
    ]
