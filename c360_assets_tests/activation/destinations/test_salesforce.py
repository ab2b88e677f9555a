"""What is special about Salesforce: sessions, quoting, answers, limits, set-up, deletions."""

import csv
import io
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from c360_assets.activation.destinations import salesforce_answers as answers
from c360_assets.activation.destinations.build import build_destination, rules_of
from c360_assets.activation.destinations.salesforce import SalesforceDestination
from c360_assets.activation.destinations.salesforce_bulk import csv_of
from c360_assets.activation.sync.model import Link, ObjectMapping, Row
from c360_assets.crm_rules import CrmRules
from c360_assets.errors import ConfigError, CrmError, RowsRefusedError
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.salesforce import (
    CLIENT_ID,
    CLIENT_SECRET,
    SalesforceEmulator,
)
from c360_assets_tests.activation.emulators.salesforce_soap import SPACES, Soap
from c360_assets_tests.activation.emulators.salesforce_soql import parse

NASTY = (
    "O'Hara",
    'say "hi"',
    "a, b",
    "two\nlines",
    "two\r\nlines",
    "<script>&amp;",
    "back\\slash'",
    "🦆",
)
CONTACTS = ObjectMapping(
    "contacts",
    "Contact",
    "C360_Contact_Id__c",
    {"C360_Contact_Id__c": "text", "LastName": "text", "Email": "text", "C360_Orders__c": "number"},
)
ENVELOPE = (
    f"<e:Envelope xmlns:e='{SPACES['e']}' xmlns:p='{SPACES['p']}'><e:Header><p:SessionHeader>"
    "<p:sessionId>t</p:sessionId></p:SessionHeader></e:Header><e:Body>{}</e:Body></e:Envelope>"
)
KEYS = {"SALESFORCE_CLIENT_ID": CLIENT_ID, "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET}


@pytest.fixture
def make(tmp_path: Path, salesforce):
    """Builds the destination with other environments and rules; closes them all."""
    made = []

    def build(environment=None, **rules) -> SalesforceDestination:
        given = {"base_url": salesforce.url, **rules}
        found = rules_of("salesforce", CrmRules.model_validate({"salesforce": given}))
        told = {"SALESFORCE_TOKEN": str(salesforce.token)} if environment is None else environment
        made.append(build_destination("salesforce", found, tmp_path, told))
        made[-1].client.first_wait = 0.01
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def org(make) -> SalesforceDestination:
    return make()


def rows(*names: str, **values) -> list[Row]:
    """Contacts with these last names; their keys are their places."""
    return [Row(f"c_{n}", {"LastName": name, **values}, f"c_{n}") for n, name in enumerate(names)]


# --- sessions ------------------------------------------------------------------------------------


def test_an_org_without_an_address_is_told_what_to_write(make):
    with pytest.raises(ConfigError, match=r"has no address.*my\.salesforce\.com"):
        make(base_url=None)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, r"SALESFORCE_TOKEN.*SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET"),
        ({"SALESFORCE_CLIENT_ID": "x"}, "SALESFORCE_CLIENT_SECRET"),
        ({"SALESFORCE_CLIENT_SECRET": "x"}, "SALESFORCE_CLIENT_ID"),
    ],
)
def test_a_missing_key_is_told_by_the_name_of_its_variable(make, environment, told):
    with pytest.raises(ConfigError, match=told):
        make(environment)


def test_a_session_is_got_by_client_credentials_and_again_when_it_has_ended(make, salesforce):
    org = make(KEYS)
    assert org.upsert(CONTACTS, rows("Ann"))[0].outcome == "acknowledged"
    salesforce.expire()
    assert org.upsert(CONTACTS, rows("Bob"))[0].outcome == "acknowledged"
    assert salesforce.tokens_given == 2


def test_soap_gets_a_new_session_too(make, salesforce):
    org = make(KEYS)
    ann, bob = (v.remote_id for v in org.upsert(CONTACTS, rows("Ann", "Bob")))
    salesforce.expire()
    assert org.merge(CONTACTS, ann, bob).outcome == "acknowledged"


def test_a_token_that_has_ended_and_cannot_be_renewed_says_how_it_could(org, salesforce):
    salesforce.expire()
    with pytest.raises(CrmError, match="SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET") as told:
        org.read(CONTACTS, ["003000000000001"])
    assert "for.tests" not in str(told.value)
    with pytest.raises(CrmError, match="renew the token"):
        org.merge(CONTACTS, "003000000000001", "003000000000002")


def test_wrong_keys_of_an_app_are_told_and_show_nowhere(make):
    org = make({**KEYS, "SALESFORCE_CLIENT_SECRET": "a-wrong-secret"})
    with pytest.raises(CrmError, match="client credentials") as told:
        org.fields(CONTACTS)
    assert "a-wrong-secret" not in str(told.value)


def test_keys_and_tokens_show_in_no_representation(make):
    org = make({**KEYS, "SALESFORCE_TOKEN": "00D!shown-nowhere"})
    shown = repr(org)
    assert not any(secret in shown for secret in ("00D!shown-nowhere", CLIENT_SECRET))


# --- quoting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
def test_every_text_is_found_by_itself_in_soql(text):
    (soql,) = answers.queries("SELECT Id FROM Contact", "Email", [text])
    assert parse(soql).conditions == [("Email", [text])]


def test_queries_are_short_enough_for_an_address_and_ask_for_every_text():
    texts = [f"🦆{n}'{'x' * 200}" for n in range(300)]
    made = list(answers.queries("SELECT Id FROM Contact", "Email", texts, " ORDER BY Id"))
    assert len(made) > 1
    assert all(len(quote(soql)) < 16_000 for soql in made)
    assert [text for soql in made for _, asked in parse(soql).conditions for text in asked] == texts


def test_every_text_comes_out_of_the_csv_as_it_went_in():
    content = csv_of("Id", [{"Id": str(n), "LastName": text} for n, text in enumerate(NASTY)])
    read = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [row["LastName"] for row in read] == list(NASTY)


def test_every_text_stands_in_the_org_as_it_was_sent_and_is_found_by_it(org, salesforce):
    mapping = ObjectMapping("contacts", "Contact", "C360_Segment__c", CONTACTS.fields)
    for n, text in enumerate(NASTY):
        salesforce.add("Contact", LastName=text, C360_Segment__c=text, C360_Contact_Id__c=f"c_{n}")
    found = org.find(mapping, NASTY)
    assert [found[text.lower()].values["LastName"] for text in NASTY] == list(NASTY)
    org.upsert(CONTACTS, rows(*reversed(NASTY)))
    held = {each["C360_Contact_Id__c"]: each for each in salesforce.records("Contact").values()}
    assert [held[f"c_{n}"]["LastName"] for n in range(len(NASTY))] == list(reversed(NASTY))


@pytest.mark.parametrize("text", ["<a/>", "'; DROP", "🦆", "]]>"])
def test_xml_is_escaped_and_a_fault_is_a_rejection_with_its_text(org, text):
    verdict = org.merge(CONTACTS, text, "003000000000001AAA")
    assert (verdict.outcome, "MALFORMED_ID" in verdict.reason) == ("rejected", True)
    assert text in verdict.reason


def test_an_xml_answer_with_entities_is_not_read(org, salesforce):
    told = Soap(salesforce.org).answer(ENVELOPE.format("<p:getUserInfo/>").encode(), "t")[1]
    told = told.replace("getUserInfo", "merge").replace("<userId>", "<success>&yes;</success><id>")
    told = told.replace("</userId>", "</id>").partition("?>")[2]
    bomb = f'<!DOCTYPE a [<!ENTITY yes "true">]>{told}'.encode()

    async def answer(exchange):
        return faults.Answer(200, bomb, ((b"content-type", b"text/xml"),))

    salesforce.fault(faults.Fault("bomb", answer), path="/Soap/")
    verdict = org.merge(CONTACTS, "003000000000001AAA", "003000000000002AAA")
    assert (verdict.outcome, "no SOAP answer" in verdict.reason) == ("unknown", True)


# --- answers -------------------------------------------------------------------------------------


def test_each_row_has_its_own_verdict_by_its_place():
    well = {"id": "003000000000001AAA", "success": True, "errors": []}
    error = {"statusCode": "STRING_TOO_LONG", "message": "too long", "fields": ["LastName"]}
    bad = {"success": False, "errors": [error]}
    told = answers.verdicts_of(
        [well, bad, {}, well], [None, None, None, "003000000000009AAA", None]
    )
    assert [each.outcome for each in told] == [
        *("acknowledged", "rejected", "unknown"),
        # another record at the place of ours, and no answer at all
        *("unknown", "unknown"),
    ]
    assert told[1].reason == "STRING_TOO_LONG: too long (LastName)"


@pytest.mark.parametrize("answer", [{}, {"a": 1}, None, [], ["x"], [{"success": "yes"}]])
def test_an_answer_that_is_no_list_of_results_acknowledges_nobody(answer):
    assert [each.outcome for each in answers.verdicts_of(answer, [None])] == ["unknown"]


def test_a_shorter_answer_leaves_the_other_rows_unknown(org, salesforce):
    def cut(answer):
        return faults.Answer(answer.status, httpx.Response(200, json=answer.json[:1]).content)

    salesforce.fault(faults.changed(cut), method="PATCH")
    told = org.upsert(CONTACTS, rows("Ann", "Bob", "Cat"))
    assert [each.outcome for each in told] == ["acknowledged", "unknown", "unknown"]


def test_a_row_that_salesforce_refuses_stops_nobody_else(org):
    told = org.upsert(CONTACTS, rows("Ann", "x" * 200, "Cat"))
    assert [each.outcome for each in told] == ["acknowledged", "rejected", "acknowledged"]
    assert "STRING_TOO_LONG" in told[1].reason


def test_a_wrong_field_is_the_rows_fault_and_halved(org):
    mapping = ObjectMapping("contacts", "Contact", CONTACTS.unique, {"Nowhere__c": "text"})
    with pytest.raises(RowsRefusedError, match=r"Nowhere__c"):
        org.upsert(mapping, [Row("c_1", {"Nowhere__c": "x"}, "c_1")])


def test_a_next_page_elsewhere_is_not_asked_for(org, salesforce):
    body = {"totalSize": 2, "done": False, "nextRecordsUrl": "https://evil.example/", "records": []}
    salesforce.fault(faults.answering(200, body), path="/query")
    with pytest.raises(CrmError, match=r"evil\.example.*not sent there"):
        org.find(CONTACTS, ["c_1"])


def test_what_is_found_is_read_page_by_page(org, salesforce):
    org.upsert(CONTACTS, rows(*"abcdefg"))
    salesforce.records_api.page = 3
    assert set(org.find(CONTACTS, [f"c_{n}" for n in range(7)])) == {f"c_{n}" for n in range(7)}
    assert len(salesforce.calls("GET", "/query/")) == 2


# --- values --------------------------------------------------------------------------------------


def test_values_are_spelled_as_the_field_there_has_them(org, salesforce):
    fields = {"C360_Is_Paying__c": "boolean", "C360_Plan__c": "number", "C360_Orders__c": "number"}
    mapping = ObjectMapping("companies", "Account", "C360_Domain__c", {**fields, "Name": "text"})
    payload = {"C360_Is_Paying__c": None, "C360_Plan__c": 5.0, "C360_Orders__c": 2.0, "Name": "A"}
    (verdict,) = org.upsert(mapping, [Row("a.com", payload, "a.com")])
    assert verdict.outcome == "acknowledged"
    (held,) = salesforce.records("Account").values()
    assert (held["C360_Is_Paying__c"], held["C360_Plan__c"]) == (False, "5")
    read = org.read(mapping, [verdict.remote_id])[verdict.remote_id]
    for name, type_ in fields.items():
        assert org.same(type_, payload[name], read.values[name])


@pytest.mark.parametrize(
    ("type_", "ours", "theirs", "is_same"),
    [
        ("boolean", None, "false", True),
        ("boolean", True, "false", False),
        ("text", " Ann ", "Ann", True),
        ("datetime", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.000+0000", True),
        ("datetime", "2024-05-06T07:08:09Z", "2024-05-06T07:08:10.000+0000", False),
        ("number", 5, "5.0", True),
        ("date", "2024-05-06", "2024-05-07", False),
    ],
)
def test_the_same_value_is_known_in_salesforces_spelling(org, type_, ours, theirs, is_same):
    assert org.same(type_, ours, theirs) is is_same


def test_a_contact_without_a_name_gets_a_placeholder_that_is_read_as_empty(org, salesforce):
    (verdict,) = org.upsert(CONTACTS, [Row("c_1", {"Email": "a@b.de"}, "c_1")])
    assert salesforce.records("Contact")[verdict.remote_id]["LastName"] == answers.NOT_PROVIDED
    assert org.read(CONTACTS, [verdict.remote_id])[verdict.remote_id].values["LastName"] is None


# --- the calls of the day ------------------------------------------------------------------------


def test_the_last_calls_of_the_day_are_left_to_others(make, prepared_salesforce):
    with SalesforceEmulator(like=prepared_salesforce, calls_per_day=1000, used=948) as busy:
        org = make(base_url=busy.url)
        for _ in range(2):
            org.read(CONTACTS, ["003000000000001AAA"])
        with pytest.raises(CrmError, match=r"950 of the org's 1000 calls.*50 are left to others"):
            org.read(CONTACTS, ["003000000000001AAA"])
        assert busy.used == 950


def test_an_org_whose_calls_are_used_up_says_so(make, prepared_salesforce):
    with (
        SalesforceEmulator(like=prepared_salesforce, calls_per_day=1000, used=1000) as busy,
        pytest.raises(CrmError, match=r"REQUEST_LIMIT_EXCEEDED.*used up"),
    ):
        make(base_url=busy.url).read(CONTACTS, ["003000000000001AAA"])


# --- set-up --------------------------------------------------------------------------------------


def test_a_field_of_our_own_is_seen_by_the_user_through_the_permission_set(org, salesforce):
    fields = {"C360_New__c": "text", "LastName": "text"}
    mapping = ObjectMapping("contacts", "Contact", "C360_New__c", fields)
    org.create_field(mapping, "C360_New__c", "text")
    assert org.fields(mapping)["C360_New__c"].type == "text"
    assert org.upsert(mapping, [Row("c_1", {}, "u1")])[0].outcome == "acknowledged"
    assert set(salesforce.setup.sets) == {"C360"}


def test_a_field_that_is_there_and_not_seen_is_made_seen(org, salesforce):
    salesforce.org.visible.clear()
    salesforce.setup.granted.clear()
    assert "C360_Orders__c" not in org.fields(CONTACTS)
    org.create_field(CONTACTS, "C360_Orders__c", "number")
    assert org.fields(CONTACTS)["C360_Orders__c"].type == "number"


def test_a_standard_field_that_is_missing_cannot_be_made(org):
    with pytest.raises(ConfigError, match=r"'Segment'.*ends in __c"):
        org.create_field(CONTACTS, "Segment", "text")


def test_an_object_that_is_missing_says_how_to_make_it(org):
    mapping = ObjectMapping("gaggles", "C360_Nothing__c", "Name", {})
    with pytest.raises(ConfigError, match=r"'C360_Nothing__c'.*Object Manager > Create"):
        org.fields(mapping)


def test_a_unique_field_that_cannot_tell_records_is_told(org):
    mapping = ObjectMapping("contacts", "Contact", "FirstName", {"FirstName": "text"})
    with pytest.raises(ConfigError, match="mark it External ID and Unique"):
        org.fields(mapping)


# --- merging, deleting, erasing ------------------------------------------------------------------


def test_objects_that_salesforce_does_not_merge_are_told(org):
    mapping = ObjectMapping("gaggles", "C360_Gaggle__c", "Name", {})
    verdict = org.merge(mapping, "a00000000000001AAA", "a00000000000002AAA")
    assert (verdict.outcome, "merge them by hand" in verdict.reason) == ("rejected", True)


def test_a_merge_of_who_is_gone_is_rejected_with_salesforces_words(org):
    ann, bob = (v.remote_id for v in org.upsert(CONTACTS, rows("Ann", "Bob")))
    org.delete(CONTACTS, [bob])
    verdict = org.merge(CONTACTS, ann, bob)
    assert (verdict.outcome, verdict.reason) == (
        "rejected",
        "ENTITY_IS_DELETED: entity is deleted",
    )


def test_a_company_with_which_people_would_be_deleted_stays(org, salesforce):
    mapping = ObjectMapping("companies", "Account", "C360_Domain__c", {"Name": "text"})
    with_people, empty = (
        salesforce.add("Account", Name=name, C360_Domain__c=name) for name in ("a.com", "b.com")
    )
    salesforce.add("Contact", LastName="Ann", AccountId=with_people)
    kept, gone = org.delete(mapping, [with_people, empty])
    assert (kept.outcome, gone.outcome) == ("rejected", "acknowledged")
    assert "Contact records" in kept.reason
    assert set(salesforce.records("Account")) == {with_people}
    assert len(salesforce.records("Contact")) == 1


def test_a_record_that_is_gone_before_is_well_deleted(org):
    (ann,) = (v.remote_id for v in org.upsert(CONTACTS, rows("Ann")))
    for _ in range(2):
        assert org.delete(CONTACTS, [ann])[0].outcome == "acknowledged"
    assert org.delete(CONTACTS, ["003000000000999AAA"])[0].outcome == "acknowledged"


def test_who_is_erased_is_in_no_recycle_bin_nor_who_was_merged_into_them(org, salesforce):
    ann, bob = (v.remote_id for v in org.upsert(CONTACTS, rows("Ann", "Bob")))
    org.merge(CONTACTS, ann, bob)
    assert org.erase(CONTACTS, Row("c_0", {}, "c_0")).outcome == "acknowledged"
    deleted = salesforce.deleted("Contact")
    assert {id_: each.is_purged for id_, each in deleted.items()} == {ann: True, bob: True}
    assert org.erase(CONTACTS, Row("c_0", {}, "c_0", ann)).outcome == "acknowledged"


# --- links ---------------------------------------------------------------------------------------


def test_a_look_up_that_somebody_filled_is_not_overwritten_nor_emptied(org, salesforce):
    ours, theirs = (salesforce.add("Account", Name=n, C360_Domain__c=n) for n in ("a.de", "b.de"))
    ann = salesforce.add("Contact", LastName="Ann", AccountId=theirs)
    link = Link("contact_company", ann, ours)
    (verdict,) = org.link("contact_company", [link])
    assert (verdict.outcome, "somebody put there" in verdict.reason) == ("rejected", True)
    assert org.unlink("contact_company", [link])[0].outcome == "acknowledged"
    assert salesforce.records("Contact")[ann]["AccountId"] == theirs


def test_a_look_up_is_made_where_it_is_missing(org, salesforce):
    del salesforce.org.kind("Account").fields["C360_First_Person__c"]
    assert org.missing_links() == ["company_first_person"]
    org.create_link("company_first_person")
    assert org.missing_links() == []
    assert salesforce.org.kind("Account").fields["C360_First_Person__c"].reference_to == "Contact"
