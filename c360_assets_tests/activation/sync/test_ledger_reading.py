"""The ledger for those who only look: in order, page by page, beside a sync under way."""

import sqlite3
from datetime import datetime, timedelta

import pytest

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import keep_conflicts
from c360_assets.activation.sync.ledger_links import settle_links
from c360_assets.activation.sync.ledger_reading import read_ledger
from c360_assets.activation.sync.ledger_rows import Acknowledged, Conflict, Counts
from c360_assets.activation.sync.tally import Tally
from c360_assets.errors import ContractError, LedgerError

AT = datetime(2021, 12, 1, 12)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "it's a folder" / "ledger.sqlite", "hubspot") as found:
        yield found


def taken(key):
    return Acknowledged("contacts", key, key, {"name": "a"}, "h", "create")


def refuse(ledger, key, reason="no", times=1):
    for n in range(times):
        ledger.settle([], {("contacts", key, "h"): reason}, "r1", AT + timedelta(minutes=n))


def test_where_nothing_was_synced_there_is_nothing_to_read_and_nothing_is_made(tmp_path):
    path = tmp_path / "crm" / "ledger.sqlite"
    with read_ledger(path, "hubspot") as reader:
        assert reader is None
    assert not path.parent.exists()


def test_runs_come_the_newest_first_with_what_became_of_each_part(ledger):
    ledger.begin_run("r1", AT)
    ledger.end_run("r1", Counts({"contacts": Tally(3, 2, 1, 0, 1)}, 4), AT + timedelta(seconds=5))
    ledger.begin_run("r2", AT + timedelta(hours=1))
    ledger.settle([taken("c_1"), taken("c_2")], {}, "r2", AT)
    ledger.break_run("r2", "no such host", AT + timedelta(hours=2))
    ledger.begin_run("r3", AT + timedelta(hours=3))
    with read_ledger(ledger.path, "hubspot") as reader:
        third, second = reader.runs(2)
        (first,) = reader.runs(2, offset=2)
        assert reader.number_of_runs() == 3
    assert (third.run_id, third.ended_at, third.total, third.acknowledged) == ("r3", None, None, 0)
    assert (second.run_id, second.problem, second.acknowledged) == ("r2", "no such host", 2)
    assert (first.run_id, first.calls, first.total) == ("r1", 4, Tally(3, 2, 1, 0, 1))
    assert first.parts == {"contacts": Tally(3, 2, 1, 0, 1)}
    assert first.ended_at - first.started_at == timedelta(seconds=5)


def test_another_destination_is_another_book(ledger):
    ledger.begin_run("r1", AT)
    refuse(ledger, "c_1")
    with read_ledger(ledger.path, "front") as reader:
        assert (reader.runs(9), reader.rejected(9), reader.conflicts(9)) == ([], [], [])


@pytest.mark.parametrize(
    ("order", "is_descending", "keys"),
    [
        ("key", False, ["c_1", "c_2", "c_3"]),
        ("key", True, ["c_3", "c_2", "c_1"]),
        ("attempts", False, ["c_2", "c_3", "c_1"]),
        ("attempts", True, ["c_1", "c_3", "c_2"]),
        # c_1 is not tried again
        ("next_at", False, ["c_2", "c_3", "c_1"]),
        ("next_at", True, ["c_3", "c_2", "c_1"]),
        ("reason", False, ["c_3", "c_1", "c_2"]),
    ],
)
def test_refused_rows_come_in_the_order_asked_for(ledger, order, is_descending, keys):
    refuse(ledger, "c_1", "m", times=8)
    refuse(ledger, "c_2", "z")
    refuse(ledger, "c_3", "a", times=3)
    with read_ledger(ledger.path, "hubspot") as reader:
        rows = reader.rejected(9, order=order, is_descending=is_descending)
        pages = [reader.rejected(1, n, order, is_descending=is_descending)[0].key for n in range(3)]
        assert reader.number_of_rejected() == 3
    assert [row.key for row in rows] == pages == keys


def test_an_order_that_there_is_not_is_refused(ledger):
    with (
        read_ledger(ledger.path, "hubspot") as reader,
        pytest.raises(ContractError, match="no order 'hash'; there are key"),
    ):
        reader.rejected(9, order="hash")


def test_a_refused_link_is_about_its_two_ends_and_a_key_in_brackets_is_a_key(ledger):
    pair = ("c_1", 'a "b", c.com')
    settle_links(ledger, "contact_company", {}, {pair: "no"}, True, "r1", AT)
    for key in ("[odd", "[1, 2]", "plain"):
        refuse(ledger, key)
    with read_ledger(ledger.path, "hubspot") as reader:
        assert {(row.object, row.keys) for row in reader.rejected(9)} == {
            ("contact_company", pair),
            ("contacts", ("[odd",)),
            ("contacts", ("[1, 2]",)),
            ("contacts", ("plain",)),
        }


def test_conflicts_come_page_by_page_with_when_they_were_seen(ledger):
    found = [Conflict("contacts", f"c_{n}", "name", "always", "a", None, "c") for n in (3, 1, 2)]
    keep_conflicts(ledger, found, "r1", AT)
    with read_ledger(ledger.path, "hubspot") as reader:
        assert reader.number_of_conflicts() == 3
        (last,) = reader.conflicts(2, offset=2)
        assert (last.conflict.key, last.conflict.in_crm, last.seen_at) == ("c_3", None, AT)


def test_a_reader_waits_for_no_writer_and_holds_none_up(ledger):
    refuse(ledger, "c_1")
    with ledger.transaction() as connection:
        connection.execute("delete from rejected")
        with read_ledger(ledger.path, "hubspot") as reader:
            assert reader.number_of_rejected() == 1
    with read_ledger(ledger.path, "hubspot") as reader:
        assert reader.number_of_rejected() == 0
        refuse(ledger, "c_2")
        # one state of the file for all that is asked
        assert reader.rejected(9) == []


def test_a_reader_cannot_write(ledger):
    with (
        pytest.raises(LedgerError, match="readonly"),
        read_ledger(ledger.path, "hubspot") as reader,
    ):
        reader._connection.execute("delete from rejected")


def test_a_ledger_of_an_earlier_release_is_read_as_it_is(ledger):
    ledger.begin_run("r1", AT)
    ledger.end_run("r1", Counts({"contacts": Tally(3, 2, 1, 0, 1)}, 4), AT)
    with ledger.transaction() as connection:
        connection.execute("drop table run_parts")
        connection.execute("alter table runs drop column problem")
        connection.execute("pragma user_version = 2")
    with read_ledger(ledger.path, "hubspot") as reader:
        (run,) = reader.runs(9)
    assert (run.parts, run.total, run.problem) == ({}, Tally(3, 2, 1, 0, 0), None)


def test_a_ledger_of_a_later_release_is_told_and_left_alone(ledger):
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("pragma user_version = 99")
    with (
        pytest.raises(LedgerError, match=r"format 99, .*Do not remove it"),
        read_ledger(ledger.path, "hubspot"),
    ):
        pass


def test_what_is_no_ledger_is_told_with_its_name(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("a text " * 200)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite cannot be read"), read_ledger(path, "x"):
        pass
