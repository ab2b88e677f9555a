"""What is special about webhooks: signatures, ids, whole records, and answers of all kinds."""

import json
import re
import signal
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from c360_assets.activation.destinations.webhook_signing import keys_of, signed_headers
from c360_assets.activation.sync.model import Row
from c360_assets.errors import ConfigError, CrmError
from c360_assets_tests.activation.destinations.webhook_vendor import WebhookVendor, writes_contacts
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.webhook import (
    SCHEMA,
    SECRET,
    WebhookReceiver,
    what_is_wrong,
)
from c360_assets_tests.activation.sync import crm_child
from c360_assets_tests.activation.sync.crm_small import Person, Small

OTHER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "crm.md"
ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")


@pytest.fixture
def receiver():
    with WebhookReceiver() as found:
        yield found
    assert found.violations == []


@pytest.fixture
def small(tmp_path, receiver) -> Small:
    return small_of(tmp_path, receiver)


def small_of(folder: Path, receiver: WebhookReceiver, **rules: object) -> Small:
    return Small(
        *(folder, receiver.url, receiver.secret, [ANN, BOB, CAT]),
        rules=rules,
        name="webhook",
        token_env="WEBHOOK_SECRET",
    )


def check_all_is_well(small: Small, receiver: WebhookReceiver) -> None:
    """The receiver holds what is wanted, the ledger says so, and nothing is left to do."""
    held = receiver.records.get("contacts", {})
    assert {(key, c["email"], c["orders"]) for key, c in held.items()} == {
        (f"c_{p.id}", p.email, p.orders) for p in small.people
    }
    with small.ledger() as ledger:
        assert {key for key, _, _ in ledger.hashes("contacts")} == set(held)
        assert ledger.intents() == []
    assert small.plan().planned == 0


def told(receiver: WebhookReceiver, event: str = "contacts.upsert") -> list:
    return [delivery for delivery in receiver.deliveries if delivery.body["type"] == event]


# --- signatures ----------------------------------------------------------------------------------


def test_the_published_example_of_standard_webhooks_has_the_published_signature():
    (key,) = keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WEBHOOK_SECRET")
    body = b'{"test": 2432232314}'
    assert signed_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("known", [SECRET, OTHER_SECRET], ids=["the new one", "the old one"])
def test_while_the_secret_changes_a_receiver_may_know_either(tmp_path, known):
    with WebhookReceiver(secret=known) as receiver:
        small = small_of(tmp_path, receiver)
        small.token = f"{SECRET} {OTHER_SECRET}"
        small.sync()
        assert len(receiver.records["contacts"]) == 3
        assert {len(each.signature.split()) for each in receiver.deliveries} == {2}


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp"])
def test_what_was_altered_on_the_way_is_not_let_in(part):
    body = b'{"type":"contacts.delete"}'
    headers = signed_headers(keys_of(SECRET, "WEBHOOK_SECRET"), "msg_1", 1_700_000_000, body)
    assert what_is_wrong(headers, body, SECRET, 1_700_000_000) is None
    if part == "body":
        body = body.replace(b"delete", b"upsert")
    else:
        headers[part] = headers[part][:-1] + "7"
    assert what_is_wrong(headers, body, SECRET, 1_700_000_000) == "no signature is ours"


def test_a_delivery_that_is_recorded_and_sent_again_later_is_not_let_in(small, receiver):
    small.sync()
    receiver.clock = lambda: receiver.deliveries[-1].timestamp + 400.0
    small.change("1", orders=5)
    with pytest.raises(CrmError, match=r"401 the timestamp is .* old; .*secret"):
        small.sync()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("c2VjcmV0", "does not begin with whsec_"),
        (f"whsec_c2VjcmV0 {SECRET}", "secret 1, holds 6 bytes"),
        ("whsec_n*t-base64", "is not base64 after whsec_"),
        ("whsec_c2VjcmV0", "holds 6 bytes, and 24 to 64 are needed"),
        (f"{SECRET} whsec_n*t-base64", "secret 2, is not base64"),
    ],
)
def test_a_malformed_secret_is_told_and_not_shown(small, text, problem):
    small.token = text
    with pytest.raises(ConfigError, match=re.escape(problem)) as caught:
        small.sync()
    assert "WEBHOOK_SECRET" in str(caught.value)
    assert "openssl" in str(caught.value)
    assert not any(part.removeprefix("whsec_") in str(caught.value) for part in text.split())


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        (None, "has no address"),
        ("http://example.com/hook", "only localhost may be http://"),
        ("http://localhost.example.com/hook", "only localhost may be http://"),
        ("example.com/hook", "is no web address"),
        ("https://:not-a-port/", "is no address"),
        ("https://me:my-password@example.com/hook", "which belong elsewhere"),
    ],
)
def test_an_address_that_nobody_should_send_to_is_told_with_the_remedy(small, base_url, problem):
    small.rules["base_url"] = base_url
    with pytest.raises(ConfigError, match=re.escape(problem)) as caught:
        small.sync()
    assert "base_url under [crm.webhook]" in str(caught.value)
    assert "my-password" not in str(caught.value)


@pytest.mark.parametrize("word", ["links", "con.tacts", ""])
def test_a_name_that_cannot_be_part_of_an_event_is_told(small, word):
    rules = small.job().rules.contacts
    small.rules["contacts"] = rules.model_copy(update={"remote_object": word}).model_dump()
    with pytest.raises(ConfigError, match="remote_object"):
        small.job()


def test_the_address_is_used_as_it_is_and_its_query_shows_in_no_error(small, receiver, caplog):
    small.rules["base_url"] = f"{receiver.url}?for=us%20two"
    receiver.wire.fault(faults.answering(503, headers={"Retry-After": "0"}), nth=None)
    with pytest.raises(CrmError) as caught:
        small.sync()
    assert "503" in str(caught.value)
    assert "us" not in re.findall(r"POST \S+", str(caught.value) + caplog.text)[0]
    receiver.wire.mend()
    small.sync()
    check_all_is_well(small, receiver)


# --- what is sent --------------------------------------------------------------------------------


class WithGaggles(Small):
    """The same people, Ann and Bob in a gaggle of their company's."""

    def published(self):
        connection = super().published()
        connection.execute(
            "insert into marts.gaggle_facts by name select 'g_1' as gaggle_id,"
            " 'Geese' as gaggle_name, 'acme.com' as corporate_email, 2 as number_of_users"
        )
        connection.execute("update marts.contacts set gaggle_id = 'g_1' where user_id in ('1','2')")
        return connection


def test_companies_people_gaggles_and_what_links_them_are_sent(tmp_path, receiver):
    small = WithGaggles(**vars(small_of(tmp_path, receiver)))
    small.first = {"acme.com": "1"}
    done = small.sync()
    assert done.tally.planned == done.tally.acknowledged
    assert receiver.records["companies"]["acme.com"]["people"] == 2
    geese = receiver.records["gaggles"]["g_1"]
    assert (geese["name"], geese["company"], geese["people"]) == ("Geese", "acme.com", 2)
    assert receiver.links == {
        "contact_company": {("c_1", "acme.com"), ("c_2", "acme.com")},
        "contact_gaggle": {("c_1", "g_1"), ("c_2", "g_1")},
        "gaggle_company": {("g_1", "acme.com")},
        "company_first_person": {("acme.com", "c_1")},
    }
    assert small.plan().planned == 0


def test_a_sync_takes_a_call_for_a_hundred_rows_and_none_where_nothing_is_new(small, receiver):
    small.people = [Person(str(n), f"p{n}@x.com") for n in range(110)]
    assert small.plan().calls == 2
    small.sync()
    assert [len(each.rows) for each in told(receiver)] == [100, 10]
    calls = len(receiver.wire.calls)
    small.sync()
    assert len(receiver.wire.calls) == calls
    small.change("77", name="Anna")
    small.sync()
    (row,) = told(receiver)[-1].rows
    assert (row["key"], row["fields"]["name"]) == ("c_77", "Anna")
    # a record goes out whole, empty fields as null
    assert row["fields"]["email"] == "p77@x.com"
    assert row["fields"]["segment"] is None
    assert set(row["fields"]) == set(small.job().rules.contacts.fields)


def test_a_name_that_changes_its_case_alone_is_news(small, receiver):
    small.sync()
    small.change("1", name="ANN")
    (record,) = small.plan(details=5).details["contacts"]
    assert record.changes == {"name": ("Ann", "ANN")}
    small.sync()
    assert receiver.records["contacts"]["c_1"]["name"] == "ANN"


def test_a_field_that_is_filled_once_keeps_what_was_told_first(small, receiver):
    contacts = small.job().rules.contacts.model_dump()
    contacts["fields"]["name"]["policy"] = "fill_empty"
    small.rules["contacts"] = contacts
    small.sync()
    small.change("1", name="Anna")
    small.sync()
    assert receiver.records["contacts"]["c_1"]["name"] == "Ann"
    assert len(told(receiver)) == 1, "nothing in the record is news"
    small.change("1", name="Anna", orders=3)
    small.sync()
    held = receiver.records["contacts"]["c_1"]
    assert (held["name"], held["orders"]) == ("Ann", 3)
    check_all_is_well(small, receiver)


def test_a_merge_names_the_one_that_is_gone_and_the_one_it_is_in(small, receiver):
    small.sync()
    small.merge("2", "1")
    small.sync()
    (merged,) = told(receiver, "contacts.merge")
    assert [(row["key"], row["into"]) for row in merged.rows] == [("c_2", "c_1")]
    check_all_is_well(small, receiver)


def test_an_erasure_names_key_and_address_and_leaves_no_trace_here(small, receiver):
    small.sync()
    job = small.job()
    for remote_id in ("c_2", None):
        row = Row("c_2", {}, BOB.email, remote_id)
        assert job.destination.erase(job.mapping("contacts"), row).outcome == "acknowledged"
    job.destination.close()
    assert receiver.erased[0] == ("c_2", BOB.email)
    assert set(receiver.records["contacts"]) == {"c_1", "c_3"}
    assert b"c_2" not in (small.folder / "crm" / "webhook.sqlite").read_bytes()


def test_a_person_who_was_perhaps_told_is_erased_there_and_in_every_file_here(small, receiver):
    small.sync()
    small.people.append(Person("4", "dan@beta.io", "Dan", "acme.com"))
    receiver.wire.fault(faults.reset(applied=True), when=writes_contacts, nth=None)
    assert small.sync().tally.unknown == 1
    receiver.wire.mend()
    job = small.job()
    try:
        assert job.erase({"c_4"}, {"dan@beta.io"}).done == ("c_4",)
    finally:
        job.connection.close()
        job.destination.close()
    assert set(receiver.records["contacts"]) == {"c_1", "c_2", "c_3"}
    assert receiver.erased == [("c_4", None)]
    for path in (small.folder / "crm").glob("*.sqlite*"):
        assert b"c_4" not in path.read_bytes(), path
        assert b"dan@beta.io" not in path.read_bytes(), path


# --- delivered again -----------------------------------------------------------------------------


def test_each_attempt_is_signed_anew_and_has_the_same_id_and_body(small, receiver):
    ticks = count(receiver.clock(), 2)
    receiver.wire.fault(faults.server_error(503, applied=True), when=writes_contacts, nth={1, 2})
    job = small.job()
    job.destination = replace(job.destination, clock=lambda: next(ticks))
    job.sync("run1")
    first, second, third = told(receiver)
    assert first.id == second.id == third.id
    assert first.body == second.body == third.body
    assert len({each.timestamp for each in (first, second, third)}) == 3
    assert len({each.signature for each in (first, second, third)}) == 3
    assert set(receiver.carried_out.values()) == {1}


def test_what_was_not_answered_is_delivered_again_by_the_next_run_with_the_same_id(small, receiver):
    receiver.wire.fault(faults.reset(applied=True), when=writes_contacts, nth=None)
    assert small.sync().tally.unknown == 3
    receiver.wire.mend()
    assert small.sync().by_part["contacts"].acknowledged == 3
    assert len({each.id for each in told(receiver)}) == 1
    assert [each.is_known for each in told(receiver)][0::6] == [False, True]
    assert set(receiver.carried_out.values()) == {1}
    check_all_is_well(small, receiver)


def test_a_run_that_is_killed_is_finished_by_the_next_with_the_same_id(small, receiver):
    process = crm_child.prepared(small)
    receiver.wire.fault(faults.doing(process.kill, applied=True), when=writes_contacts)
    process.start()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    receiver.wire.settle()
    small.sync()
    first, second = told(receiver)
    assert (first.id, second.is_known) == (second.id, True)
    assert set(receiver.carried_out.values()) == {1}
    check_all_is_well(small, receiver)


def test_what_comes_back_after_something_else_is_news(small, receiver):
    for orders in (1, 2, 1, 2):
        small.change("1", orders=orders)
        small.sync()
    assert len({each.id for each in told(receiver)}) == 4
    moments = [row["at"] for each in told(receiver) for row in each.rows if row["key"] == "c_1"]
    assert moments == sorted(set(moments))
    check_all_is_well(small, receiver)


def test_a_link_that_comes_back_is_news(small, receiver):
    for company in ("beta.io", "acme.com", "beta.io", "acme.com"):
        small.change("2", company=company)
        small.sync()
    assert receiver.links["contact_company"] == {("c_1", "acme.com"), ("c_2", "acme.com")}


def test_what_was_perhaps_told_and_is_wanted_no_more_is_put_right(small, receiver):
    small.sync()
    small.change("1", orders=9)
    receiver.wire.fault(faults.reset(applied=True), when=writes_contacts, nth=None)
    assert small.sync().tally.unknown == 1
    assert receiver.records["contacts"]["c_1"]["orders"] == 9
    receiver.wire.mend()
    small.change("1", orders=ANN.orders)
    small.sync()
    check_all_is_well(small, receiver)


def test_a_person_who_was_perhaps_told_and_is_wanted_no_more_is_taken_back(small, receiver):
    contacts = small.job().rules.contacts.model_copy(update={"delete": True})
    small.rules["contacts"] = contacts.model_dump()
    receiver.wire.fault(faults.reset(applied=True), when=writes_contacts, nth=None)
    assert small.sync().tally.unknown == 3
    receiver.wire.mend()
    small.people = [ANN]
    small.sync()
    check_all_is_well(small, receiver)


@pytest.mark.parametrize("is_undone", [False, True], ids=["it stands", "it is undone"])
def test_a_merge_without_an_answer_is_told_again_or_put_right(small, receiver, is_undone):
    small.sync()
    small.merge("2", "1")
    merges = faults.reset(applied=True)
    receiver.wire.fault(merges, when=lambda call: call.body["type"] == "contacts.merge", nth=None)
    assert small.sync().tally.unknown == 1
    receiver.wire.mend()
    if is_undone:
        small.part(ANN, BOB)
    small.sync()
    assert len({each.id for each in told(receiver, "contacts.merge")}) == 1
    check_all_is_well(small, receiver)


def test_a_delivery_that_comes_late_does_not_undo_a_newer_one(small, receiver):
    small.sync()
    receiver.wire.fault(faults.delivered_again_later(calls=1), when=writes_contacts)
    small.change("1", orders=5)
    small.sync()
    small.change("1", orders=6)
    small.sync()
    assert receiver.records["contacts"]["c_1"]["orders"] == 6


# --- answers -------------------------------------------------------------------------------------


def test_rows_that_are_refused_singly_are_rejected_and_the_others_taken(small, receiver):
    receiver.refused["c_2"] = "blocked by a rule"
    assert small.sync().tally.rejected == 1
    assert set(receiver.records["contacts"]) == {"c_1", "c_3"}
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert (row.key, row.reason) == ("c_2", "blocked by a rule")


def test_a_row_that_was_refused_is_news_when_it_is_tried_again(small, receiver):
    small.people = [BOB]
    receiver.refused["c_2"] = "blocked by a rule"
    small.sync()
    receiver.refused.clear()
    # tried again now, and not in five minutes
    with small.ledger() as ledger:
        ledger.connection.execute("update rejected set next_at = '2000-01-01T00:00:00'")
    small.sync()
    first, second = told(receiver)
    assert first.id != second.id
    check_all_is_well(small, receiver)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (204, b"", "application/json"),
        (200, b"", "text/plain"),
        (200, b"ok", "text/plain"),
        (200, b"<html>thanks</html>", "text/html"),
        (202, b"{}", "application/json"),
        (200, b'{"rejected": []}', "application/json"),
        (207, b'{"rejected": []}', "application/json"),
        (200, b"true", "application/json"),
    ],
)
def test_a_success_takes_all_rows(small, receiver, status, body, kind):
    receiver.answer = (status, body, kind)
    done = small.sync()
    assert done.tally.planned == done.tally.acknowledged
    check_all_is_well(small, receiver)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"rejected": [{"key": "c_2", "rea', "application/json"),
        (200, b'{"rejected": "c_2"}', "application/json"),
        (200, b'{"rejected": [{"reason": "no"}]}', "application/json"),
        (200, b'{"rejected": [{"key": "c_99", "reason": "no"}]}', "application/json"),
        (207, b"", "application/json"),
        (207, b"some went well", "text/plain"),
    ],
)
def test_a_success_that_may_have_refused_some_is_asked_again(small, receiver, status, body, kind):
    receiver.wire.fault(
        faults.changed(lambda _: faults.Answer(status, body, ((b"content-type", kind.encode()),))),
        when=writes_contacts,
    )
    done = small.sync()
    assert (done.tally.unknown, done.tally.rejected) == (3, 0)
    small.sync()
    assert len({each.id for each in told(receiver)}) == 1
    check_all_is_well(small, receiver)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_delivery_that_is_refused_as_a_whole_is_halved_until_the_bad_row_stands_alone(
    small, receiver, status
):
    def has_bob(call):
        return writes_contacts(call) and "c_2" in str(call.body)

    refusal = faults.answering(status, {"error": "bad row"})
    receiver.wire.fault(refusal, when=has_bob, nth=None)
    done = small.sync()
    assert (done.tally.rejected, done.tally.unknown) == (1, 0)
    assert set(receiver.records["contacts"]) == {"c_1", "c_3"}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (301, "it has moved"),
        (401, "give it the secret"),
        (403, "let us in"),
        (404, "mend the address"),
        (405, "takes no POST"),
        (410, "take webhook out of C360_CRM"),
        (418, "see what the receiver says"),
        (501, "see what the receiver says"),
    ],
)
def test_a_receiver_that_takes_nothing_ends_the_sync_with_the_remedy(
    small, receiver, status, remedy
):
    receiver.wire.fault(faults.answering(status, {"error": f"no, not for {SECRET}"}), nth=None)
    with pytest.raises(CrmError, match=f"{status}.*{remedy}") as caught:
        small.sync()
    assert len(receiver.wire.calls) == 1
    assert SECRET not in str(caught.value)


# --- what the guide says -------------------------------------------------------------------------


def in_the_guide(language: str, word: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    (found,) = [block for block in blocks if word in block]
    return found


def test_the_delivery_in_the_guide_is_one_as_the_schema_says():
    Draft202012Validator.check_schema(SCHEMA)
    example = json.loads(in_the_guide("json", "contacts.upsert"))
    assert list(Draft202012Validator(SCHEMA).iter_errors(example)) == []
    example["data"]["rows"][0].pop("key")
    assert list(Draft202012Validator(SCHEMA).iter_errors(example)) != []


def test_the_check_in_the_guide_lets_in_what_we_sign_and_nothing_else():
    scope: dict = {}
    exec(in_the_guide("python", "def is_from_c360"), scope)
    check, body = scope["is_from_c360"], b'{"type":"contacts.delete"}'
    keys = keys_of(f"{OTHER_SECRET} {SECRET}", "WEBHOOK_SECRET")
    headers = signed_headers(keys, "msg_1", 1_700_000_000, body)
    assert check(headers, body, SECRET, now=1_700_000_010)
    assert not check(headers, body + b" ", SECRET, now=1_700_000_010)
    assert not check(headers, body, SECRET, now=1_700_000_400)
    assert not check(headers | {"webhook-signature": "v1,AAAA"}, body, SECRET, now=1_700_000_010)


def test_a_vendor_that_nobody_can_edit_says_so(receiver):
    with pytest.raises(NotImplementedError):
        WebhookVendor(receiver).edit("c_1", name="Anna")
