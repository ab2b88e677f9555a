"""Syncs to HubSpot, over real HTTP to an emulator that holds every call against the specs."""

import pytest

from c360_assets.errors import ConfigError, CrmError, RequestError
from c360_assets_tests.activation.sync.crm_small import Person, Small

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")


@pytest.fixture
def small(tmp_path, hubspot) -> Small:
    """Three people and a company, whose fields HubSpot has."""
    found = Small(tmp_path, hubspot.url, hubspot.token, [ANN, BOB, CAT])
    found.prepare()
    return found


def contacts(hubspot) -> dict[str, dict[str, str]]:
    """The contacts that HubSpot holds, by our id."""
    return {held["c360_contact_id"]: held for held in hubspot.records("contacts").values()}


def id_of(hubspot, object_: str, **values: str) -> str:
    """The id of the one record with these values."""
    (found,) = [
        id_
        for id_, held in hubspot.records(object_).items()
        if all(held.get(name) == value for name, value in values.items())
    ]
    return found


def test_a_first_sync_makes_companies_people_and_the_links_between_them(small, hubspot):
    done = small.sync()
    assert (done.tally.planned, done.tally.acknowledged) == (6, 6)
    assert {id_: c["email"] for id_, c in contacts(hubspot).items()} == {
        "c_1": "ann@acme.com",
        "c_2": "bob@acme.com",
        "c_3": "cat@gmail.com",
    }
    company = id_of(hubspot, "companies", c360_domain="acme.com")
    linked = {id_of(hubspot, "contacts", email=person.email) for person in (ANN, BOB)}
    assert {
        (start, end) for kind, start, _, end, _ in hubspot.associations() if kind == "contacts"
    } == {(id_, company) for id_ in linked}


def test_a_second_sync_of_the_same_makes_no_call_but_for_the_list_of_fields(small, hubspot):
    small.sync()
    before = len(hubspot.calls())
    done = small.sync()
    assert done.tally.planned == 0
    made = hubspot.calls()[before:]
    assert [call.method for call in made] == ["GET", "GET"]
    assert small.plan().calls == 0


def test_what_changed_is_sent_and_nothing_else(small, hubspot):
    small.sync()
    small.change("1", orders=3)
    plan = small.plan(details=5)
    assert [(r.row.key, dict(r.changes)) for r in plan.details["contacts"]] == [
        ("c_1", {"c360_orders": ("2", 3.0), "c360_events": ("2", 3.0)})
    ]
    before = len(hubspot.calls())
    assert small.sync().tally.acknowledged == 1
    writes = [c for c in hubspot.calls()[before:] if c.path.endswith("batch/update")]
    assert len(writes) == 1
    assert contacts(hubspot)["c_1"]["c360_orders"] == "3"


def test_a_plan_sends_nothing(small, hubspot):
    small.plan(details=5)
    assert hubspot.records("contacts") == {}
    with small.ledger() as ledger:
        assert ledger.hashes("contacts") == []


def test_what_a_salesperson_wrote_stands_or_falls_as_the_policy_says(small, hubspot):
    small.sync()
    ann = id_of(hubspot, "contacts", email=ANN.email)
    hubspot.edit("contacts", ann, firstname="Annabel", c360_orders="99")
    small.change("1", name="Anne", orders=5)
    done = small.sync()
    assert done.tally.conflicts == 2
    held = contacts(hubspot)["c_1"]
    assert (held["firstname"], held["c360_orders"]) == ("Annabel", "5")


def test_a_contact_that_people_had_made_is_adopted_and_not_made_twice(small, hubspot):
    hubspot.add("contacts", email="Ann@Acme.com", firstname="Annabel")
    small.sync()
    assert len(hubspot.records("contacts")) == 3
    assert contacts(hubspot)["c_1"]["firstname"] == "Annabel"


def test_two_who_are_merged_here_are_merged_there_and_the_ledger_follows(small, hubspot):
    small.sync()
    small.merge("2", "1")
    done = small.sync()
    assert done.tally.rejected == done.tally.unknown == 0
    assert set(contacts(hubspot)) == {"c_1", "c_3"}
    assert small.sync().tally.planned == 0


def test_who_moves_to_another_company_is_linked_to_that_one_alone(small, hubspot):
    small.sync()
    small.change("2", company="beta.io")
    small.sync()
    bob = id_of(hubspot, "contacts", email=BOB.email)
    beta = id_of(hubspot, "companies", c360_domain="beta.io")
    linked = {end for kind, start, _, end, _ in hubspot.associations() if start == bob}
    assert linked == {beta}


@pytest.mark.parametrize("gives_new_id", [False, True], ids=["id stays", "new id"])
def test_two_who_are_parted_again_are_two_records_again(small, hubspot, gives_new_id):
    hubspot.account.merge_gives_new_id = gives_new_id
    small.sync()
    small.merge("2", "1")
    small.sync()
    assert len(contacts(hubspot)) == 2
    small.part(ANN, BOB)
    done = small.sync()
    assert done.tally.rejected == done.tally.unknown == 0
    assert {id_: c["email"] for id_, c in contacts(hubspot).items()} == {
        "c_1": "ann@acme.com",
        "c_2": "bob@acme.com",
        "c_3": "cat@gmail.com",
    }
    assert small.sync().tally.planned == 0


def test_what_salespeople_merged_in_the_crm_is_not_parted_by_us(small, hubspot):
    small.people = [ANN, CAT]
    small.sync()
    ann, bob = id_of(hubspot, "contacts", email=ANN.email), hubspot.add("contacts", email=BOB.email)
    hubspot.merge("contacts", ann, bob)
    small.people = [ANN, BOB, CAT]
    done = small.sync()
    assert done.tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert "merge the two here, or part them there" in row.reason
    assert set(contacts(hubspot)) == {"c_1", "c_3"}


def test_a_new_address_of_a_person_is_an_update_of_the_same_record(small, hubspot):
    small.sync()
    ids = set(hubspot.records("contacts"))
    small.change("3", email="cat@newmail.com")
    small.sync()
    assert set(hubspot.records("contacts")) == ids
    assert contacts(hubspot)["c_3"]["email"] == "cat@newmail.com"


def test_one_bad_row_stops_nobody_else_and_is_kept_with_the_reason(small, hubspot):
    small.people = [Person(str(n), f"p{n}@acme.com") for n in range(40)]
    small.people[17] = Person("17", "no address at all")
    done = small.sync()
    assert (done.tally.rejected, len(contacts(hubspot))) == (1, 39)
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert (row.key, row.attempts) == ("c_17", 1)
    assert "email" in row.reason.lower()
    # it waits, and costs no call until then
    assert small.plan().objects["contacts"].waiting == 1
    assert small.sync().tally.planned == 0
    small.people[17] = Person("17", "p17@acme.com")
    assert small.sync().tally.acknowledged == 1


def test_missing_fields_are_told_before_anything_is_sent(tmp_path, hubspot):
    small = Small(tmp_path, hubspot.url, hubspot.token, [ANN])
    with pytest.raises(ConfigError, match=r"c360_contact_id.*c360 crm prepare"):
        small.sync()
    assert hubspot.records("contacts") == {}
    assert "c360_contact_id" in small.prepare()["contacts"]
    assert small.prepare() == {}


def test_who_opted_out_under_any_address_is_never_sent(small, hubspot):
    (small.folder / "optouts.csv").write_text("email\n BOB@old.com\n")
    small.suppression = ("optouts.csv",)
    small.change("2", merged_emails=("bob@old.com",))
    small.sync()
    assert set(contacts(hubspot)) == {"c_1", "c_3"}


def test_a_missing_list_of_opt_outs_stops_the_sync(small, hubspot):
    small.suppression = ("optouts.csv",)
    with pytest.raises(ConfigError, match=r"optouts\.csv"):
        small.sync()
    assert hubspot.records("contacts") == {}


def test_the_key_shows_nowhere(small, hubspot):
    small.token = "pat-wrong-key"
    with pytest.raises(CrmError) as caught:
        small.sync()
    assert "401" in str(caught.value)
    assert "pat-wrong-key" not in str(caught.value)


# --- taken back ----------------------------------------------------------------------------------


def test_a_run_that_is_taken_back_leaves_what_stood_before_it(small, hubspot):
    small.sync()
    before = contacts(hubspot)
    small.change("1", orders=9)
    small.change("2", name="Bobby", orders=7)
    small.people.append(Person("4", "dan@beta.io", "Dan", "beta.io"))
    small.sync()
    assert len(contacts(hubspot)) == 4
    done = small.roll_back("run2")
    assert (done.tally.rejected, done.tally.unknown) == (0, 0)
    assert contacts(hubspot) == {
        key: values | {"lastmodifieddate": contacts(hubspot)[key].get("lastmodifieddate")}
        if "lastmodifieddate" in values
        else values
        for key, values in before.items()
    }
    assert len(hubspot.records("companies")) == 1
    # what is wanted has not changed, so that the next sync sends it again
    assert small.plan().objects["contacts"].planned == 3


def test_a_merge_that_is_taken_back_makes_two_records_again(small, hubspot):
    small.sync()
    small.merge("2", "1")
    small.sync()
    small.roll_back("run2")
    assert {c["email"] for c in contacts(hubspot).values()} == {p.email for p in (ANN, BOB, CAT)}


def test_what_people_wrote_since_a_run_stands_when_it_is_taken_back(small, hubspot):
    small.sync()
    small.change("1", orders=9)
    small.sync()
    hubspot.edit("contacts", id_of(hubspot, "contacts", email=ANN.email), c360_orders="55")
    done = small.roll_back("run2")
    assert done.tally.conflicts == 1
    held = contacts(hubspot)["c_1"]
    assert (held["c360_orders"], held["c360_events"]) == ("55", "2")


def test_a_run_that_there_is_not_cannot_be_taken_back(small):
    small.sync()
    with pytest.raises(RequestError, match=r"run99.*run1"):
        small.roll_back("run99")
