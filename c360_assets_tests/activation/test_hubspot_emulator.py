"""The emulated HubSpot answers as HubSpot does, and fails in every way it is told to."""

import threading

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.hubspot import (
    HubspotEmulator,
    empty_results,
    without_results_of,
)

OBJECTS = "/crm/v3/objects"
UPSERT = f"{OBJECTS}/contacts/batch/upsert"
LINKS = "/crm/v4/associations/contacts/companies/batch"
TO_COMPANY, PRIMARY = 279, 1
IMPATIENT_SECONDS = 0.3


class Client:
    """What a test says to the emulator: JSON in, status and JSON out."""

    def __init__(self, emulator: HubspotEmulator, token: str | None = None, seconds: float = 5.0):
        headers = {"Authorization": f"Bearer {token or emulator.token}"}
        # no certificates are read: that takes longer than a test
        self.http = httpx.Client(
            base_url=emulator.url, headers=headers, timeout=seconds, verify=False
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def call(self, method, path, body=None):
        answer = (
            self.http.request(method, path, json=body) if body else self.http.request(method, path)
        )
        return answer.status_code, answer.json() if answer.content else None

    def post(self, path, body):
        return self.call("POST", path, body)

    def upsert(self, *rows, object_="contacts"):
        return self.post(f"{OBJECTS}/{object_}/batch/upsert", {"inputs": list(rows)})

    def read(self, *ids, by=None, properties=("email",), object_="contacts"):
        body = {
            "inputs": [{"id": id_} for id_ in ids],
            "properties": list(properties),
            "propertiesWithHistory": [],
        }
        body |= {"idProperty": by} if by else {}
        return self.post(f"{OBJECTS}/{object_}/batch/read", body)

    def link(self, contact, company, number=TO_COMPANY, what="create"):
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
        ends = {"from": {"id": contact}, "to": {"id": company}, "types": types}
        return self.post(f"{LINKS}/{what}", {"inputs": [ends]})


@pytest.fixture
def client(hubspot):
    with Client(hubspot) as made:
        yield made


@pytest.fixture
def impatient(hubspot):
    with Client(hubspot, seconds=IMPATIENT_SECONDS) as made:
        yield made


def row(email, trace=None, **properties):
    body = {"id": email, "idProperty": "email", "properties": properties}
    return body if trace is None else {**body, "objectWriteTraceId": trace}


def codes(body):
    return [error["code"] for error in body["errors"]]


def emails(hubspot):
    return sorted(held["email"] for held in hubspot.records("contacts").values())


# --- the published description -------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, 3, True, ["a"]])
def test_a_property_that_is_no_text_is_a_violation_and_nothing_is_done(hubspot, client, value):
    status, body = client.upsert(row("ann@x.com", firstname=value))
    assert (status, body["category"]) == (400, "VALIDATION_ERROR")
    assert any("inputs/0/properties/firstname" in told for told in hubspot.violations)
    assert hubspot.records("contacts") == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", UPSERT, {"inputs": [{"properties": {}}]}),
        ("POST", UPSERT, {"inputs": [{"id": "a@x.com", "idproperty": "email", "properties": {}}]}),
        ("POST", f"{OBJECTS}/contacts/batch/read", {"inputs": [{"id": "1"}]}),
        ("GET", f"{OBJECTS}/contacts?limit=many", None),
        ("GET", f"{OBJECTS}/contacts?idproperty=email", None),
        ("PUT", UPSERT, {"inputs": []}),
        ("GET", "/crm/v3/nothing", None),
    ],
)
def test_what_is_not_described_is_a_violation(hubspot, client, method, path, body):
    status, _ = client.call(method, path, body)
    assert status in (400, 404)
    assert hubspot.violations


def test_a_breach_of_its_own_description_is_kept_for_the_end_of_the_test(hubspot, client):
    hubspot.account.now = lambda: "yesterday"
    client.upsert(row("ann@x.com"))
    assert any("createdAt" in told for told in hubspot.own_violations)
    hubspot.own_violations.clear()


def test_without_the_key_nobody_gets_in(hubspot):
    with Client(hubspot, token="wrong") as client:
        status, body = client.upsert(row("ann@x.com"))
    assert (status, body["category"]) == (401, "INVALID_AUTHENTICATION")
    assert hubspot.records("contacts") == {}


# --- upsert, update, create ----------------------------------------------------------------------


def test_an_upsert_makes_what_is_not_there_and_changes_what_is(hubspot, client):
    status, body = client.upsert(row("Ann@X.com", "t0", firstname="Ann", phone="1"))
    (made,) = body["results"]
    assert (status, made["new"], made["objectWriteTraceId"]) == (200, True, "t0")
    assert made["properties"]["email"] == "ann@x.com"
    _, body = client.upsert(row("ANN@x.com", firstname="Anna", phone=""))
    assert (body["results"][0]["new"], body["results"][0]["id"]) == (False, made["id"])
    assert hubspot.records("contacts") == {made["id"]: {"email": "ann@x.com", "firstname": "Anna"}}


def test_traced_rows_that_are_refused_are_told_by_their_trace_and_the_rest_is_done(hubspot, client):
    status, body = client.upsert(row("ann@x.com", "t0"), row("bob", "t1"))
    assert (status, body["numErrors"]) == (207, 1)
    assert [each["objectWriteTraceId"] for each in body["results"]] == ["t0"]
    (error,) = body["errors"]
    assert error["context"] == {"objectWriteTraceId": ["t1"]}
    assert codes(error) == ["INVALID_EMAIL"]
    assert emails(hubspot) == ["ann@x.com"]


def test_one_refused_row_refuses_a_batch_that_is_not_traced(hubspot, client):
    client.upsert(row("ann@x.com", firstname="Ann"))
    status, body = client.upsert(row("ann@x.com", firstname="Eve"), row("c@x.com"), row("bob"))
    assert (status, codes(body)) == (400, ["INVALID_EMAIL"])
    assert [held["firstname"] for held in hubspot.records("contacts").values()] == ["Ann"]
    # the address of the row taken back is free again
    assert client.upsert(row("c@x.com"))[1]["results"][0]["new"]


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", "PROPERTY_DOESNT_EXIST"), ("createdate", "READ_ONLY_VALUE")]
)
def test_an_unknown_or_read_only_property_refuses_the_whole_batch(hubspot, client, name, code):
    status, body = client.upsert(row("ann@x.com", "t0"), row("bob@x.com", "t1", **{name: "1"}))
    assert (status, codes(body)) == (400, [code])
    assert hubspot.records("contacts") == {}


def test_a_batch_takes_a_hundred_rows_each_of_them_once(hubspot, client):
    hundred = [row(f"p{n}@x.com") for n in range(100)]
    assert client.upsert(*hundred, row("more@x.com"))[0] == 400
    assert client.upsert(row("ann@x.com"), row("ann@x.com"))[0] == 400
    assert client.upsert(row("ann@x.com", "t"), row("bob@x.com", "t"))[0] == 400
    assert client.post(UPSERT, {"inputs": []})[0] == 400
    assert hubspot.records("contacts") == {}
    assert len(client.upsert(*hundred)[1]["results"]) == 100


def test_only_unique_properties_tell_records_apart(client):
    body = {"id": "acme.com", "idProperty": "domain", "properties": {}}
    status, told = client.upsert(body, object_="companies")
    assert (status, codes(told)) == (400, ["NON_UNIQUE_ID_PROPERTY"])


def test_an_update_of_what_is_not_there_tells_the_ids(hubspot, client):
    ann = hubspot.add("contacts", email="ann@x.com")
    rows = [{"id": id_, "properties": {"phone": "1"}} for id_ in (ann, "7", "8")]
    status, body = client.post(f"{OBJECTS}/contacts/batch/update", {"inputs": rows})
    assert (status, [each["id"] for each in body["results"]]) == (207, [ann])
    assert [error["context"] for error in body["errors"]] == [{"ids": ["7", "8"]}]
    assert hubspot.records("contacts")[ann]["phone"] == "1"


def test_an_address_belongs_to_one_contact(hubspot, client):
    hubspot.add("contacts", email="ann@x.com")
    body = {"properties": {"email": "ann@x.com"}, "associations": []}
    assert client.post(f"{OBJECTS}/contacts", body)[1]["category"] == "CONFLICT"
    traced = {"inputs": [{**body, "objectWriteTraceId": "t"}]}
    status, told = client.post(f"{OBJECTS}/contacts/batch/create", traced)
    assert (status, told["errors"][0]["category"]) == (207, "CONFLICT")
    assert emails(hubspot) == ["ann@x.com"]


def test_a_record_may_be_made_with_its_first_link(hubspot, client):
    acme = hubspot.add("companies", name="Acme")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": PRIMARY}]
    body = {
        "properties": {"email": "a@x.com"},
        "associations": [{"to": {"id": acme}, "types": types}],
    }
    status, made = client.post(f"{OBJECTS}/contacts", body)
    assert status == 201
    assert ("companies", acme, "contacts", made["id"], 280) in hubspot.associations()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "update", "archive", "edit"]),
        st.sampled_from(["a@x.com", "b@x.com", "c@x.com", "no address"]),
        st.dictionaries(st.sampled_from(["phone", "city"]), st.sampled_from(["", "1", "2"])),
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_writes_leaves_what_a_plain_dictionary_has(shared_specs, steps):
    people: dict[str, dict[str, str]] = {}
    emulator = HubspotEmulator(shared_specs / "hubspot")
    with emulator, Client(emulator) as client:
        for what, email, values in steps:
            ids = {held["email"]: id_ for id_, held in emulator.records("contacts").items()}
            if what == "upsert":
                client.upsert(row(email, "t", **values))
            elif what == "update":
                inputs = [{"id": ids.get(email, "1"), "properties": values}]
                client.post(f"{OBJECTS}/contacts/batch/update", {"inputs": inputs})
            elif what == "archive":
                client.call("DELETE", f"{OBJECTS}/contacts/{ids.get(email, '1')}")
            elif email in ids:
                emulator.edit("contacts", ids[email], **values)
            if what == "archive":
                people.pop(email, None)
            elif email in people or (what == "upsert" and "@" in email):
                people[email] = {**people.get(email, {"email": email}), **values}
        held = {each["email"]: each for each in emulator.records("contacts").values()}
        assert held == {
            email: {name: text for name, text in values.items() if text}
            for email, values in people.items()
        }
    assert emulator.own_violations == emulator.violations == []


# --- reading and taking away ---------------------------------------------------------------------


def test_reading_tells_empty_properties_as_null_and_what_is_missing_as_one_error(hubspot, client):
    ann = hubspot.add("contacts", email="ann@x.com")
    status, body = client.read("Ann@x.com", "b@x.com", "c@x.com", by="email", properties=["phone"])
    assert (status, [each["id"] for each in body["results"]]) == (207, [ann])
    assert body["results"][0]["properties"]["phone"] is None
    assert [error["context"]["ids"] for error in body["errors"]] == [["b@x.com", "c@x.com"]]


def test_an_archived_record_is_gone_but_for_those_who_ask_for_it(hubspot, client):
    ann = hubspot.add("contacts", email="ann@x.com")
    body = {"inputs": [{"id": ann}, {"id": "99"}]}
    assert client.post(f"{OBJECTS}/contacts/batch/archive", body) == (204, None)
    assert (hubspot.records("contacts"), list(hubspot.archived("contacts"))) == ({}, [ann])
    assert client.call("GET", f"{OBJECTS}/contacts/{ann}")[0] == 404
    assert client.call("GET", f"{OBJECTS}/contacts/{ann}?archived=true")[1]["archived"]
    assert client.upsert(row("ann@x.com"))[1]["results"][0]["id"] != ann


def test_a_deleted_person_is_gone_for_good(hubspot, client):
    hubspot.add("contacts", email="ann@x.com")
    path = f"{OBJECTS}/contacts/gdpr-delete"
    body = {"objectId": "ann@x.com", "idProperty": "email"}
    assert client.post(path, body) == (204, None)
    assert (hubspot.records("contacts"), hubspot.archived("contacts")) == ({}, {})
    # no contact has the address any more: from now on none may
    assert client.post(path, body) == (204, None)
    status, told = client.upsert(row("ann@x.com"))
    assert (status, codes(told)) == (400, ["BLOCKED_EMAIL"])
    assert client.post(path, {"objectId": "99"})[0] == 404


def test_lists_come_in_pages(hubspot, client):
    ids = [hubspot.add("contacts", email=f"p{n}@x.com") for n in range(3)]
    _, first = client.call("GET", f"{OBJECTS}/contacts?limit=2")
    after = first["paging"]["next"]["after"]
    _, second = client.call("GET", f"{OBJECTS}/contacts?limit=2&after={after}")
    assert [each["id"] for each in first["results"] + second["results"]] == ids
    assert "paging" not in second


def test_a_search_finds_by_any_group_of_filters(hubspot, client):
    for n in range(4):
        hubspot.add("companies", name=f"Company {n}", numberofemployees=str(n * 10))
    body = {
        "filterGroups": [
            {"filters": [{"propertyName": "numberofemployees", "operator": "GT", "value": "9"}]},
            {"filters": [{"propertyName": "name", "operator": "EQ", "value": "Company 0"}]},
        ],
        "sorts": ["-numberofemployees"],
        "properties": ["name"],
        "limit": 3,
        "after": "0",
    }
    status, found = client.post(f"{OBJECTS}/companies/search", body)
    assert (status, found["total"]) == (200, 4)
    names = [each["properties"]["name"] for each in found["results"]]
    assert names == ["Company 3", "Company 2", "Company 1"]


# --- properties ----------------------------------------------------------------------------------


def new_property(name="c360_id", type_="string", control="text", **more):
    return {
        **{"name": name, "label": name, "groupName": "contactinformation"},
        **{"type": type_, "fieldType": control, **more},
    }


def test_a_property_of_ones_own_is_made_once_and_tells_records_apart(hubspot, client):
    path = "/crm/v3/properties/contacts"
    status, made = client.post(path, new_property(hasUniqueValue=True))
    assert (status, made["hasUniqueValue"]) == (201, True)
    assert client.post(path, new_property())[0] == 409
    assert "c360_id" in {each["name"] for each in client.call("GET", path)[1]["results"]}
    rows = [
        {"id": f"c_{n}", "idProperty": "c360_id", "properties": {"email": f"p{n}@x.com"}}
        for n in range(2)
    ]
    assert client.upsert(*rows)[0] == 200
    taken = {"id": "c_1", "idProperty": "c360_id", "properties": {"email": "p0@x.com"}}
    assert client.upsert(taken)[0] == 409
    ids = list(hubspot.records("contacts"))
    clash = [{"id": ids[0], "properties": {"c360_id": "c_1"}}]
    status, told = client.post(f"{OBJECTS}/contacts/batch/update", {"inputs": clash})
    assert (status, codes(told)) == (400, ["CONFLICTING_UNIQUE_VALUE"])


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (new_property("Upper"), 400),
        (new_property(groupName="nowhere"), 400),
        (new_property(control="number"), 400),
        (new_property("flag", "bool", "booleancheckbox"), 400),
        (new_property("day", "date", "date", hasUniqueValue=True), 400),
        (new_property("score", "number", "number"), 201),
    ],
)
def test_a_property_must_make_sense(client, made, status):
    assert client.post("/crm/v3/properties/contacts", made)[0] == status


def test_properties_are_made_in_a_batch_in_a_group_and_changed_and_taken_away(hubspot, client):
    top = "/crm/v3/properties/companies"
    assert client.post(f"{top}/groups", {"name": "c360", "label": "Customer 360"})[0] == 201
    assert client.post(f"{top}/groups", {"name": "c360", "label": "Customer 360"})[0] == 409
    assert "c360" in {each["name"] for each in client.call("GET", f"{top}/groups")[1]["results"]}
    inputs = [{**new_property(name), "groupName": "c360"} for name in ("plan", "domain")]
    status, body = client.post(f"{top}/batch/create", {"inputs": inputs})
    assert (status, [each["name"] for each in body["results"]]) == (207, ["plan"])
    assert body["errors"][0]["context"]["name"] == ["domain"]
    assert client.call("PATCH", f"{top}/plan", {"label": "Plan"})[1]["label"] == "Plan"
    hubspot.add("companies", plan="gold")
    assert client.call("DELETE", f"{top}/plan") == (204, None)
    assert list(hubspot.records("companies").values()) == [{}]
    assert client.call("GET", f"{top}/plan")[0] == 404


@pytest.mark.parametrize(
    ("type_", "control", "text", "kept"),
    [
        ("number", "number", "1.50", "1.50"),
        ("number", "number", "one", None),
        ("date", "date", "2026-02-28", "2026-02-28"),
        ("date", "date", "1772236800000", "2026-02-28"),
        ("date", "date", "2026-02-30", None),
        ("date", "date", "1772236800001", None),
        ("datetime", "date", "2026-02-28T10:00:00+01:00", "2026-02-28T09:00:00.000Z"),
        ("enumeration", "select", "gold", "gold"),
        ("enumeration", "select", "Gold", None),
        ("enumeration", "checkbox", "gold;tin", "gold;tin"),
        ("string", "text", "x" * 65_537, None),
    ],
)
def test_a_value_must_fit_the_type_of_its_property(hubspot, client, type_, control, text, kept):
    options = [{"label": name, "value": name, "hidden": False} for name in ("gold", "tin")]
    more = {"options": options} if type_ == "enumeration" else {}
    client.post("/crm/v3/properties/contacts", new_property("value", type_, control, **more))
    status, _ = client.upsert(row("ann@x.com", "t", value=text))
    assert status == (200 if kept else 207)
    assert [held["value"] for held in hubspot.records("contacts").values()] == (
        [kept] if kept else []
    )


# --- merging -------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["keeps the id", "gives a new id"])
def merging(request, shared_specs):
    emulator = HubspotEmulator(
        shared_specs / "hubspot", calls_per_window=1000, merge_gives_new_id=request.param
    )
    with emulator, Client(emulator) as client:
        yield emulator, client
    assert emulator.own_violations == []


def test_both_ids_lead_to_what_a_merge_leaves(merging):
    hubspot, client = merging
    ann = hubspot.add("contacts", email="ann@x.com", firstname="Ann")
    bob = hubspot.add("contacts", email="bob@x.com", firstname="Bob", phone="1")
    acme = hubspot.add("companies", name="Acme")
    client.link(bob, acme, PRIMARY)
    path = f"{OBJECTS}/contacts/merge"
    status, body = client.post(path, {"primaryObjectId": ann, "objectIdToMerge": bob})
    assert (status, body["id"] == ann) == (200, not hubspot.account.merge_gives_new_id)
    (held,) = hubspot.records("contacts").values()
    assert (held["firstname"], held["phone"], held["email"]) == ("Ann", "1", "ann@x.com")
    for id_, by in [(ann, None), (bob, None), ("bob@x.com", "email")]:
        assert client.read(id_, by=by)[1]["results"][0]["id"] == body["id"]
    links = {link[:4] for link in hubspot.associations() if link[0] == "contacts"}
    assert links == {("contacts", body["id"], "companies", acme)}
    assert client.post(path, {"primaryObjectId": ann, "objectIdToMerge": bob})[0] == 400
    assert client.post(path, {"primaryObjectId": ann, "objectIdToMerge": "99"})[0] == 404


# --- associations --------------------------------------------------------------------------------


def test_a_link_is_seen_from_both_ends_until_it_is_taken_away(hubspot, client):
    ann, acme = hubspot.add("contacts", email="ann@x.com"), hubspot.add("companies", name="Acme")
    status, body = client.link(ann, acme, PRIMARY)
    assert (status, body["results"][0]["labels"]) == (201, ["Primary"])
    assert hubspot.associations() == {
        *{("contacts", ann, "companies", acme, number) for number in (279, 1)},
        *{("companies", acme, "contacts", ann, number) for number in (280, 2)},
    }
    path = "/crm/v4/associations/company/contact/batch/read"
    _, found = client.post(path, {"inputs": [{"id": acme}]})
    assert [each["toObjectId"] for each in found["results"][0]["to"]] == [ann]
    assert client.link(ann, acme, PRIMARY, "labels/archive") == (204, None)
    assert {link[4] for link in hubspot.associations()} == {279, 280}
    ends = {"inputs": [{"from": {"id": ann}, "to": [{"id": acme}]}]}
    assert client.post(f"{LINKS}/archive", ends) == (204, None)
    assert client.post(f"{LINKS}/archive", ends) == (204, None)
    assert hubspot.associations() == set()
    assert client.post(path, {"inputs": [{"id": acme}]})[0] == 207


def test_a_contact_has_one_primary_company_and_taking_the_plain_link_takes_all(hubspot, client):
    ann = hubspot.add("contacts", email="ann@x.com")
    acme, best = hubspot.add("companies", name="Acme"), hubspot.add("companies", name="Best")
    client.link(ann, acme, PRIMARY)
    client.link(ann, best, PRIMARY)
    primary = {link[3] for link in hubspot.associations() if link[4] == PRIMARY}
    assert primary == {best}
    client.link(ann, best, TO_COMPANY, "labels/archive")
    assert {link[3] for link in hubspot.associations() if link[0] == "contacts"} == {acme}


def test_a_link_to_nobody_or_of_no_type_is_refused(hubspot, client):
    ann, acme = hubspot.add("contacts", email="ann@x.com"), hubspot.add("companies", name="Acme")
    status, body = client.link(ann, "99")
    assert (status, body["errors"][0]["context"]) == (
        207,
        {"fromObjectId": [ann], "toObjectId": ["99"]},
    )
    assert client.link(ann, acme, 4711)[0] == 400
    assert hubspot.associations() == set()


def test_labels_of_ones_own_and_custom_objects_are_linked_alike(hubspot, client):
    number = hubspot.add_label("companies", "contacts", "Most active user")
    ann, acme = hubspot.add("contacts", email="ann@x.com"), hubspot.add("companies", name="Acme")
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": number}]
    inputs = [{"from": {"id": acme}, "to": {"id": ann}, "types": types}]
    path = "/crm/v4/associations/companies/contacts/batch/create"
    assert client.post(path, {"inputs": inputs})[1]["results"][0]["labels"] == ["Most active user"]
    room = hubspot.add("workspaces", name="Room")
    path = "/crm/v4/associations/workspaces/companies/batch/associate/default"
    ends = [{"from": {"id": room}, "to": {"id": acme}}]
    assert client.post(path, {"inputs": ends})[0] == 200
    found = client.call("GET", f"/crm/v4/objects/companies/{acme}/associations/workspaces")[1]
    assert [each["toObjectId"] for each in found["results"]] == [room]


# --- limits --------------------------------------------------------------------------------------


def test_calls_beyond_the_limit_wait_for_the_window_to_pass(shared_specs):
    now = [0.0]
    emulator = HubspotEmulator(shared_specs / "hubspot", calls_per_window=3, clock=lambda: now[0])
    with emulator, Client(emulator) as client:
        path = f"{OBJECTS}/contacts"
        left = [client.http.get(path).headers["X-HubSpot-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        status, body = client.call("GET", path)
        assert (status, body["category"]) == (429, "RATE_LIMITS")
        now[0] = 10.0
        assert client.call("GET", path)[0] == 200


def test_searches_have_a_limit_of_their_own_and_no_headers(hubspot, client):
    nothing = {"filterGroups": [], "sorts": [], "properties": [], "limit": 1, "after": "0"}
    hubspot.searches_per_second = 0
    answer = client.http.post(f"{OBJECTS}/contacts/search", json=nothing)
    assert answer.status_code == 429
    assert "X-HubSpot-RateLimit-Max" not in answer.headers
    assert client.call("GET", f"{OBJECTS}/contacts")[0] == 200


# --- faults --------------------------------------------------------------------------------------


def test_only_the_call_that_is_meant_fails(hubspot, client):
    hubspot.fault(faults.server_error(), path="upsert", nth=2)
    seen = [client.upsert(row(f"p{n}@x.com"))[0] for n in range(3)]
    assert client.call("GET", f"{OBJECTS}/contacts")[0] == 200
    assert seen == [200, 500, 200]
    assert emails(hubspot) == ["p0@x.com", "p2@x.com"]
    assert [call.fault for call in hubspot.calls("POST", "upsert")] == [None, "server_error", None]


def test_too_many_requests_come_with_and_without_a_time_to_wait(hubspot, client):
    hubspot.fault(faults.too_many_requests(2), nth=1)
    hubspot.fault(faults.too_many_requests(), nth=2)
    answers = [client.http.get(f"{OBJECTS}/contacts") for _ in range(3)]
    assert [each.status_code for each in answers] == [429, 429, 200]
    assert [each.headers.get("Retry-After") for each in answers] == ["2", None, None]


@pytest.mark.parametrize(
    ("fault", "status", "is_done"),
    [
        (faults.server_error(applied=False), 500, False),
        (faults.server_error(applied=True), 500, True),
        (empty_results(applied=False), 200, False),
        (empty_results(applied=True), 200, True),
        (without_results_of(lambda result: True), 200, True),
        (faults.delivered_twice(first_answer=True), 200, True),
    ],
)
def test_an_answer_need_not_tell_what_was_done(hubspot, client, fault, status, is_done):
    hubspot.fault(fault)
    answered, body = client.upsert(row("ann@x.com"))
    assert answered == status
    assert len(hubspot.records("contacts")) == is_done
    if "twice" not in hubspot.calls()[0].fault:
        assert not body.get("results")


@pytest.mark.parametrize("is_done", [False, True])
def test_a_connection_is_reset_before_or_after_the_call_is_carried_out(hubspot, client, is_done):
    hubspot.fault(faults.reset(applied=is_done))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.upsert(row("ann@x.com"))
    hubspot.settle()
    assert len(hubspot.records("contacts")) == is_done
    (call,) = hubspot.calls()
    assert (call.status, call.deliveries) == (None, int(is_done))
    assert client.upsert(row("ann@x.com"))[0] == 200


@pytest.mark.parametrize("is_done", [False, True])
def test_an_answer_is_held_until_the_client_gives_up(hubspot, impatient, is_done):
    hubspot.fault(faults.held(applied=is_done))
    with pytest.raises(httpx.ReadTimeout):
        impatient.upsert(row("ann@x.com"))
    hubspot.settle()
    assert len(hubspot.records("contacts")) == is_done


def test_an_answer_that_drips_comes_whole(hubspot, client):
    hubspot.fault(faults.dripping(chunk=16, pause=0.0))
    assert client.upsert(row("ann@x.com", "t0"))[1]["results"][0]["objectWriteTraceId"] == "t0"


def test_a_call_delivered_twice_is_done_twice(hubspot, client):
    hubspot.fault(faults.delivered_twice())
    _, body = client.upsert(row("ann@x.com"))
    assert body["results"][0]["new"] is False
    assert emails(hubspot) == ["ann@x.com"]
    hubspot.fault(faults.delivered_twice(), path="contacts")
    made = {"properties": {"firstname": "Bob"}, "associations": []}
    client.post(f"{OBJECTS}/contacts", made)
    assert [held.get("firstname") for held in hubspot.records("contacts").values()].count(
        "Bob"
    ) == 2


def test_a_call_may_come_again_after_a_newer_one(hubspot, client):
    hubspot.fault(faults.delivered_again_later(2), nth=1)
    for phone in ("1", "2"):
        client.upsert(row("ann@x.com", phone=phone))
    (ann,) = hubspot.records("contacts")
    assert hubspot.records("contacts")[ann]["phone"] == "2"
    assert client.read(ann, properties=["phone"])[1]["results"][0]["properties"]["phone"] == "1"
    assert hubspot.calls()[0].deliveries == 2


def test_something_may_happen_before_and_after_a_call_is_carried_out(hubspot, client):
    seen = []

    def look():
        seen.append((threading.current_thread() is threading.main_thread(), emails(hubspot)))

    hubspot.fault(faults.doing(look, applied=False), nth=1)
    hubspot.fault(faults.doing(look, applied=True), nth=2)
    client.upsert(row("ann@x.com"))
    client.upsert(row("bob@x.com"))
    assert seen == [(False, []), (False, ["ann@x.com", "bob@x.com"])]


def test_rows_are_refused_by_a_rule_of_the_account_until_it_is_mended(hubspot, client):
    hubspot.reject(lambda object_, sent: sent["id"].startswith("bob"), "Bob is not welcome")
    status, body = client.upsert(row("ann@x.com", "t0"), row("bob@x.com", "t1"))
    assert (status, [each["message"] for each in body["errors"]]) == (207, ["Bob is not welcome"])
    hubspot.mend()
    assert client.upsert(row("bob@x.com", "t1"))[0] == 200


# --- for tests -----------------------------------------------------------------------------------


def test_a_salesperson_edits_and_removes(hubspot, client):
    ann = hubspot.add("contacts", email="Ann@x.com", phone="1")
    before = client.read(ann)[1]["results"][0]["updatedAt"]
    hubspot.edit("contacts", ann, phone="", firstname="Ann")
    after = client.read(ann)[1]["results"][0]["updatedAt"]
    assert after > before
    assert hubspot.records("contacts") == {ann: {"email": "ann@x.com", "firstname": "Ann"}}
    hubspot.remove("contacts", ann)
    assert hubspot.records("contacts") == {}


def test_the_log_has_every_call_as_it_came(hubspot, client):
    client.upsert(row("ann@x.com"))
    client.call("GET", f"{OBJECTS}/contacts/99")
    assert [(call.method, call.status) for call in hubspot.calls()] == [("POST", 200), ("GET", 404)]
    assert hubspot.calls("POST")[0].body == {"inputs": [row("ann@x.com")]}
    assert hubspot.calls("POST")[0].answer["results"][0]["new"]


def test_a_stopped_emulator_answers_no_more(shared_specs):
    emulator = HubspotEmulator(shared_specs / "hubspot")
    with Client(emulator) as client:
        with emulator:
            assert client.call("GET", f"{OBJECTS}/contacts")[0] == 200
        with pytest.raises(httpx.TransportError):
            client.call("GET", f"{OBJECTS}/contacts")
