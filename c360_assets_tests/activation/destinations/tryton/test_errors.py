"""What Tryton refuses, lacks or does not answer, and how values are spelled for it."""

import signal

import pytest

from c360_assets.activation.sync.model import ObjectMapping, Row
from c360_assets.errors import ConfigError, CrmError
from c360_assets_tests.activation.destinations.tryton.people import ANN, BOB, CONTACTS, small_of
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.sync import crm_child
from c360_assets_tests.activation.sync.crm_small import Person

OWN = ObjectMapping(
    "contacts",
    "party.party",
    "c360_contact_id",
    {
        "c360_contact_id": "text",
        "number_of_orders": "number",
        "value_365d": "number",
        "last_order_on": "date",
        "last_seen_at": "datetime",
        "is_vip": "boolean",
    },
)


# --- values and errors ---------------------------------------------------------------------------


def test_values_go_to_fields_of_the_party_as_tryton_spells_them(account, destination):
    payload = {
        "c360_contact_id": "c_9",
        "number_of_orders": 7.0,
        "value_365d": 1234.5,
        "last_order_on": "2026-01-31",
        "last_seen_at": "2026-01-31T13:30:05.25+01:00",
        "is_vip": True,
    }
    (verdict,) = destination.upsert(OWN, [Row("c_9", payload, "c_9")])
    assert verdict.outcome == "acknowledged"
    columns = "number_of_orders, value_365d, last_order_on, last_seen_at, is_vip"
    assert account.rows(f"select {columns} from party_party where name is null") == [
        (7, b"1234.5", "2026-01-31", "2026-01-31 12:30:05.250000", 1)
    ]
    held = destination.find(OWN, ["c_9"])["c_9"]
    for name, type_ in OWN.fields.items():
        assert destination.same(type_, payload[name], held.values[name]), name
    nothing = dict.fromkeys(payload) | {"c360_contact_id": "c_9"}
    destination.update(OWN, [Row("c_9", nothing, "c_9", held.remote_id)])
    empty = destination.read(OWN, [held.remote_id])[held.remote_id].values
    assert {name for name, value in empty.items() if value is not None} <= {
        "c360_contact_id",
        # a box is ticked or not
        "is_vip",
    }


def test_one_bad_address_is_refused_with_the_reason_of_tryton_and_the_others_are_taken(
    small, vendor
):
    small.people = [Person(str(n), f"p{n}@acme.com") for n in range(1, 9)]
    small.people[5] = Person("6", "no address at all")
    assert small.sync().tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert row.key == "c_6"
    assert "An email address must have an @-sign" in row.reason
    assert len(vendor.contacts()) == 7


def test_a_session_that_has_ended_is_opened_again(account, destination, small):
    mapping = small.job().mapping("contacts")
    destination.find(mapping, ["c_1"])
    account.run("delete from ir_session")
    before = len(account.wire.calls)
    assert destination.find(mapping, ["c_1"]) == {}
    made = [(call.body["method"], call.status) for call in account.wire.calls[before:]]
    assert [each[1] for each in made] == [401, 200, 200]
    assert made[1][0] == "common.db.login"


def test_a_wrong_password_is_told_with_the_user_and_not_shown(small, vendor, account):
    small.token = "a-wrong-password"
    with pytest.raises(CrmError, match="does not take the user 'c360'") as caught:
        small.sync()
    assert "a-wrong-password" not in str(caught.value)
    assert "401" in str(caught.value)


def test_a_database_that_is_not_there_is_told_by_its_name(small):
    small.rules["database"] = "nowhere"
    job = small.job()
    job.destination.client.attempts = 1
    with pytest.raises(CrmError, match="nowhere"):
        job.sync("run")


def test_what_must_not_show_is_taken_out_of_what_tryton_answers(small, account, destination):
    mapping = small.job().mapping("contacts")
    destination.find(mapping, ["c_1"])
    (token,) = [t for t in destination.client.further_secrets if ":" not in t][:1]
    told = {"id": 3, "error": ["UserError", [f"{small.token} and {token}", "", None]]}
    account.wire.fault(faults.answering(200, told), nth=None)
    with pytest.raises(CrmError) as caught:
        destination.find(mapping, ["c_1"])
    assert "*** and ***" in str(caught.value)


@pytest.mark.parametrize("answer", [{}, {"id": 99, "result": []}, [], None])
def test_an_answer_that_says_nothing_of_the_call_acknowledges_nobody(small, vendor, answer):
    vendor.fault(faults.answering(200, answer, applied=True))
    done = small.sync()
    assert (done.tally.unknown, done.tally.acknowledged) == (2, 1)
    assert small.sync().recovered == 2
    assert set(vendor.written().values()) == {1}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ["UserWarning", ["w1", "Is that so?", "Very"]],
            "a person has to confirm this in Tryton: ",
        ),
        (["ConcurrencyException", "party.party,7"], "somebody changed it at the same time"),
        (["'nonsense'", "a traceback"], "create failed in Tryton: 'nonsense'"),
    ],
    ids=["a question", "at the same time", "unexpected"],
)
def test_what_tryton_refuses_is_rejected_with_its_words(small, vendor, error, reason):
    vendor.fault(faults.answering(200, {"id": 1, "error": error}), nth=None)
    assert small.sync().tally.rejected == 2
    with small.ledger() as ledger:
        assert all(reason in row.reason for row in ledger.all_rejected())
    assert vendor.contacts() == {}


def test_a_login_that_needs_more_than_a_password_is_told(small, account):
    told = {"id": 1, "error": ["LoginException", ["sms", "The code", "char"]]}
    account.wire.fault(faults.answering(200, told), nth=None)
    with pytest.raises(CrmError, match="needs more than a password"):
        small.sync()


def test_an_error_that_tryton_did_not_expect_is_the_reason_of_the_row(destination):
    mapping = ObjectMapping("contacts", "party.party", "c360_contact_id", {"nonsense": "text"})
    job_row = Row("c_1", {"nonsense": "x"}, "c_1")
    with pytest.raises(CrmError, match=r"model\.party\.party\.create failed in Tryton: 'nonsense'"):
        destination.upsert(mapping, [job_row])


# --- what must be there --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("firstname", "has no field 'firstname'.*category_firstname or c360_firstname"),
        ("code_alnum", "code_alnum cannot be written"),
        ("value_365d", "value_365d is number there, text here"),
    ],
    ids=["not there", "read-only", "another type"],
)
def test_a_field_that_cannot_take_it_is_told_before_anything_is_sent(tmp_path, vendor, name, said):
    fields = CONTACTS["fields"] | {name: {"column": "user_name"}}
    small = small_of(tmp_path, vendor, {"contacts": CONTACTS | {"fields": fields}})
    with pytest.raises(ConfigError, match=said):
        small.prepare()
    assert vendor.contacts() == {}


def test_a_user_without_the_group_is_told_which_one_it_needs(tmp_path, vendor, account):
    account.call("model.res.user.create", [{"name": "x", "login": "x", "password": "pass-of-x-12"}])
    small = small_of(tmp_path, vendor, {"contacts": CONTACTS, "user": "x"})
    small.token = "pass-of-x-12"
    with pytest.raises(CrmError, match="The user 'x' needs the group Party Administration"):
        small.prepare()


def test_a_database_without_relations_is_told_and_does_without_links(tmp_path, vendor, account):
    account.run("update ir_model set name = 'gone' where name = 'party.relation.type'")
    small = small_of(tmp_path, vendor, {"contacts": CONTACTS})
    with pytest.raises(ConfigError, match="activate the module party_relationship"):
        small.prepare()
    small.rules["links"] = {}
    small.prepare()
    assert small.sync().tally.rejected == 0
    assert len(vendor.contacts()) == 2


def test_a_party_can_be_told_by_an_identifier_or_a_mechanism_alone(tmp_path, vendor):
    small = small_of(tmp_path, vendor, {"contacts": CONTACTS | {"unique": "name"}})
    with pytest.raises(ConfigError, match=r"crm\.tryton\.contacts\.unique is 'name'"):
        small.sync()


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_sync_killed_when_it_creates_is_finished_by_the_next_and_makes_nobody_twice(
    small, vendor, applied
):
    process = crm_child.prepared(small)
    vendor.fault(faults.doing(process.kill, applied=applied))
    process.start()
    _, errors = process.communicate()
    vendor.settle()
    vendor.mend()
    assert process.returncode == -signal.SIGKILL, errors.decode()[-2000:]
    small.sync()
    assert {key: each["email"] for key, each in vendor.contacts().items()} == {
        "c_1": ANN.email,
        "c_2": BOB.email,
    }
    assert set(vendor.written().values()) == {1}
    assert small.sync().tally.planned == 0
