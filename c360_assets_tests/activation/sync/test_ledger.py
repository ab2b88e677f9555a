"""The ledger: what is acknowledged, refused, under way; and that a killed process loses none."""

import sqlite3
from datetime import datetime, timedelta

import pytest

from c360_assets.activation.sync.ledger import MAX_ATTEMPTS, Ledger
from c360_assets.activation.sync.ledger_rows import Acknowledged, Intent
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
    ledger.settle_links("contact_company", {("c_1", "acme.com"): ("1", "9")}, True, "r1", AT)
    assert ledger.links("contact_company") == {("c_1", "acme.com"): ("1", "9")}
    ledger.settle_links("contact_company", {("c_1", "acme.com"): ("1", "9")}, False, "r2", AT)
    assert ledger.links("contact_company") == {}


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
