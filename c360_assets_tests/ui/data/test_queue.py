"""The support queue as pages show it: filters, one ticket, its points, and what is advised."""

from datetime import datetime

import pytest

from c360_assets.assets.published import published_tables
from c360_assets.crm_rules import CrmRules
from c360_assets.customer_rules import SupportRules
from c360_assets.settings import Rules
from c360_assets.ui.copies import Copies, Copy, Order
from c360_assets.ui.data import queue
from c360_assets.ui.data.queue import UNKNOWN_SENDER, Filters
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("ui_queue")

RULES = SupportRules(segment_weights={"prospects": 12.0, "Champions": 70.0})
SOURCE = {
    # ann@old.org was merged into ann@acme.com
    "raw_user": """
        id,name,email,created_at
        ann,Ann Müller,ann@acme.com,2021-01-01
        old,Ann,ann@old.org,2020-12-31
        bob,Bob 100%,bob@gmail.com,2021-01-03
        cat,Cat,cat@gmail.com,2021-01-04
        zoe,Zoe,zoe@gmail.com,2021-01-05
        eve,Eve,eve@gmail.com,2021-01-05
    """,
    "raw_order": """
        order_id,user_id,created_at,order_cost
        o1,ann,2021-03-01,1000.25
        o2,old,2021-03-30,240.25
        o3,bob,2021-01-30,20
        o4,eve,2021-02-20,30
    """,
    "deals": """
        close_date,amount,deal_name,deal_stage,email
        2021-01-10,1250.50,Acme - Business Deal,Won,boss@acme.com
    """,
    "raw_ticket": """
        ticket_id,email,created_at,subject,status
        t1,ann@acme.com,2021-03-28 00:00:00,Where is it?,open
        t/2,ann@old.org,2021-03-31 06:00:00,100% broken,pending
        t3,bob@gmail.com,2021-03-01 12:00:00,Refund_please,open
        t4,cat@gmail.com,2021-03-31 12:00:00,,open
        t5,who@acme.com,2021-03-31 00:00:00,Hello,open
        t6,ann@old.org,2021-02-01 00:00:00,done,closed
        t7,zoe@gmail.com,2021-03-31 11:00:00,I am zoe@gmail.com,open
        t8,zoe@gmail.com,2021-03-30 11:00:00,once more,open
        t9,nobody@nowhere.net,2021-03-31 00:00:00,Hello again,open
    """,
    "merged_user": "old_email,new_email\nann@old.org,ann@acme.com",
    "optouts": "email\nzoe@gmail.com",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Copy:
    rules = Rules(support=RULES, crm=CrmRules(suppression=["optouts.csv"]))
    world = World(tmp_path_factory.mktemp("ui_queue"), as_of="2021-03-31 12:00:00", rules=rules)
    world.write(**SOURCE).build_everything()
    world.publish(published_tables())
    return Copies(world.settings).current()


def shown(copy: Copy, **query: str) -> list[str]:
    """The ids of the tickets that a URL shows; the figures must count the same."""
    parameters = Filters.of(query).parameters
    found = copy.page("queue/tickets", Order("ticket_id"), 50, counts="queue/figures", **parameters)
    ids = [row["ticket_id"] for row in found.rows]
    assert found.total == len(ids) == copy.one("queue/figures", **parameters)["total"]
    return ids


def one(copy: Copy, ticket_id: str, rules: SupportRules = RULES) -> queue.Ticket:
    found = queue.ticket(copy, ticket_id, rules, "€")
    assert found is not None
    return found


EVERY = ["t/2", "t1", "t3", "t4", "t5", "t7", "t8", "t9"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, EVERY),
        ({"paying": "1"}, ["t/2", "t1", "t5"]),
        ({"paying": "yes"}, EVERY),
        ({"company": " ACME.com "}, ["t/2", "t1", "t5"]),
        ({"segment": "prospects"}, ["t4", "t7", "t8"]),
        ({"segment": UNKNOWN_SENDER}, ["t5", "t9"]),
        ({"text": "müller"}, ["t/2", "t1"]),
        ({"text": "MULLER"}, ["t/2", "t1"]),
        ({"text": "100%"}, ["t/2", "t3"]),
        ({"text": "%"}, ["t/2", "t3"]),
        ({"text": "d_p"}, ["t3"]),
        ({"text": "t/2"}, ["t/2"]),
        ({"text": "'; drop table x; --"}, []),
        ({"days": "3"}, ["t1", "t3"]),
        ({"days": "4"}, ["t3"]),
        ({"days": "30", "paying": "1"}, []),
    ],
)
def test_a_url_shows_the_tickets_that_it_names(copy, query, ids):
    assert shown(copy, **query) == ids


def test_nobody_hidden_is_found_by_their_address_or_name(copy):
    assert shown(copy, text="zoe") == []
    rows = copy.page("queue/tickets", Order("ticket_id"), 50, **Filters().parameters).rows
    hidden = next(row for row in rows if row["ticket_id"] == "t7")
    assert (hidden["user_name"], hidden["email"]) == (None, None)
    assert hidden["who"] == hidden["contact_id"] is not None
    assert "zoe" not in str(hidden["subject"])


@pytest.mark.parametrize("days", ["-1", "1.5", "many", "99999999999999", "²", "<b>"])
def test_what_is_no_number_of_days_is_left_out_and_told(days):
    found = Filters.of({"days": days})
    assert found.days == 0
    assert not found.is_any
    assert days in found.notes[0]


def test_the_figures_tell_the_longest_and_the_median_wait(copy):
    counts = copy.one("queue/figures", **Filters().parameters)
    # by the clock of 2021-03-31 12:00 they waited 0, 1, 6, 12, 12, 25, 84 and 720 hours
    assert counts == {
        "total": 8, "paying": 3, "unknown_senders": 2, "longest_hours": 720, "median_hours": 12.0,
    }  # fmt: skip


def test_every_open_ticket_s_points_are_told_whole(copy):
    for ticket_id in EVERY:
        found = one(copy, ticket_id)
        assert found.is_open
        assert not found.is_outdated
        total = sum(part.points for part in found.parts)
        assert total == pytest.approx(found.facts["priority"], abs=0.01)


def test_a_ticket_s_parts_are_those_of_the_rules(copy):
    found = one(copy, "t1")
    # ann, with most money of three: Champions 70, percentile 1 of 30, 3.5 days at 2, pays 25
    assert [part.points for part in found.parts] == pytest.approx([70, 30, 7, 25])
    assert [part.points for part in one(copy, "t4").parts] == pytest.approx([12, 0])
    waited = one(copy, "t3").parts[-1]
    assert waited.points == 28
    assert waited.words == "30.0 days waiting, of which 14 count"


def test_rules_changed_since_the_publication_are_told(copy):
    other = SupportRules(paying_company_weight=1.0, segment_weights={"Champions": 70.0})
    assert one(copy, "t1", other).is_outdated


def test_other_tickets_are_those_of_all_addresses_of_the_person(copy):
    assert [row["ticket_id"] for row in one(copy, "t1").others] == ["t/2", "t6"]
    assert [row["ticket_id"] for row in one(copy, "t6").others] == ["t/2", "t1"]


def test_unknown_senders_have_no_tickets_of_each_other(copy):
    assert one(copy, "t5").others == one(copy, "t9").others == []


def test_the_tickets_of_somebody_hidden_are_known_as_theirs_and_not_by_address(copy):
    found = one(copy, "t7")
    assert found.facts["email"] is None
    assert [row["ticket_id"] for row in found.others] == ["t8"]


def test_a_closed_ticket_has_no_rank_and_its_person(copy):
    found = one(copy, "t6")
    assert not found.is_open
    assert found.parts == ()
    assert found.facts["user_name"] == "Ann Müller"
    assert found.advice == ("Nobody waits for an answer: the ticket is closed.",)


def test_a_ticket_that_there_is_not_is_none(copy):
    assert queue.ticket(copy, "t1' or '1'='1", RULES, "€") is None


def test_what_to_do_follows_from_segment_company_and_waiting(copy):
    ann, bob, unknown = (one(copy, name).advice for name in ("t1", "t3", "t5"))
    assert ann[0].startswith("Answer at once")
    assert "looks after acme.com: it pays (deals worth €1,250.50 won, Business plan)" in ann[1]
    assert not any("apology" in sentence for sentence in ann)
    assert bob[-1] == "Begin with an apology: they have waited 30 days."
    assert "nobody has this address" in unknown[0]
    assert "acme.com" in unknown[1]
    assert "help with the first order" in one(copy, "t4").advice[0]


def test_what_a_customer_is_expected_to_bring_is_told():
    facts = {
        "queue_rank": 1, "user_id": "u", "rfm_segment": "My Own", "is_paying": False,
        "clv_365d": 812.5, "waiting_hours": 3,
    }  # fmt: skip
    advice = queue.advice(facts, RULES, "$")
    assert advice[0] == "Answer in turn."
    assert "$812.50 are expected from them within a year" in advice[1]
    assert queue.advice({**facts, "clv_365d": None}, RULES, "$") == ("Answer in turn.",)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (None, None),
        (0, "0 hours"),
        (1, "1 hour"),
        (47.9, "47 hours"),
        (48, "2 days"),
        (73, "3 days 1 hour"),
        (191, "7 days"),
    ],
)
def test_waiting_is_told_in_hours_or_days(hours, words):
    assert queue.waiting(hours) == words


def test_the_clock_is_that_of_the_data_not_of_the_day(copy):
    facts = {**one(copy, "t4").facts}
    later = queue.points(facts, RULES, datetime(2021, 4, 2, 12))
    assert later[-1].points == pytest.approx(4.0)
