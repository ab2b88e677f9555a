"""The RFM history against the formula computed afresh, and updates against whole builds."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.customers import rfm_scores, rfm_states
from c360_assets.settings import RfmBand, RfmRules
from c360_assets_tests.customers.rfm_small import HOUR, Bought, Small, compare, full_hours

pytestmark = pytest.mark.xdist_group("rfm_small")

START = datetime(2021, 3, 1, 9)
MICROSECOND = timedelta(microseconds=1)
CUTS = tuple(Decimal(text) for text in ("0.1", "0.35", "0.5", "0.9"))


def every_hour(small: Small) -> int:
    """Compare every hour with the formula, and test the claims; returns the number of hours."""
    facts = small.facts()
    hours = full_hours(facts, small.clock)
    for hour in hours:
        compare(small.connection, facts, hour, small.rules)
    assert small.rows("select date_hour from marts.rfm_hours order by 1")["date_hour"].tolist() == (
        hours
    )
    assert small.failing_claims() == []
    return len(hours)


def some_orders(seed: int, number: int = 60, users: int = 9, hours: int = 40) -> list[Bought]:
    """Random orders with ties in everything, some without an amount, some refunds."""
    rng = random.Random(seed)
    amounts = ["10.00", "10.00", "0.01", "-25.50", None, "99.99"]
    return [
        Bought(
            f"u{rng.randrange(users)}",
            START + rng.randrange(hours * 4) * timedelta(minutes=15)
            + rng.choice([-1, 0, 0, 1]) * MICROSECOND,
            rng.choice(amounts),
        )
        for _ in range(number)
    ]  # fmt: skip


# --- every hour is that of the formula -----------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_hour_of_random_orders_is_that_of_the_formula(seed):
    small = Small(some_orders(seed), rules=RfmRules(cuts=CUTS) if seed % 2 else RfmRules())
    small.run()
    assert every_hour(small) > 30


def test_customers_in_chunks_are_the_same_as_all_at_once(monkeypatch):
    whole, chunked = Small(some_orders(7)), Small(some_orders(7))
    whole.run()
    monkeypatch.setattr(rfm_scores, "STATES_PER_CHUNK", 7)
    chunked.run()
    assert chunked.stored() == whole.stored()


def test_a_single_customer_scores_one_until_another_comes():
    small = Small(
        [Bought("a", START), Bought("b", START + 5 * HOUR), Bought("b", START + 8 * HOUR)]
    )
    small.run()
    assert every_hour(small) == 9
    scores = small.rows(
        "select valid_from, recency_score, frequency_score from marts.rfm_segment_history"
        " where user_id = 'b' order by valid_from"
    )
    assert scores["recency_score"].tolist() == [5, 5]
    assert scores["frequency_score"].tolist() == [1, 5]


def test_equal_customers_share_the_lowest_score():
    small = Small([Bought(user, START + n * HOUR) for user in "abc" for n in range(3)])
    small.run()
    every_hour(small)
    assert set(small.rows("select recency_score from marts.rfm_segment_history").iloc[:, 0]) == {1}


def test_an_order_counts_from_the_full_hour_that_is_not_before_it():
    at = datetime(2021, 3, 1, 12)
    orders = [
        Bought("on_the_hour", at),
        Bought("just_before", at - MICROSECOND),
        Bought("just_after", at + MICROSECOND),
        Bought("end", at + 3 * HOUR),
    ]
    small = Small(orders)
    small.run()
    every_hour(small)
    first = small.connection.execute(
        "select user_id, min(valid_from) from marts.rfm_segment_history group by user_id"
    ).fetchall()
    assert dict(first) == {
        "on_the_hour": at,
        "just_before": at,
        "just_after": at + HOUR,
        "end": at + 3 * HOUR,
    }


def test_customers_without_amounts_have_no_monetary_score_until_they_have_one():
    orders = [
        Bought("a", START, None),
        Bought("b", START, "5.00"),
        Bought("c", START + HOUR, None),
        Bought("a", START + 3 * HOUR, "7.00"),
        Bought("d", START + 4 * HOUR, None),
    ]
    small = Small(orders)
    small.run()
    every_hour(small)
    scores = small.connection.execute(
        "select monetary_score from marts.rfm_segment_history where user_id = 'a'"
        " order by valid_from"
    ).fetchall()
    assert scores[0] == (None,)
    assert scores[-1] == (5,)


def test_without_any_amount_all_monetary_scores_are_null():
    small = Small([Bought(o.user, o.at, None) for o in some_orders(3)])
    small.run()
    every_hour(small)
    assert small.rows("select 1 from marts.rfm_migrations where monetary is not null").empty


def test_refunds_that_outweigh_orders_rank_lowest():
    small = Small([Bought("a", START, "-50.00"), Bought("b", START, "0.00"), Bought("c", START)])
    small.run()
    every_hour(small)
    scores = small.connection.execute(
        "select user_id, monetary_score from marts.rfm_segment_history"
    ).fetchall()
    assert dict(scores) == {"a": 1, "b": 3, "c": 5}


def test_without_orders_there_is_no_hour_and_no_history():
    small = Small()
    small.run()
    assert all(rows == [] for rows in small.stored().values())
    assert small.failing_claims() == []


def test_a_clock_before_the_first_order_leaves_nothing():
    small = Small(some_orders(1), clock=START - 9 * HOUR)
    small.run()
    assert all(rows == [] for rows in small.stored().values())


def test_orders_of_long_ago_do_not_cost_memory_by_the_minute():
    small = Small([Bought("old", datetime(1950, 1, 1, 5)), *some_orders(5, number=8, users=3)])
    small.run()
    facts = small.facts()
    for hour in full_hours(facts)[-30:]:
        compare(small.connection, facts, hour)


# --- what is new alone is computed ---------------------------------------------------------------


def whole_build(small: Small) -> Small:
    """The same world, built from nothing."""
    fresh = Small(small.orders, small.people, small.clock, small.rules)
    fresh.run()
    return fresh


def test_a_run_with_nothing_new_writes_nothing():
    small = Small(some_orders(1))
    small.run()
    before = small.stored()
    assert small.run().metadata["written_from"] == "nothing new"
    assert small.stored() == before


def test_a_new_day_is_computed_from_its_first_hour_on():
    orders = sorted(some_orders(2, hours=100, number=90), key=lambda order: order.at)
    midnight = datetime(2021, 3, 4)
    small = Small([order for order in orders if order.at <= midnight], clock=midnight)
    small.run()
    kept = small.connection.execute(
        "select rowid, user_id, valid_from from marts.rfm_segment_history order by rowid"
    ).fetchall()
    small.orders, small.clock = orders, None
    outcome = small.run()
    assert outcome.metadata["written_from"] == "2021-03-04 01:00:00"
    assert outcome.metadata["is_whole_build"] is False
    after = small.connection.execute(
        "select rowid, user_id, valid_from from marts.rfm_segment_history order by rowid"
    ).fetchall()
    assert after[: len(kept)] == kept, "what was stored stays where it is"
    assert small.stored() == whole_build(small).stored()
    every_hour(small)


def test_a_clock_that_goes_back_takes_back_what_came_after_it():
    small = Small(some_orders(4))
    small.run()
    small.clock = START + 17 * HOUR + timedelta(minutes=20)
    small.run()
    assert small.stored() == whole_build(small).stored()
    every_hour(small)
    small.orders = []
    small.run()
    assert all(rows == [] for rows in small.stored().values())


def test_hours_without_orders_are_answered_too():
    small = Small(some_orders(6))
    small.run()
    small.clock = START + 90 * HOUR
    assert small.run().metadata["is_whole_build"] is False
    assert small.stored() == whole_build(small).stored()
    every_hour(small)


def test_other_cuts_and_another_grid_are_followed_from_the_start():
    small = Small(some_orders(8))
    small.run()
    band = RfmBand(max_recency_score=5, max_frequency_score=5, segment="everybody")
    small.rules = RfmRules(cuts=CUTS, grid=(band,))
    assert small.run().metadata["is_whole_build"] is True
    assert small.stored() == whole_build(small).stored()
    every_hour(small)
    segments = small.rows("select distinct rfm_segment from marts.rfm_segment_history")
    assert segments.iloc[:, 0].tolist() == ["everybody"]


def test_after_many_batches_the_rows_of_a_customer_are_brought_together_again(monkeypatch):
    monkeypatch.setattr(rfm_states, "MAX_BATCHES", 2)
    orders = sorted(some_orders(9, hours=24 * 6, number=80), key=lambda order: order.at)
    small = Small([])
    is_whole = []
    for day in range(1, 6):
        small.clock = datetime(2021, 3, 1) + day * timedelta(days=1)
        small.orders = [order for order in orders if order.at <= small.clock]
        is_whole.append(small.run().metadata["is_whole_build"])
    assert is_whole == [True, False, False, True, False]
    assert small.stored() == whole_build(small).stored()


minutes = st.integers(0, 24 * 4 * 3).map(lambda n: START + n * timedelta(minutes=15))
an_order = st.builds(
    Bought,
    st.sampled_from([f"u{n}" for n in range(6)]),
    minutes,
    st.sampled_from(["10.00", "-3.00", "0.10", None]),
)
a_merge = st.tuples(st.sampled_from([f"u{n}" for n in range(3)]), st.sampled_from(["u4", "u5"]))


@settings(max_examples=15, deadline=None)
@given(st.lists(an_order, min_size=1, max_size=25), st.data())
def test_late_orders_merges_and_undos_give_what_a_whole_build_gives(orders, data):
    small = Small(orders)
    small.run()
    for _ in range(data.draw(st.integers(1, 4))):
        what = data.draw(st.sampled_from(["late", "gone", "amount", "merge", "undo", "clock"]))
        if what == "late":
            small.orders = [*small.orders, *data.draw(st.lists(an_order, max_size=4))]
        elif what == "gone":
            small.orders = small.orders[1:]
        elif what == "amount" and small.orders:
            last = small.orders[-1]
            small.orders = [*small.orders[:-1], Bought(last.user, last.at, "77.00")]
        elif what == "merge":
            old, new = data.draw(a_merge)
            small.people = {**small.people, old: new}
        elif what == "undo":
            small.people = {}
        else:
            small.clock = data.draw(st.one_of(st.none(), minutes))
        small.run()
    assert small.stored() == whole_build(small).stored()
    assert small.failing_claims() == []
    facts = small.facts()
    for hour in full_hours(facts, small.clock)[::7]:
        compare(small.connection, facts, hour)
