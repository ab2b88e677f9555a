"""What the sync monitor tells of the ledger, and of whom it tells nothing; what it decides."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from filelock import FileLock

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import keep_conflicts, settled
from c360_assets.activation.sync.ledger_links import settle_links
from c360_assets.activation.sync.ledger_rows import Acknowledged, Conflict, Counts
from c360_assets.activation.sync.run import LEDGER
from c360_assets.activation.sync.tally import Tally
from c360_assets.assets.crm import deliver_files
from c360_assets.crm_rules import CrmRules, DestinationRules
from c360_assets.errors import ConfigError, LedgerError, RequestError
from c360_assets.settings import Rules
from c360_assets.sources.tombstones import open_tombstones
from c360_assets.ui.copies import Copies
from c360_assets.ui.data import sync_sheets
from c360_assets.ui.data.sync import (
    ROWS_PER_PAGE,
    Asked,
    Brief,
    briefs,
    deliveries,
    destinations,
    monitor,
    shown_briefs,
)
from c360_assets.ui.data.sync_decide import decide, try_again
from c360_assets.ui.data.sync_people import ends
from c360_assets.ui.privacy import HIDDEN
from c360_assets_tests.pipeline import World

AT = datetime(2021, 12, 1, 12)
# Ann and Bob are shown; Sue opted out under an address that she had before; Ed was erased, and the
# CRM has not confirmed it. Old is Bob's id of before the merge.
PEOPLE = """
    id,name,email,gaggle_id,created_at
    1,Ann,ann@acme.com,g1,2021-01-01
    2,Bob,bob@acme.com,g1,2021-01-02
    3,Old Bob,old.bob@acme.com,g1,2021-01-03
    4,Sue Hidden,sue@acme.com,g1,2021-01-04
    5,Sue Hidden,sue@home.net,,2021-01-05
    6,Ed Erased,ed@acme.com,,2021-01-06
    7,Sue Hidden,other@acme.com,,2021-01-07
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    rules = Rules(
        crm=CrmRules(
            suppression=("optouts.csv",),
            hubspot=DestinationRules(page="javascript:alert(1)"),
        )
    )
    made = World(tmp_path_factory.mktemp("sync"), rules=rules).write(
        raw_user=PEOPLE,
        raw_gaggle="id,name,created_at\ng1,One,2021-01-01",
        merged_user="""
            old_email,new_email
            old.bob@acme.com,bob@acme.com
            sue@home.net,sue@acme.com
        """,
        optouts="email\nSUE@home.net",
    )
    made.build_everything().publish()
    open_tombstones(made.settings.home_dir).add({"email": ["ed@acme.com"], "user": ["6"]}, {})
    return made


@pytest.fixture(scope="module")
def copy(world):
    return Copies(world.settings).current()


@pytest.fixture(scope="module")
def ids(world):
    found = world.rows("select email, contact_id from identity.user_identity")
    return {row["email"].split("@")[0]: row["contact_id"] for row in found}


@pytest.fixture
def settings(world):
    """The same people, and a ledger that does not know them yet."""
    made = world.settings.model_copy(update={"crm": "file,hubspot"})
    ledger = made.crm_dir / LEDGER
    for path in made.crm_dir.glob(f"{LEDGER}*"):
        path.unlink()
    assert not ledger.exists()
    return made


@pytest.fixture
def ledger(settings):
    with Ledger(settings.crm_dir / LEDGER, "hubspot") as found:
        yield found


def refuse(ledger, key, reason, object_="contacts"):
    ledger.settle([], {(object_, key, "h"): reason}, "r1", AT)


def conflict(key, in_crm="Annie", object_="contacts"):
    return Conflict(object_, key, "firstname", "never_overwrite_human", "Ann", in_crm, "Anna")


def test_before_the_first_sync_there_is_nothing_and_nothing_is_made(copy, settings):
    found = monitor(copy, settings, "hubspot", Asked())
    assert (found.last, found.runs, found.rejected, found.conflicts) == (None, (), (), ())
    assert not (settings.crm_dir / LEDGER).exists()


def test_only_a_web_address_is_the_page_of_a_crm(copy, settings):
    assert monitor(copy, settings, "hubspot", Asked()).page is None
    shipped = settings.model_copy(update={"rules": Rules()})
    page = monitor(copy, shipped, "hubspot", Asked()).page
    assert page == "https://app.hubspot.com/contacts"


def test_rows_of_people_companies_and_gaggles_lead_to_their_pages(copy, settings, ledger, ids):
    refuse(ledger, ids["ann"], "bad name")
    refuse(ledger, "acme.com", "bad domain", "companies")
    refuse(ledger, "gone.com", "bad domain", "companies")
    refuse(ledger, "g1", "bad", "gaggles")
    found = monitor(copy, settings, "hubspot", Asked())
    told = {row.key: (row.subjects[0].title, row.subjects[0].page_id) for row in found.rejected}
    assert told == {
        ids["ann"]: ("Ann", ids["ann"]),
        "acme.com": ("acme.com", "acme.com"),
        "gone.com": ("gone.com", None),
        "g1": ("One", "g1"),
    }
    assert found.number_of_rejected == 4


def test_an_id_that_ended_in_a_merge_leads_to_who_it_is_today(copy, settings, ledger, world, ids):
    (old,) = world.rows(
        "select distinct contact_id from identity.contact_id_history"
        f" where current_contact_id = '{ids['bob']}' and contact_id <> current_contact_id"
    )
    refuse(ledger, old["contact_id"], "no", "contacts merges")
    (row,) = monitor(copy, settings, "hubspot", Asked()).rejected
    assert (row.subjects[0].title, row.subjects[0].page_id) == ("Old Bob", ids["bob"])
    assert row.reason == "no"


@pytest.mark.parametrize("whose", ["sue", "ed", "nobody"])
def test_of_hidden_people_and_of_strangers_the_id_alone_is_told(copy, settings, ledger, ids, whose):
    key = ids.get(whose, "c_from another time")
    refuse(ledger, key, f"{whose}@acme.com is taken by {whose.capitalize()}")
    keep_conflicts(ledger, [conflict(key, f"{whose} of acme")], "r1", AT)
    found = monitor(copy, settings, "hubspot", Asked())
    (row,), (open_,) = found.rejected, found.conflicts
    assert (row.key, row.subjects[0].title, row.subjects[0].page_id) == (key, None, None)
    assert row.subjects[0].is_hidden
    assert row.reason == HIDDEN
    values = (open_.conflict.last_sent, open_.conflict.in_crm, open_.conflict.wanted)
    assert values == (HIDDEN, HIDDEN, HIDDEN)
    assert not open_.can_be_settled


@pytest.mark.parametrize("address", ["sue@home.net", "Sue@ACME.com", "ed@acme.com"])
def test_what_names_somebody_hidden_in_anothers_row_is_not_told(
    copy, settings, ledger, ids, address
):
    refuse(ledger, ids["ann"], f"{address} belongs to the record 17; merge the two.")
    refuse(ledger, ids["bob"], "bob@acme.com, old.bob@acme.com belong to the record 18.")
    keep_conflicts(ledger, [conflict(ids["ann"], f"see {address}."), conflict(ids["bob"])],
                   "r1", AT)  # fmt: skip
    found = monitor(copy, settings, "hubspot", Asked())
    told = {row.key: row.reason for row in found.rejected}
    assert told[ids["ann"]] == HIDDEN
    assert told[ids["bob"]].startswith("bob@acme.com")
    values = {each.conflict.key: each for each in found.conflicts}
    assert values[ids["ann"]].conflict.in_crm == HIDDEN
    assert not values[ids["ann"]].can_be_settled
    assert values[ids["bob"]].conflict == conflict(ids["bob"])
    assert values[ids["bob"]].can_be_settled


@pytest.mark.parametrize(
    "text",
    [
        "exists already: [sue@home.net]",
        "Is it sue@home.net?",
        "`ED@acme.com` is taken",
        "{sue@acme.com}!",
        "no sue@@acme.com",
        "said\\nsue@acme.com",
        "no /contacts/sue%40home.net?idProperty=email",
        "no sue＠home.net",
        "'o'sue@home.net', sue@home.net&x=1",
        "Sue Hidden has it",
        "Hidden, Sue",
    ],
)
def test_however_it_is_written_a_ledger_does_not_tell_of_hidden_people(
    copy, settings, ledger, ids, text
):
    for object_, key in (("contacts", ids["ann"]), ("companies", "acme.com"), ("gaggles", "g1")):
        refuse(ledger, key, text, object_)
        keep_conflicts(ledger, [conflict(key, text, object_)], "r1", AT)
    found = monitor(copy, settings, "hubspot", Asked())
    assert [row.reason for row in found.rejected] == [HIDDEN] * 3
    assert [each.conflict.in_crm for each in found.conflicts] == [HIDDEN] * 3


def test_a_namesake_of_somebody_hidden_keeps_the_name_and_can_be_settled(
    copy, settings, ledger, ids
):
    keep_conflicts(
        ledger, [conflict(ids["other"], "SUE  Hidden"), conflict(ids["ann"], "Sue Hidden")],
        "r1", AT,
    )  # fmt: skip
    found = monitor(copy, settings, "hubspot", Asked())
    told = {each.conflict.key: (each.conflict.in_crm, each.can_be_settled)
            for each in found.conflicts}  # fmt: skip
    assert told == {ids["other"]: ("SUE  Hidden", True), ids["ann"]: (HIDDEN, False)}


def test_a_refused_link_is_hidden_where_one_of_its_ends_is(copy, settings, ledger, ids):
    for whose in ("ann", "sue"):
        pair = (ids[whose], "acme.com")
        settle_links(ledger, "contact_company", {}, {pair: f"no {whose}"}, True, "r1", AT)
    found = monitor(copy, settings, "hubspot", Asked())
    told = {row.subjects[0].key: (row.reason, row.subjects[1].page_id) for row in found.rejected}
    assert told == {ids["ann"]: ("no ann", "acme.com"), ids["sue"]: (HIDDEN, "acme.com")}


def test_a_link_of_a_kind_that_the_mapping_has_no_more_tells_no_reason(copy, settings, ledger, ids):
    settle_links(ledger, "old_kind", {}, {(ids["ann"], "acme.com"): "no"}, True, "r1", AT)
    (row,) = monitor(copy, settings, "hubspot", Asked()).rejected
    assert row.reason == HIDDEN


def test_a_merge_is_about_the_record_that_was_to_go():
    assert ends("contacts merges", ("c_1",), DestinationRules()) == [("contacts", "c_1")]


def test_the_files_of_rows_have_every_row_and_tell_no_more_than_the_page(
    settings, ledger, ids, monkeypatch
):
    monkeypatch.setattr(sync_sheets, "BATCH", 1)
    here = Copies(settings).current()
    refuse(ledger, ids["ann"], "bad name")
    refuse(ledger, ids["sue"], "Sue is taken")
    pair = (ids["bob"], "acme.com")
    settle_links(ledger, "contact_company", {}, {pair: "no link"}, True, "r1", AT)
    keep_conflicts(ledger, [conflict(ids["bob"]), conflict(ids["ed"])], "r1", AT)
    asked = {"to": "hubspot", "sort": "reason"}
    [names], *rest = sync_sheets.refused(here, asked)
    rows = [dict(zip(names, row, strict=True)) for batch in rest for row in batch]
    assert {row["record"]: (row["name"], row["reason"]) for row in rows} == {
        ids["ann"]: ("Ann", "bad name"),
        ids["sue"]: ("", HIDDEN),
        f"{ids['bob']} / acme.com": ("Old Bob / acme.com", "no link"),
    }
    # in the order of the reasons as the ledger has them
    assert [row["record"] for row in rows].index(ids["sue"]) == 0
    [names], *rest = sync_sheets.conflicts(here, asked)
    told = {row[1]: row[2:7] for batch in rest for row in batch}
    assert told == {
        ids["bob"]: ("Old Bob", "firstname", "Ann", "Annie", "Anna"),
        ids["ed"]: ("", "firstname", HIDDEN, HIDDEN, HIDDEN),
    }
    with pytest.raises(RequestError, match="names hubspot"):
        sync_sheets.conflicts(here, {"to": "file"})


def test_a_page_beyond_the_last_is_the_last(copy, settings, ledger):
    for n in range(ROWS_PER_PAGE + 1):
        refuse(ledger, f"{n:03d}.com", "no", "companies")
    found = monitor(copy, settings, "hubspot", Asked(rejected_page=9, order="key"))
    assert found.asked.rejected_page == 2
    assert [row.key for row in found.rejected] == [f"{ROWS_PER_PAGE:03d}.com"]


def test_a_run_without_an_end_is_under_way_or_was_cut_off(copy, settings, ledger):
    ledger.begin_run("r1", AT)
    (_, brief) = briefs(settings)
    assert brief == Brief("hubspot", AT, None, False, True, 0, 0)
    assert not monitor(copy, settings, "hubspot", Asked()).is_under_way
    with FileLock(settings.crm_dir / "hubspot.lock"):
        (_, brief) = briefs(settings)
        assert (brief.is_under_way, brief.is_cut_off) == (True, False)
        assert monitor(copy, settings, "hubspot", Asked()).is_under_way
    # looking has not taken the lock away
    with FileLock(settings.crm_dir / "hubspot.lock", timeout=0):
        ledger.end_run("r1", Counts({"contacts": Tally(1, 1)}, 1), AT + timedelta(minutes=1))
    (_, brief) = briefs(settings)
    assert brief == Brief("hubspot", AT + timedelta(minutes=1))


@pytest.mark.parametrize("whom", ["sue@acme.com", "SUE@home.net", "Sue  Hidden", "ed@acme.com"])
def test_why_a_sync_broke_off_names_nobody_hidden(copy, settings, ledger, whom):
    ledger.begin_run("r1", AT)
    ledger.break_run("r1", f"HubSpot cannot take {whom}.", AT)
    found = monitor(copy, settings, "hubspot", Asked())
    assert (found.last.problem, found.runs[0].problem) == (HIDDEN, HIDDEN)
    assert shown_briefs(copy, settings)[1].problem == HIDDEN
    ledger.begin_run("r2", AT + timedelta(hours=1))
    ledger.break_run("r2", "HubSpot cannot take ann@acme.com.", AT + timedelta(hours=1))
    assert "ann@acme.com" in monitor(copy, settings, "hubspot", Asked()).last.problem


def test_files_that_were_delivered_are_told_by_their_manifests(settings):
    deliver_files(settings, "run1")
    deliver_files(settings, "run2")
    newest, before = deliveries(settings)
    assert (newest.run_id, before.run_id) == ("run2", "run1")
    contacts = next(each for each in before.objects if each.name == "contacts")
    # Sue opted out; of who was erased the copy here still tells, until it is published anew
    assert (contacts.rows, contacts.new, contacts.unchanged) == (4, 4, 0)
    assert next(each for each in newest.objects if each.name == "contacts").unchanged == 4
    (brief, _) = briefs(settings)
    assert brief.at == newest.delivered_at.replace(tzinfo=None)
    (before.path / "manifest.json").write_text("{")
    assert [each.run_id for each in deliveries(settings)] == ["run2"]


def test_a_destination_that_there_is_not_is_told_with_those_that_there_are(settings):
    with pytest.raises(ConfigError, match="C360_CRM is 'fax'; the destinations are file"):
        destinations(settings.model_copy(update={"crm": "fax"}))


def test_a_row_that_is_tried_again_is_due_and_one_that_is_gone_is_told(settings, ledger, ids):
    refuse(ledger, ids["ann"], "no")
    assert try_again(settings, "hubspot", AT, ("contacts", ids["ann"])) == 1
    assert ledger.rejected("contacts")[ids["ann"]].next_at == AT
    assert try_again(settings, "hubspot", AT + timedelta(1)) == 1
    with pytest.raises(RequestError, match="c_9 is refused no more"):
        try_again(settings, "hubspot", AT, ("contacts", "c_9"))


def test_a_decision_is_kept_with_who_decided(settings, ledger, ids):
    known = Acknowledged("contacts", ids["ann"], "17", {"firstname": "Ann"}, "h", "create")
    ledger.settle([known], {}, "r1", AT)
    keep_conflicts(ledger, [conflict(ids["ann"])], "r1", AT)
    decide(settings, "hubspot", conflict(ids["ann"]), False, "sam", AT)
    assert settled(ledger, "contacts", [ids["ann"]])[ids["ann"]]["firstname"].value == "Annie"
    assert ledger.rows("select decided_by from settled where destination = ?") == [("sam",)]
    assert ledger.known("contacts", [ids["ann"]])[ids["ann"]].hash == ""
    with pytest.raises(RequestError, match="no open conflict"):
        decide(settings, "hubspot", conflict(ids["ann"]), True, "sam", AT)


def test_a_conflict_that_is_another_by_now_is_not_settled_and_not_told(settings, ledger, ids):
    shown = conflict(ids["ann"])
    keep_conflicts(ledger, [replace(shown, in_crm="Secret Annabel")], "r2", AT)
    with pytest.raises(RequestError, match="not what was shown any more") as raised:
        decide(settings, "hubspot", shown, False, "sam", AT)
    assert "Secret" not in str(raised.value)
    assert settled(ledger, "contacts", [ids["ann"]]) == {}


def test_a_ledger_that_cannot_be_written_is_told(settings, ledger):
    path = settings.crm_dir / LEDGER
    ledger.close()
    path.write_text("no database " * 100)
    with pytest.raises(LedgerError, match="nothing was decided"):
        try_again(settings, "hubspot", AT)
    with pytest.raises(LedgerError, match="cannot be read"):
        briefs(settings)
