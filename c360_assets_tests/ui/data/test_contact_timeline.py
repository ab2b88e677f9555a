"""The timeline of one person, on a small world that was published: what it tells, page by page."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from c360_assets.ui import links
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import contact_timeline as module
from c360_assets.ui.data.contact import find_person
from c360_assets.ui.data.contact_timeline import KINDS, Choice, Entry, Place, Timeline, timeline
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("few_people")
NAMES = {kind.name: kind for kind in KINDS}


def told(copy: Copy, contact_id: str, **query: str) -> Timeline:
    return timeline(copy, find_person(copy, contact_id), Choice.of(query), "$")


def lines(found: Timeline) -> list[tuple[str, str, str]]:
    return [
        ("-" if each.at is None else f"{each.at:%m-%d %H:%M}", each.told.sentence, each.told.note)
        for each in found.entries
    ]


# --- what is told --------------------------------------------------------------------------------


@pytest.fixture
def ann(few_people):
    """Lines of Ann's timeline, of one kind."""
    return lambda kind: lines(told(few_people, "c_1", kinds=kind))


def test_orders_tell_amount_pieces_promotion_refund_and_account(ann):
    assert ann("orders") == [
        ("02-16 00:00", "Order number 3, $20.00", "account 1"),
        ("02-05 23:59", "Order number 2, $50.00, 1 piece", "refunded $5.00 · account 2"),
        (
            *("02-01 10:00", "Order number 1, $90.00, 3 pieces"),
            "promotion spring saved $10.00 · account 1",
        ),
    ]


def test_events_are_told_by_day_name_and_account(ann):
    assert ann("events") == [
        ("02-03 09:00", "login, once", "account 2"),
        ("02-01 09:01", "look, once", "account 1"),
        ("02-01 09:00", "login, once", "account 1"),
    ]


def test_sessions_tell_how_long_they_were(ann):
    assert ann("sessions") == [
        ("02-03 09:00", "Came and left again after one event", "account 2"),
        ("02-01 09:00", "Visited for 1 minute: 2 events", "account 1"),
    ]


def test_tickets_are_told_also_when_closed_and_from_an_old_address(ann):
    assert ann("tickets") == [
        ("02-04 10:00", "Ticket t1 “Help”, closed", "from ann.old@gmail.com"),
    ]


def test_open_tickets_lead_to_the_queue(few_people):
    (entry,) = told(few_people, "c_3", kinds="tickets").entries
    text, target = entry.told.link
    assert target == links.QUEUE
    assert text.endswith("of the support queue")


def test_deals_lead_to_the_company_after_domain_merges(few_people):
    (entry,) = told(few_people, "c_1", kinds="deals").entries
    assert entry.told.sentence == "Deal “Geese for all” for $12,000: won"
    assert entry.told.link == ("acme.org", links.account("acme.org"))
    assert not entry.kind.has_hours


def test_campaigns_tell_what_was_sent_and_what_was_not(ann):
    assert ann("campaigns") == [
        ("02-20 00:00", "Left out of campaign 20 on 2021-02-20: Unsubscribed.", ""),
        ("02-12 00:00", "“Recipe” was sent by Push (campaign 30)", "for Cooks · template recipe"),
        (
            *("02-10 00:00", "In the control group of campaign 20: nothing was sent"),
            "for Old hands",
        ),
        (
            *("02-02 00:00", "“Free iron” was sent by Email (campaign 10)"),
            "for Newcomers · template iron · promotion spring",
        ),
    ]


def test_sign_ups_lead_to_the_gaggle(few_people):
    found = told(few_people, "c_1", kinds="signups")
    assert lines(found) == [
        ("01-05 00:00", "Account 2 signed up", "as ann.old@gmail.com"),
        ("01-01 00:00", "Account 1 signed up", "as ann@acme.com"),
    ]
    assert [each.told.link for each in found.entries] == [None, ("Geese", links.gaggle("g1"))]


def test_decisions_tell_who_why_and_what_came_of_them(few_people):
    found = told(few_people, "c_1", kinds="decisions")
    never, merge, domain = found.entries
    assert never.told.sentence == (
        "Decision never to merge ann@acme.com and bob@beta.com: in force"
    )
    assert "by Kim · “father and son”" in never.told.note
    assert never.told.link == ("the other person, c_3", links.contact("c_3"))
    assert merge.told.sentence == (
        "Decision to merge ann.old@gmail.com into ann@acme.com: in force"
    )
    assert merge.told.note.startswith("by Jo · “same phone” · ")
    assert merge.told.note.endswith(" · c_2 became c_1 · merged_user.csv, row 1")
    # both are this person today
    old = "ann.old@gmail.com"
    assert merge.told.link == (f"all decisions on {old}", links.decisions(old))
    # that gmail.com should be acme.org was refused, and concerns nobody
    assert domain.told.sentence == "Decision to merge acme.com into acme.org: in force"


def test_a_merge_that_was_taken_back_is_told_to_both_with_the_way_to_the_other(few_people):
    for contact_id, other in (("c_4", "c_5"), ("c_5", "c_4")):
        undo, merge = told(few_people, contact_id, kinds="decisions").entries
        assert undo.told.sentence == (
            "Decision to undo the merge of cid@beta.com into dot@beta.com: in force"
        )
        assert merge.told.sentence.endswith("into dot@beta.com: no longer in force")
        assert [each.told.link for each in (undo, merge)] == [
            (f"the other person, {other}", links.contact(other))
        ] * 2


def test_a_decision_without_a_time_comes_last(few_people):
    last = told(few_people, "c_8").entries[-1]
    assert last.at is None
    assert last.told.sentence == "Decision to merge fay@old.com into fay@new.com: in force"
    assert "nobody wrote who decided" in last.told.note


def test_segments_and_stages_are_told_when_they_change(few_people, few_people_world: World):
    segments = [
        row["rfm_segment"]
        for row in few_people_world.rows(
            "select rfm_segment from marts.rfm_segment_history where user_id = '1'"
            " order by valid_from"
        )
    ]
    changes = [b for a, b in zip([None, *segments], segments, strict=False) if a != b]
    found = told(few_people, "c_1", kinds="segments").entries
    assert len(changes) > 1, "else this tests nothing"
    assert [each.told.sentence.split(" to ")[-1] for each in found[:-1]] == changes[:0:-1]
    assert found[-1].told.sentence == f"First segment: {changes[0]}"

    stages = told(few_people, "c_1", kinds="stages")
    # profiled from the first order on, and no month has gone by since
    assert lines(stages) == [
        ("02-01 00:00", "Lifecycle stage: New", "the first day that was profiled")
    ]


def test_every_kind_is_counted_whatever_is_chosen(few_people):
    totals = dict(told(few_people, "c_1", kinds="tickets").totals)
    del totals["segments"], totals["stages"]
    assert totals == {
        "orders": 3,
        "sessions": 2,
        "events": 3,
        "tickets": 1,
        "deals": 1,
        "campaigns": 4,
        "decisions": 3,
        "signups": 2,
    }


def test_of_who_opted_out_no_address_and_no_words_of_theirs_are_told(few_people):
    found = told(few_people, "c_10")
    assert found.totals["events"] == 1
    text = repr(found)
    assert "hal" not in text.lower()
    assert "secret.org" not in text
    assert "own words" not in text


# --- pages ---------------------------------------------------------------------------------------


def walked(copy: Copy, contact_id: str, kinds: str = "") -> list[Entry]:
    """All entries, by following `older` to its end."""
    found = told(copy, contact_id, kinds=kinds)
    entries = [*found.entries]
    while found.older:
        query = {name: value for name, value in found.older.query().items() if value}
        found = told(copy, contact_id, kinds=kinds, **query)
        assert found.entries, "a link to older ones leads to some"
        entries += found.entries
    return entries


# c_7 has nine things at one time
@pytest.mark.parametrize(
    ("contact_id", "kinds", "per_page"),
    [("c_1", "", 4), ("c_7", "", 5), ("c_7", "events,orders", 2), ("c_7", "events", 3)],
)
def test_pages_tell_everything_once_in_one_order(
    few_people, monkeypatch, contact_id, kinds, per_page
):
    whole = told(few_people, contact_id, kinds=kinds)
    assert whole.older is None
    monkeypatch.setattr(module, "ENTRIES", per_page)
    pages = walked(few_people, contact_id, kinds)
    assert pages == list(whole.entries)
    counted = Counter(each.kind.name for each in pages)
    chosen = kinds.split(",") if kinds else whole.totals
    assert counted == {name: whole.totals[name] for name in chosen if whole.totals[name]}


def test_entries_run_from_the_newest_to_the_oldest(few_people):
    times = [each.at for each in told(few_people, "c_1").entries]
    assert times == sorted(times, key=lambda at: at or datetime.min, reverse=True)


def test_a_day_alone_is_meant_to_its_end(few_people):
    found = told(few_people, "c_1", kinds="orders", before="2021-02-05")
    assert [each.told.sentence[:14] for each in found.entries] == [
        "Order number 2",
        "Order number 1",
    ]


def test_only_what_fits_the_page_is_asked_for(few_people, monkeypatch):
    monkeypatch.setattr(module, "ENTRIES", 2)
    asked: list[tuple[str, int]] = []

    class Watched:
        def rows(self, name, /, **parameters):
            found = few_people.rows(name, **parameters)
            asked.append((name, len(found)))
            return found

    timeline(Watched(), find_person(few_people, "c_7"), Choice(("events",)), "$")
    assert dict(asked)["contact_timeline/events"] == 3, "two, and one that tells of more"
    assert {count for name, count in asked if not name.endswith("/events")} == {1}


@pytest.mark.parametrize(
    "query",
    [
        {"before": "soon"},
        {"before": "2021-02-30"},
        {"before": "2021-02-03T09:00:00+01:00"},
        {"before": "' or 1=1 --", "skip": "-1"},
        {"kinds": "nonsense", "skip": "9" * 30},
    ],
)
def test_what_makes_no_sense_in_a_url_counts_as_not_said(query):
    assert Choice.of(query) == Choice()


def test_a_place_survives_its_url():
    place = Place(datetime(2021, 2, 3, 9, 0, 0, 123456), 7)
    query = {name: str(value) for name, value in place.query().items()}
    assert Choice.of(query).place == place


def test_toggling_adds_and_takes_away_and_none_is_all():
    one = Choice.of({"kinds": "orders"})
    assert one.toggled(NAMES["tickets"]) == "orders,tickets"
    assert one.toggled(NAMES["orders"]) is None
