"""The support queue: who is in it, in which order, and why."""

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from c360_assets.customer_rules import SEGMENT_WEIGHTS, SupportRules
from c360_assets.settings import RfmRules, Rules
from c360_assets_tests.pipeline import World, columns

pytestmark = pytest.mark.xdist_group("support_queue")

CLOCK = datetime(2021, 3, 31, 12)


def world(folder, tickets: list[str], rules: Rules | None = None, **tables: str) -> World:
    """Ann orders much, Bob once, Cat never; Dan of a paying company ordered once."""
    return World(folder, as_of=CLOCK.isoformat(), rules=rules or Rules()).write(
        raw_user="""
            id,name,email,created_at
            ann,Ann,ann@acme.com,2021-01-01
            old,Ann,ann@gmail.com,2021-01-02
            bob,Bob,bob@gmail.com,2021-01-03
            cat,Cat,cat@gmail.com,2021-01-04
            dan,Dan,dan@rich.com,2021-01-05
        """,
        raw_order="""
            order_id,user_id,created_at,order_cost
            o1,ann,2021-03-01,1000.25
            o2,ann,2021-03-02,240.25
            o3,bob,2021-03-30,20
            o4,dan,2021-03-20,30
        """,
        deals="""
            close_date,amount,deal_name,deal_stage,email
            2021-01-10,10,Rich - Enterprise Deal,Won,boss@rich.com
        """,
        raw_ticket="\n".join(["ticket_id,email,created_at,subject,status", *tickets]),
        **tables,
    )


def queue(built: World) -> list[dict]:
    return built.rows("select * from marts.support_queue order by queue_rank")


def test_only_open_tickets_that_were_there_at_the_clock_wait(tmp_path):
    tickets = [
        "t1,ann@acme.com,2021-03-31 11:00:00,A,open",
        "t2,ann@acme.com,2021-03-31 12:00:00,B, Pending",
        "t3,ann@acme.com,2021-03-31 12:00:01,later,open",
        "t4,ann@acme.com,2021-03-30,done,closed",
        "t5,ann@acme.com,2021-03-30,nothing,",
    ]
    found = queue(world(tmp_path, tickets).build("kpis"))
    assert [row["ticket_id"] for row in found] == ["t1", "t2"]
    assert [row["waiting_hours"] for row in found] == [1, 0]
    assert [row["queue_rank"] for row in found] == [1, 2]


def test_the_reason_says_segment_money_company_and_waiting(tmp_path):
    tickets = [
        "t1,ann@acme.com,2021-03-28 11:00:00,A,open",
        "t2,cat@gmail.com,2021-03-31 11:00:00,A,open",
        "t3,dan@rich.com,2021-03-30 12:00:00,A,open",
        "t4,who@nowhere.com,2021-03-29 12:00:00,A,open",
        "t5,new@rich.com,2021-03-31 12:00:00,A,open",
    ]
    rows = {row["ticket_id"]: row for row in queue(world(tmp_path, tickets).build("kpis"))}
    segments = {t: rows[t]["rfm_segment"] for t in rows}
    assert rows["t1"]["reason"] == f"{segments['t1']}, worth 1,240.50, 3 days waiting"
    assert rows["t2"]["reason"] == "never ordered, 1 hour waiting"
    assert rows["t3"]["reason"] == (
        f"{segments['t3']}, worth 30.00, paying company rich.com, 24 hours waiting"
    )
    assert rows["t4"]["reason"] == "unknown sender, 2 days waiting"
    # nobody knows the sender, but the company of the address
    assert rows["t5"]["reason"] == "unknown sender, paying company rich.com, 0 hours waiting"
    assert columns(rows["t5"], "user_id", "company", "is_paying") == (None, "rich.com", True)
    assert (segments["t2"], segments["t4"]) == ("prospects", None)


def test_points_are_those_of_the_weights(tmp_path):
    tickets = [
        "t1,ann@acme.com,2021-03-28 12:00:00,A,open",
        "t2,dan@rich.com,2021-01-30 12:00:00,A,open",
        "t3,cat@gmail.com,2021-03-30 12:00:00,A,open",
        "t4,who@nowhere.com,2021-03-31 12:00:00,A,open",
    ]
    built = world(tmp_path, tickets).build("kpis")
    rules, points = SupportRules(), dict(SEGMENT_WEIGHTS)
    share = {r["user_id"]: r["monetary_percentile"] for r in built.rows("from marts.rfm_segments")}
    for row in queue(built):
        days = (CLOCK - row["created_at"]) / timedelta(days=1)
        expected = (
            points.get(row["rfm_segment"], rules.other_segment_weight)
            if row["user_id"]
            else rules.unknown_sender_weight
        )
        expected += share.get(row["user_id"], 0) * rules.value_weight
        expected += min(days, rules.waiting_days_at_most) * rules.waiting_weight_per_day
        expected += rules.paying_company_weight if row["is_paying"] else 0
        assert row["priority"] == pytest.approx(expected, abs=0.005)


def test_every_address_that_somebody_ever_used_leads_to_them(tmp_path):
    tickets = ["t1,ann@gmail.com,2021-03-31,A,open", "t2, ANN@acme.com.,2021-03-31,A,open"]
    merges = "old_email,new_email\nann@gmail.com,ann@acme.com"
    found = queue(world(tmp_path, tickets, merged_user=merges).build("kpis"))
    assert [row["user_id"] for row in found] == ["ann", "ann"]
    assert {row["company"] for row in found} == {"acme.com"}


def test_ties_go_to_the_older_ticket_and_then_to_the_smaller_id(tmp_path):
    rules = Rules(support=SupportRules(waiting_weight_per_day=0))
    tickets = [f"t{n},who{n}@nowhere.com,2021-03-{30 - n % 2},A,open" for n in (4, 2, 3, 1)]
    found = queue(world(tmp_path, tickets, rules).build("kpis"))
    assert [row["ticket_id"] for row in found] == ["t1", "t3", "t2", "t4"]


def test_weights_and_open_statuses_of_the_config_are_followed(tmp_path):
    support = {
        "open_statuses": ["Stuck"],
        "segment_weights": {"prospects": 500},
        "other_segment_weight": 1,
    }
    rules = Rules.model_validate({"support": support})
    tickets = [
        "t1,ann@acme.com,2021-03-31 12:00:00,A,stuck",
        "t2,cat@gmail.com,2021-03-31 12:00:00,A,stuck",
        "t3,cat@gmail.com,2021-03-31 12:00:00,A,open",
    ]
    found = queue(world(tmp_path, tickets, rules).build("kpis"))
    assert [(row["ticket_id"], row["priority"]) for row in found] == [("t2", 500), ("t1", 31)]


def test_without_a_clock_every_open_ticket_is_queued_and_nobody_waits(tmp_path):
    built = World(tmp_path).write(
        raw_user="id,name,email,created_at\n1,A,a@x.com,2021-01-01",
        raw_ticket="ticket_id,email,created_at,subject,status\nt1,a@x.com,2021-02-01,S,open",
    )
    found = queue(built.build("kpis"))
    assert [columns(row, "waiting_hours", "rfm_segment") for row in found] == [(0, "prospects")]


def test_every_segment_of_the_default_grid_has_a_weight_of_its_own():
    named = {band.segment for band in RfmRules().grid} | {"prospects"}
    assert {name for name, _ in SupportRules().segment_weights} == named


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            {"segment_weights": {"At Risk": -1}},
            "the weight of At Risk is -1; write a number of 0 or more",
        ),
        ({"segment_weights": [["a", 1], ["a", 2]]}, "names a segment twice: a, a"),
        ({"value_weight": float("inf")}, "finite"),
        ({"open_statuses": [" "]}, "words such as `open`"),
        ({"open_statuses": []}, "at least 1 item"),
    ],
)
def test_weights_that_cannot_be_are_refused(rules, problem):
    with pytest.raises(ValidationError, match=problem):
        SupportRules.model_validate(rules)
