"""Syncs to HubSpot, over real HTTP to an emulator that holds every call against the specs."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from c360_assets.activation.sync.ledger_conflicts import conflict_of, conflicts, settle_conflict
from c360_assets.activation.sync.ledger_rows import RECORD
from c360_assets.errors import ConfigError, CrmError, RequestError
from c360_assets_tests.activation.emulators import faults
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


def test_a_second_sync_of_the_same_makes_no_call_but_for_fields_and_labels(small, hubspot):
    small.sync()
    before = len(hubspot.calls())
    done = small.sync()
    assert done.tally.planned == 0
    made = hubspot.calls()[before:]
    # properties of both, and the labels between them
    assert [call.method for call in made] == ["GET", "GET", "GET"]
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


def test_what_our_own_merge_moves_into_a_record_is_nobodys_edit(small, hubspot):
    fields = {
        **{"email": {"column": "email"}, "c360_contact_id": {"column": "contact_id"}},
        "c360_orders": {
            **{"column": "number_of_orders", "type": "number"},
            "policy": "never_overwrite_human",
        },
        "c360_segment": {"column": "user_name", "policy": "never_overwrite_human"},
    }
    small.rules = {"contacts": {"remote_object": "contacts", "unique": "email", "fields": fields}}
    small.people = [replace(ANN, orders=None), replace(BOB, orders=4), replace(CAT, orders=5)]
    small.sync()
    ann = id_of(hubspot, "contacts", email=ANN.email)
    hubspot.edit("contacts", ann, c360_segment="a friend")
    # HubSpot fills the empty orders of Ann by those that we sent of Bob, which stay beside Cat's
    small.merge("2", "1")
    small.merge("3", "1")
    small.change("1", orders=9)
    assert small.sync().tally.conflicts == 1
    assert contacts(hubspot)["c_1"]["c360_orders"] == "9"
    with small.ledger() as ledger:
        assert [(each.field, each.in_crm) for each in conflicts(ledger)] == [
            ("c360_segment", "a friend")
        ]
    # what people write from then on is theirs, though it was Bob's
    hubspot.edit("contacts", ann, c360_orders="4")
    small.change("1", orders=10)
    assert small.sync().tally.conflicts == 2
    assert contacts(hubspot)["c_1"]["c360_orders"] == "4"


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
    (planned,) = small.plan(details=5).details["contacts"]
    done = small.sync()
    assert done.tally.rejected == 1
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert "merge the two here, or part them there" in row.reason
    assert planned.refused == row.reason
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
    with small.ledger() as ledger:
        ((problem, planned),) = ledger.rows(
            "select problem, planned from runs where destination = ?"
        )
    assert "`c360 crm prepare` makes them. Nothing was sent" in problem
    assert planned is None
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


# --- look-ups ------------------------------------------------------------------------------------


def labels(hubspot, small) -> set[tuple[str, str]]:
    """Who is the first person of which company: (domain, address)."""
    number = next(
        type_.number
        for type_ in hubspot.links.types["companies", "contacts"]
        if type_.label == "First person"
    )
    companies, people = hubspot.records("companies"), hubspot.records("contacts")
    return {
        (companies[start]["c360_domain"], people[end]["email"])
        for kind, start, _, end, type_ in hubspot.associations()
        if kind == "companies" and type_ == number
    }


def test_a_company_is_linked_to_its_first_person_by_a_label_that_prepare_made(small, hubspot):
    small.first = {"acme.com": "1"}
    small.sync()
    assert labels(hubspot, small) == {("acme.com", ANN.email)}
    small.first = {"acme.com": "2"}
    small.sync()
    assert labels(hubspot, small) == {("acme.com", BOB.email)}
    assert small.sync().tally.planned == 0


def test_who_leaves_a_company_but_stays_its_first_person_keeps_that_label(small, hubspot):
    small.first = {"acme.com": "1"}
    small.sync()
    small.change("1", company=None)
    small.sync()
    assert labels(hubspot, small) == {("acme.com", ANN.email)}
    primary = {
        start
        for kind, start, _, _, type_ in hubspot.associations()
        if (kind, type_) == ("contacts", 1)
    }
    assert primary == {id_of(hubspot, "contacts", email=BOB.email)}


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


def test_a_run_may_be_named_by_how_its_id_begins(small, hubspot):
    small.sync()
    small.change("1", orders=9)
    job = small.job()
    job.sync("f9453ca2-1f50-401c")
    job.destination.close()
    small.roll_back("f9453ca2")
    assert contacts(hubspot)["c_1"]["c360_orders"] == "2"


def test_a_run_that_there_is_not_cannot_be_taken_back(small):
    small.sync()
    with pytest.raises(RequestError, match=r"run99.*run1"):
        small.roll_back("run99")


# --- what people decide --------------------------------------------------------------------------


def settle(small: Small, key: str, field: str, *, is_ours: bool) -> None:
    with small.ledger() as ledger:
        found = conflict_of(ledger, "contacts", key, field)
        settle_conflict(ledger, found, is_ours, "sam@jaffle.com", datetime(2021, 12, 1))


def open_conflicts(small: Small) -> list[tuple[str, str]]:
    with small.ledger() as ledger:
        return [(each.key, each.field) for each in conflicts(ledger)]


def edited(small: Small, hubspot) -> None:
    """Ann's name and orders are what a salesperson wrote, and here they change, too."""
    small.sync()
    ann = id_of(hubspot, "contacts", email=ANN.email)
    hubspot.edit("contacts", ann, firstname="Annabel", c360_orders="99")
    small.change("1", name="Anne", orders=5)
    small.sync()
    assert open_conflicts(small) == [("c_1", "c360_orders"), ("c_1", "firstname")]


def test_a_conflict_settled_for_us_is_written_once_and_the_policy_holds_again_afterwards(
    small, hubspot
):
    edited(small, hubspot)
    settle(small, "c_1", "firstname", is_ours=True)
    assert small.sync().tally.acknowledged == 1
    assert contacts(hubspot)["c_1"]["firstname"] == "Anne"
    hubspot.edit("contacts", id_of(hubspot, "contacts", email=ANN.email), firstname="Annabel")
    small.change("1", name="Annie")
    small.sync()
    assert contacts(hubspot)["c_1"]["firstname"] == "Annabel"


def test_a_conflict_settled_for_them_brings_their_value_back_and_keeps_it(small, hubspot):
    edited(small, hubspot)
    assert contacts(hubspot)["c_1"]["c360_orders"] == "5"
    settle(small, "c_1", "c360_orders", is_ours=False)
    small.sync()
    assert contacts(hubspot)["c_1"]["c360_orders"] == "99"
    small.change("1", orders=6)
    small.sync()
    assert contacts(hubspot)["c_1"]["c360_orders"] == "99"
    hubspot.edit("contacts", id_of(hubspot, "contacts", email=ANN.email), c360_orders="100")
    small.change("1", orders=7)
    small.sync()
    assert contacts(hubspot)["c_1"]["c360_orders"] == "100"
    assert ("c_1", "c360_orders") not in open_conflicts(small)
    assert small.sync().tally.planned == 0


def test_what_a_salesperson_deleted_is_not_made_again_unless_somebody_settles_so(small, hubspot):
    small.sync()
    hubspot.remove("contacts", id_of(hubspot, "contacts", email=ANN.email))
    small.change("1", orders=5)
    done = small.sync()
    assert (done.tally.rejected, done.tally.conflicts) == (1, 1)
    assert set(contacts(hubspot)) == {"c_2", "c_3"}
    with small.ledger() as ledger:
        (row,) = ledger.all_rejected()
    assert "c360 crm settle contacts c_1 --ours" in row.reason
    settle(small, "c_1", RECORD, is_ours=True)
    small.sync()
    assert contacts(hubspot)["c_1"]["c360_orders"] == "5"
    assert small.sync().tally.planned == 0


def test_a_conflict_that_there_is_not_cannot_be_settled(small, hubspot):
    edited(small, hubspot)
    with pytest.raises(RequestError, match=r"no open conflict contacts c_9 x; there are: .*c_1"):
        settle(small, "c_9", "x", is_ours=True)


def test_a_refused_link_is_kept_with_the_reason_waits_and_is_tried_again(small, hubspot):
    hubspot.fault(
        faults.answering(400, {"status": "error", "message": "no such company", "category": "X"}),
        path="associations/contacts/companies/batch/create",
        nth=None,
    )
    done = small.sync()
    assert done.by_part["contact_company"].rejected == 2
    with small.ledger() as ledger:
        rows = ledger.all_rejected()
    assert {row.object for row in rows} == {"contact_company"}
    assert all("no such company" in row.reason for row in rows)
    hubspot.mend()
    assert small.plan().links["contact_company"].waiting == 2
    assert small.sync().tally.planned == 0
    with small.ledger() as ledger, ledger.transaction() as connection:
        connection.execute("update rejected set next_at = '2020-01-01T00:00:00'")
    assert small.sync().tally.acknowledged == 2
    with small.ledger() as ledger:
        assert ledger.all_rejected() == []


# --- companies that are one ----------------------------------------------------------------------


def test_two_domains_that_are_merged_are_one_company_there(small, hubspot):
    small.people = [ANN, Person("2", "bob@acme.io", "Bob", "acme.io"), CAT]
    small.sync()
    assert len(hubspot.records("companies")) == 2
    small.change("2", company="acme.com")
    small.merged_domains = {"acme.io": "acme.com"}
    done = small.sync()
    assert done.tally.rejected == done.tally.unknown == 0
    (company,) = hubspot.records("companies").values()
    assert company["c360_domain"] == "acme.com"
    linked = {start for kind, start, _, _, _ in hubspot.associations() if kind == "contacts"}
    assert linked == {id_of(hubspot, "contacts", email=e) for e in (ANN.email, "bob@acme.io")}
    assert small.sync().tally.planned == 0
    small.change("2", company="acme.io")
    small.merged_domains = {}
    small.sync()
    assert {c["c360_domain"] for c in hubspot.records("companies").values()} == {
        *("acme.com", "acme.io"),
    }
    assert small.sync().tally.planned == 0


def test_a_run_keeps_what_became_of_each_kind_of_record(small):
    done = small.sync()
    with small.ledger() as ledger:
        kept = ledger.rows(
            "select part, planned, acknowledged, rejected, unknown, conflicts from run_parts"
            " where destination = ? and run_id = 'run1'"
        )
        ((problem,),) = ledger.rows("select problem from runs where destination = ?")
    assert {part: tuple(counts) for part, *counts in kept} == {
        part: (t.planned, t.acknowledged, t.rejected, t.unknown, t.conflicts)
        for part, t in done.by_part.items()
    }
    assert sum(row[1] for row in kept) == done.tally.planned > 0
    assert problem is None


def test_what_is_settled_between_looking_and_the_answer_is_carried_out_by_the_next_sync(
    small, hubspot, monkeypatch
):
    """A salesperson's page decides while the call is on its way."""
    small.sync()
    (id_,) = [i for i, each in hubspot.records("contacts").items() if each["email"] == ANN.email]
    hubspot.edit("contacts", id_, firstname="Annie")
    small.change("1", name="Anna", orders=5)
    small.sync()
    with small.ledger() as ledger:
        (conflict,) = [each for each in conflicts(ledger) if each.field == "firstname"]

    kind = type(small.job().destination)
    update = kind.update

    def decide_and_update(self, mapping, rows):
        with small.ledger() as ledger:
            settle_conflict(ledger, conflict, True, "sam", datetime.now(UTC).replace(tzinfo=None))
        return update(self, mapping, rows)

    small.change("1", orders=6)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "update", decide_and_update)
        small.sync()
    assert contacts(hubspot)["c_1"]["firstname"] == "Annie"
    small.sync()
    assert contacts(hubspot)["c_1"]["firstname"] == "Anna"
