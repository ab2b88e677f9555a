"""What is special about Front: many addresses to a contact, custom fields as one set, merges."""

from pathlib import Path

import httpx
import pytest

from c360_assets.activation.destinations.front_answers import reason_of
from c360_assets.activation.destinations.front_records import Several, same
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import ConfigError
from c360_assets_tests.activation.destinations.front_small import (
    ANN,
    BOB,
    CAT,
    addresses,
    is_settled,
    reasons,
    small_of,
)
from c360_assets_tests.activation.destinations.front_vendor import PLENTY, add_fields_of_the_mapping
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.front import FrontEmulator
from c360_assets_tests.activation.sync.crm_small import Person, Small


@pytest.fixture
def small(tmp_path: Path, front: FrontEmulator) -> Small:
    return small_of(tmp_path, front, ANN, BOB, CAT)


# --- custom fields -------------------------------------------------------------------------------


def test_other_peoples_custom_fields_survive_what_we_write(small, front):
    front.add_field("contacts", "VIP", "boolean")
    front.add_field("contacts", "Owner", "teammate")
    front.add_field("accounts", "Region", "string")
    small.sync()
    front.edit(front.by("c_1"), VIP=True, Owner="leela@planet-express.com")
    account = front.accounts()[0]
    account.custom["Region"] = "Austria"
    small.change("1", orders=3)
    small.people.append(Person("4", "dan@acme.com", "Dan", "acme.com"))
    small.sync()
    held = front.by("c_1").custom
    assert (held["VIP"], held["Owner"]) == (True, "leela@planet-express.com")
    assert (held["c360_orders"], held["c360_contact_id"]) == (3, "c_1")
    assert (account.custom["Region"], account.custom["c360_people"]) == ("Austria", 3)


def test_a_value_that_is_no_more_is_cleared_and_the_others_stay(small, front):
    small.sync()
    held = front.by("c_1")
    small.rules["contacts"] = small.job().rules.contacts.model_dump()
    small.rules["contacts"]["fields"]["c360_orders"]["column"] = "clv_365d"
    small.sync()
    assert "c360_orders" not in held.custom
    assert held.custom["c360_contact_id"] == "c_1"


def test_missing_custom_fields_are_listed_with_their_types_and_where_they_are_made(
    tmp_path, shared_specs
):
    with FrontEmulator(shared_specs / "front", calls_per_minute=PLENTY) as front:
        add_fields_of_the_mapping(front)
        for name in ("c360_segment", "c360_priority"):
            del front.records.custom["contacts"][name]
        small = small_of(tmp_path, front, ANN)
        with pytest.raises(ConfigError, match=r"c360_segment.*c360 crm prepare"):
            small.sync()
        with pytest.raises(ConfigError) as caught:
            small.prepare()
        assert "c360_priority (Number), c360_segment (String) of contacts" in str(caught.value)
        assert "company settings, Custom fields, the tab Contacts" in str(caught.value)
        assert front.records.contacts == {}


def test_a_custom_field_of_another_type_is_told_before_anything_is_sent(small, front):
    front.add_field("contacts", "c360_priority", "boolean")
    with pytest.raises(ConfigError, match="c360_priority is boolean there, number here"):
        small.sync()
    assert front.records.contacts == {}


def test_days_moments_and_yes_or_no_are_written_as_front_takes_them_and_read_back(small, front):
    job = small.job()
    job.connection.execute(
        "update marts.corporate_accounts set customer_since = date '2021-03-04', is_paying = true,"
        " won_amount = 1234.56, current_plan = 'Business'"
    )
    job.connection.execute(
        "update marts.contacts set most_recent_order = timestamp '2021-05-06 07:08:09'"
        " where contact_id = 'c_1'"
    )
    job.sync("run1")
    (account,) = front.accounts()
    assert account.custom["c360_customer_since"] == 1614816000
    assert account.custom["c360_is_paying"] is True
    # numbers are whole in Front
    assert account.custom["c360_won_amount"] == 1235
    assert front.by("c_1").custom["c360_last_order_at"] == 1620284889
    # with a ledger that knows nothing all of it is compared
    job.folder = small.folder / "empty"
    plan = job.plan(with_details=5)
    job.destination.close()
    assert [r.changes for part in plan.details.values() for r in part] == [{}] * 4


@pytest.mark.parametrize(
    ("type_", "ours", "theirs", "is_same"),
    [
        ("number", 12.34, "12", True),
        ("number", 12.34, "13", False),
        ("number", 12.0, "12", True),
        ("text", "b@x.io", Several(["a@x.io", "B@x.io"]), True),
        ("text", "c@x.io", Several(["a@x.io", "b@x.io"]), False),
        ("text", None, None, True),
    ],
)
def test_numbers_are_the_same_when_rounded_and_a_list_when_one_of_it_is(
    type_, ours, theirs, is_same
):
    assert same(type_, ours, theirs) is is_same


# --- addresses -----------------------------------------------------------------------------------


def test_a_contact_that_people_made_with_several_addresses_is_adopted_with_all_of_them(
    small, front
):
    made = front.add("ann@home.org", "Ann@Acme.com", name="Annabel")
    small.sync()
    assert len(front.records.contacts) == 3
    assert front.by("c_1") is made
    assert (made.name, addresses(made)) == ("Annabel", ["ann@home.org", "Ann@Acme.com"])
    assert is_settled(small)


def test_a_new_address_takes_the_place_of_the_old_one_and_of_no_other(small, front):
    made = front.add("cat@work.com", "cat@gmail.com")
    small.sync()
    small.change("3", email="cat@newmail.com")
    small.sync()
    assert addresses(made) == ["cat@work.com", "cat@newmail.com"]
    assert made.custom["c360_email"] == "cat@newmail.com"
    assert is_settled(small)


def test_an_address_is_taken_away_only_while_the_contact_says_that_it_is_this_person(small, front):
    small.sync()
    cat = front.by("c_3")
    # as after a merge by people, whose fields are those of another contact
    cat.handles.append(("email", "dan@gmail.com"))
    front.edit(cat, c360_contact_id="c_9", c360_email="dan@gmail.com")
    small.change("3", orders=1)
    small.sync()
    assert addresses(cat) == ["cat@gmail.com", "dan@gmail.com"]
    assert cat.custom["c360_email"] == "cat@gmail.com"


def test_an_address_that_people_took_away_is_put_back_and_told(small, front):
    small.sync()
    held = front.by("c_3")
    held.handles = [("email", "cat@work.com")]
    small.change("3", orders=1)
    assert small.sync().tally.conflicts == 1
    assert addresses(held) == ["cat@work.com", "cat@gmail.com"]


def test_an_old_address_that_people_took_away_costs_no_call(small, front):
    small.sync()
    held = front.by("c_3")
    held.handles = [("email", "cat@work.com")]
    small.change("3", email="cat@newmail.com")
    small.sync()
    assert addresses(held) == ["cat@work.com", "cat@newmail.com"]
    assert front.calls("DELETE") == []


def test_an_address_that_belongs_to_another_contact_is_a_rejection_with_fronts_reason(small, front):
    small.sync()
    front.add("cat@newmail.com", name="Somebody else")
    small.change("3", email="cat@newmail.com", orders=7)
    assert small.sync().tally.rejected == 1
    assert reasons(small)["c_3"] == (
        "409 Conflict: The handle cat@newmail.com belongs to another contact"
    )
    # nothing of a row is written where its address is refused
    held = front.by("c_3")
    assert (addresses(held), held.custom["c360_orders"]) == (["cat@gmail.com"], 0)


@pytest.mark.parametrize(
    "address",
    [
        "ann+news@acme.com",
        "zoë@bücher.example",
        "a/b@acme.com",
        "per%2Fcent%@acme.com",
        "who?me#you&them=us@acme.com",
        "o'neil!~*@acme.com",
    ],
)
def test_odd_addresses_are_found_again_and_make_no_second_contact(tmp_path, front, address):
    ann = Person("1", address, "Ann")
    small_of(tmp_path / "one", front, ann).sync()
    # another ledger, that knows nobody: everybody is looked for by address
    other = small_of(tmp_path / "two", front, ann)
    assert other.sync().tally.acknowledged == 1
    assert [addresses(each) for each in front.contacts()] == [[address]]
    assert len(front.calls("POST", "/contacts")) == 1


def test_what_is_no_address_is_a_rejection_with_fronts_details(small, front):
    small.change("2", email="no address at all")
    done = small.sync()
    assert (done.tally.rejected, len(front.records.contacts)) == (1, 2)
    assert reasons(small)["c_2"] == (
        "400 Bad request: Body did not satisfy requirements: "
        "body.handle: no address at all is no valid email"
    )


def test_who_was_made_by_people_a_moment_before_us_is_not_made_twice(small, front):
    front.fault(
        faults.doing(lambda: front.add("ann@acme.com", name="Annabel"), applied=False),
        path="/contacts",
        method="POST",
    )
    assert small.sync().tally.rejected == 1
    assert "belongs to another contact" in reasons(small)["c_1"]
    small.change("1", orders=3)
    small.sync()
    assert len(front.records.contacts) == 3
    assert front.by("c_1").name == "Annabel"


@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
def test_an_address_without_an_answer_is_added_once(small, front, applied):
    small.sync()
    small.change("3", email="cat@newmail.com")
    front.fault(faults.reset(applied=applied), path="/handles", method="POST")
    assert small.sync().tally.acknowledged == 1
    assert addresses(front.by("c_3")) == ["cat@newmail.com"]
    assert is_settled(small)


# --- merges --------------------------------------------------------------------------------------


def test_a_merged_contact_has_the_addresses_of_both_and_says_the_one_that_is_left(small, front):
    small.sync()
    ann = front.by("c_1")
    small.merge("2", "1")
    small.sync()
    assert front.by("c_1") is ann
    assert addresses(ann) == ["ann@acme.com", "bob@acme.com"]
    assert (ann.custom["c360_email"], ann.custom["c360_orders"]) == ("ann@acme.com", 2)
    assert is_settled(small)


def test_who_are_two_again_have_their_own_addresses(small, front):
    small.sync()
    small.merge("2", "1")
    small.sync()
    small.part(ANN, BOB)
    small.sync()
    assert addresses(front.by("c_1")) == ["ann@acme.com"]
    assert addresses(front.by("c_2")) == ["bob@acme.com"]
    assert is_settled(small)


@pytest.mark.parametrize("newest", ["c_1", "c_2"])
def test_what_people_merged_in_front_is_not_parted_whoevers_fields_are_left(small, front, newest):
    small.sync()
    ann, bob = front.by("c_1"), front.by("c_2")
    front.edit(front.by(newest))
    with front.lock:
        front.records.merge({"target_contact_id": ann.id, "contact_ids": [ann.id, bob.id]})
    small.change("1", orders=5)
    small.change("2", orders=6)
    small.sync()
    assert addresses(ann) == ["ann@acme.com", "bob@acme.com"]
    assert front.contacts().count(ann) == 1
    assert front.by("c_1") is ann
    assert "belongs to the record" in reasons(small)["c_2"]


def test_an_address_that_front_does_not_give_back_stops_nobody_else(small, front):
    small.sync()
    small.merge("2", "1")
    small.sync()
    small.part(ANN, BOB)
    small.change("3", orders=1)
    # people took Ann's own address away, so that Bob's is the last one
    front.by("c_1").handles = [("email", "bob@acme.com")]
    small.sync()
    assert "last handle" in reasons(small)["c_2"]
    assert front.by("c_3").custom["c360_orders"] == 1


# --- mappings and errors -------------------------------------------------------------------------

FIELDS = {
    "email": {"column": "email"},
    "c360_email": {"column": "email"},
    "c360_contact_id": {"column": "contact_id"},
}


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"remote_object": "people"}, "Front has contacts and accounts"),
        ({"unique": "c360_contact_id"}, "Front finds contacts by email"),
        ({"fields": {**FIELDS, "c360_email": {"column": "user_name"}}}, "c360_email = "),
        ({"fields": {n: f for n, f in FIELDS.items() if "id" not in n}}, "c360_contact_id = "),
    ],
)
def test_a_mapping_that_front_cannot_take_is_told_before_any_call(small, front, rules, told):
    contacts = {"remote_object": "contacts", "unique": "email", "fields": FIELDS}
    small.rules["contacts"] = contacts | rules
    with pytest.raises(ConfigError, match=told):
        small.sync()
    assert front.calls() == []


def test_links_that_front_does_not_have_are_told(small):
    link = {"from_object": "companies", "to_object": "contacts", "column": "x", "type": "first"}
    small.rules["links"] = {"first_person": link}
    with pytest.raises(ConfigError, match="Front links contacts to accounts alone"):
        small.sync()


def test_reasons_are_fronts_words_without_the_token(tmp_path):
    limit = CallLimit(tmp_path / "limits.sqlite", "front", 50, 60.0)
    client = ApiClient("front", "http://127.0.0.1", {}, "s3cret", limit)
    error = {"status": 400, "title": "Bad request", "message": "no s3cret", "details": ["a", "b"]}
    answer = httpx.Response(400, json={"_error": error})
    assert reason_of(client, answer) == "400 Bad request: no ***: a: b"
    assert reason_of(client, httpx.Response(413, text="too s3cret")) == "413 too ***"
    client.close()
    limit.close()
