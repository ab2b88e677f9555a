"""The ledger: what is acknowledged, refused, under way; and that a killed process loses none."""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from c360_assets.activation.sync.ledger import MAX_ATTEMPTS, Ledger
from c360_assets.activation.sync.ledger_conflicts import settle_conflict, settled
from c360_assets.activation.sync.ledger_links import links, settle_links, waiting_links
from c360_assets.activation.sync.ledger_moves import retry
from c360_assets.activation.sync.ledger_rows import Acknowledged, Conflict, Counts, Intent
from c360_assets.activation.sync.tally import Tally
from c360_assets.errors import LedgerError

AT = datetime(2021, 12, 1, 12)


@pytest.fixture
def ledger(tmp_path):
    found = Ledger(tmp_path / "crm" / "ledger.sqlite", "hubspot")
    yield found
    found.close()


def taken(key: str, value: str = "a", hash_: str = "h1", action: str = "create") -> Acknowledged:
    return Acknowledged("contacts", key, f"remote-{key}", {"name": value}, hash_, action)


def intent(key: str, hash_: str = "h1") -> Intent:
    return Intent("contacts", key, None, f"{key}@a.com", {"name": "a"}, {"name": "a"}, hash_, "r1")


def test_what_was_acknowledged_is_known_by_the_next_who_opens_the_file(ledger):
    ledger.settle([taken("c_1"), taken("c_2")], {}, "r1", AT)
    again = Ledger(ledger.path, "hubspot")
    assert again.hashes("contacts") == [("c_1", "remote-c_1", "h1"), ("c_2", "remote-c_2", "h1")]
    assert again.known("contacts", ["c_2", "nobody"])["c_2"].payload == {"name": "a"}
    again.close()


def test_another_destination_knows_nothing_of_it(ledger):
    ledger.settle([taken("c_1")], {}, "r1", AT)
    other = Ledger(ledger.path, "front")
    assert other.hashes("contacts") == []
    other.close()


def test_an_intent_stays_until_its_row_is_acknowledged_or_refused(ledger):
    ledger.intend([intent("c_1"), intent("c_2"), intent("c_3")], AT)
    ledger.settle([taken("c_1")], {("contacts", "c_2", "h1"): "bad"}, "r1", AT)
    assert [i.key for i in ledger.intents()] == ["c_3"]
    ledger.forget_intents([("contacts", "c_3")])
    assert ledger.intents() == []


def test_a_refused_row_waits_twice_as_long_each_time_and_at_last_for_another_payload(ledger):
    waits = []
    for attempt in range(MAX_ATTEMPTS):
        ledger.settle([], {("contacts", "c_1", "h1"): "bad email"}, f"r{attempt}", AT)
        row = ledger.rejected("contacts")["c_1"]
        assert (row.attempts, row.reason) == (attempt + 1, "bad email")
        waits.append(row.next_at and row.next_at - AT)
    assert waits[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert waits[-1] is None
    ledger.settle([], {("contacts", "c_1", "h2"): "bad email"}, "r9", AT)
    assert ledger.rejected("contacts")["c_1"].attempts == 1


def test_an_acknowledged_row_is_refused_no_more(ledger):
    ledger.settle([], {("contacts", "c_1", "h1"): "bad"}, "r1", AT)
    ledger.settle([taken("c_1")], {}, "r2", AT)
    assert ledger.all_rejected() == []


def test_every_change_keeps_what_stood_before(ledger):
    ledger.settle([taken("c_1", "a")], {}, "r1", AT)
    ledger.settle([taken("c_1", "b", "h2", "update")], {}, "r2", AT)
    ledger.settle([taken("c_1", "b", "h2", "delete")], {}, "r3", AT)
    with sqlite3.connect(ledger.path) as connection:
        rows = connection.execute(
            "select run_id, action, payload_before, payload from changes order by change"
        ).fetchall()
    assert rows == [
        ("r1", "create", None, '{"name": "a"}'),
        ("r2", "update", '{"name": "a"}', '{"name": "b"}'),
        ("r3", "delete", '{"name": "b"}', '{"name": "b"}'),
    ]
    assert ledger.hashes("contacts") == []


def test_links_are_known_until_they_are_taken_away(ledger):
    link = {("c_1", "acme.com"): ("1", "9")}
    settle_links(ledger, "contact_company", link, {}, True, "r1", AT)
    assert links(ledger, "contact_company") == link
    settle_links(ledger, "contact_company", link, {}, False, "r2", AT)
    assert links(ledger, "contact_company") == {}


def test_a_refused_link_waits_and_is_forgotten_once_it_is_taken(ledger):
    pair = ("c_1", 'a "quoted" domain')
    settle_links(ledger, "contact_company", {}, {pair: "no such company"}, True, "r1", AT)
    assert waiting_links(ledger, "contact_company", AT) == {pair}
    assert waiting_links(ledger, "contact_company", AT + timedelta(hours=1)) == set()
    settle_links(ledger, "contact_company", {pair: ("1", "9")}, {}, True, "r2", AT)
    assert ledger.all_rejected() == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_an_earlier_format_gets_what_it_lacks_and_keeps_what_it_has(ledger, version):
    ledger.settle([taken("c_1")], {}, "r1", AT)
    ledger.begin_run("r1", AT)
    with ledger.transaction() as connection:
        connection.execute("drop table run_parts")
        connection.execute("alter table runs drop column problem")
        if version == 1:
            connection.execute("drop table settled")
        connection.execute(f"pragma user_version = {version}")
    with Ledger(ledger.path, "hubspot") as again:
        assert settled(again, "contacts", ["c_1"]) == {}
        assert again.known("contacts", ["c_1"])["c_1"].remote_id == "remote-c_1"
        again.break_run("r1", "no such host", AT)
        assert again.rows("select run_id, problem from runs where destination = ?") == [
            ("r1", "no such host")
        ]


def decide(ledger, at, is_ours):
    conflict = Conflict("contacts", "c_1", "name", "always", "a", "b", "c")
    settle_conflict(ledger, conflict, is_ours, "sam", at)


def test_what_was_settled_before_a_row_was_looked_at_is_done_with(ledger):
    ledger.settle([taken("c_1")], {}, "r1", AT)
    decide(ledger, AT, is_ours=True)
    looked_at = replace(taken("c_1"), looked_at=AT + timedelta(seconds=1))
    ledger.settle([looked_at], {}, "r2", AT + timedelta(seconds=3))
    assert settled(ledger, "contacts", ["c_1"]) == {}
    assert ledger.known("contacts", ["c_1"])["c_1"].hash == looked_at.hash


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_is_settled_while_a_row_is_under_way_is_carried_out_by_the_next_run(ledger, is_ours):
    ledger.settle([taken("c_1")], {}, "r1", AT)
    decide(ledger, AT + timedelta(seconds=2), is_ours)
    looked_at = replace(taken("c_1"), looked_at=AT + timedelta(seconds=1))
    ledger.settle([looked_at], {}, "r2", AT + timedelta(seconds=3))
    assert list(settled(ledger, "contacts", ["c_1"])["c_1"]) == ["name"]
    assert ledger.known("contacts", ["c_1"])["c_1"].hash == ""


def test_what_is_settled_after_a_cut_off_run_outlives_the_reading_back_of_its_rows(ledger):
    ledger.settle([taken("c_1")], {}, "r1", AT)
    ledger.intend([intent("c_1")], AT)
    decide(ledger, AT + timedelta(minutes=5), is_ours=True)
    ledger.settle([taken("c_1")], {}, "r3", AT + timedelta(hours=1))
    assert list(settled(ledger, "contacts", ["c_1"])["c_1"]) == ["name"]
    assert ledger.known("contacts", ["c_1"])["c_1"].hash == ""


def test_a_run_tells_what_became_of_each_part_of_it(ledger):
    ledger.begin_run("r1", AT)
    parts = {"contacts": Tally(5, 3, 1, 1, 2), "companies": Tally(2, 2)}
    ledger.end_run("r1", Counts(parts, 9), AT + timedelta(seconds=30))
    assert ledger.rows(
        "select planned, acknowledged, rejected, unknown, calls from runs where destination = ?"
    ) == [(7, 5, 1, 1, 9)]
    assert ledger.rows(
        "select part, planned, acknowledged, rejected, unknown, conflicts from run_parts"
        " where destination = ? order by part"
    ) == [("companies", 2, 2, 0, 0, 0), ("contacts", 5, 3, 1, 1, 2)]


def test_one_refused_row_is_tried_anew_and_the_others_wait_on(ledger):
    refused = {("contacts", "c_1", "h"): "no", ("contacts", "c_2", "h"): "no"}
    ledger.settle([], refused, "r1", AT)
    assert retry(ledger, AT, ("contacts", "c_2")) == 1
    rows = ledger.rejected("contacts")
    assert (rows["c_2"].next_at, rows["c_2"].attempts) == (AT, 0)
    assert (rows["c_1"].next_at, rows["c_1"].attempts) == (AT + timedelta(minutes=5), 1)
    assert retry(ledger, AT, ("contacts", "c_9")) == 0
    assert retry(ledger, AT) == 2


def test_a_ledger_of_another_format_is_left_alone_and_told(ledger):
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(LedgerError, match=r"format 99.*Do not remove it"):
        Ledger(ledger.path, "hubspot")


def test_a_transaction_that_breaks_leaves_nothing_of_itself(ledger):
    broken = Acknowledged("contacts", "c_2", "remote", {"name": object()}, "h", "create")
    with pytest.raises(TypeError):
        ledger.settle([taken("c_1"), broken], {}, "r1", AT)
    assert ledger.hashes("contacts") == []
