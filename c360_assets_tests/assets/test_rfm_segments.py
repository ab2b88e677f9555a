"""RFM segments against the contract's words, written out again in plain Python."""

import random
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from c360_assets.settings import OrderRules, RfmBand, RfmRules, Rules
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("rfm_segments")

START = datetime(2021, 3, 1)


@dataclass(frozen=True)
class Order:
    user: str
    at: datetime
    cost: str = "10.00"
    shipping: str = ""
    promo: str = ""


def world(folder, users: list[str], orders: list[Order], **options) -> World:
    """A source with these orders, and one event at the end, so that the clock stands still."""
    lines = "\n".join(
        f"o{n},{o.user},{o.at.isoformat()},{o.cost},{o.shipping},{o.promo}"
        for n, o in enumerate(orders)
    )
    return World(folder, **options).write(
        raw_user="id,name,email,created_at\n"
        + "\n".join(f"{user},N,{user}@company.com,2021-01-01" for user in users),
        raw_order="order_id,user_id,created_at,order_cost,shipping_cost,promo_id\n" + lines,
        raw_promo="promo_id,discount\nhalf,5\ntiny,0.01",
    )


def score(percentile: float) -> int:
    """Five from 0.8, four from 0.6, three from 0.4, two from 0.2, else one."""
    if percentile >= 0.8:
        return 5
    if percentile >= 0.6:
        return 4
    if percentile >= 0.4:
        return 3
    return 2 if percentile >= 0.2 else 1


def segment(r: int, f: int) -> str:
    """The grid of the contract, in its own order: the first match."""
    if r <= 2 and f <= 2:
        return "Hibernating"
    if r <= 2 and f <= 4:
        return "At Risk"
    if r <= 2:
        return "Cannot Lose Them"
    if r <= 3 and f <= 2:
        return "About to Sleep"
    if r <= 3 and f <= 3:
        return "Need Attention"
    if r <= 4 and f <= 1:
        return "Promising"
    if r <= 4 and f <= 3:
        return "Potential Loyalists"
    if r <= 4:
        return "Loyal Customers"
    if f <= 1:
        return "New Customers"
    return "Potential Loyalists" if f <= 3 else "Champions"


def percent_ranks(values: dict[str, float]) -> dict[str, float]:
    """(rank - 1) / (n - 1), where tied values share the lowest rank; 0 for a single one."""
    ordered = sorted(values.values())
    span = len(ordered) - 1
    return {k: (bisect_left(ordered, v) / span if span else 0.0) for k, v in values.items()}


def expected(orders: list[Order], as_of: datetime) -> dict[str, dict[str, object]]:
    """The whole table, from the orders at or before the clock."""
    discounts = {"": Decimal(0), "half": Decimal(5), "tiny": Decimal("0.01")}
    mine = defaultdict(list)
    for order in orders:
        if order.at <= as_of:
            mine[order.user].append(order)
    recency = {u: (as_of - max(o.at for o in os)) // timedelta(minutes=1) for u, os in mine.items()}
    money = {
        u: sum(Decimal(o.cost) - discounts[o.promo] - Decimal(o.shipping or "0") for o in os)
        for u, os in mine.items()
    }
    by_recency = percent_ranks({u: -minutes for u, minutes in recency.items()})
    by_frequency = percent_ranks({u: len(os) for u, os in mine.items()})
    by_money = percent_ranks(money)
    return {
        user: {
            "user_id": user,
            "as_of": as_of,
            "recency": recency[user],
            "frequency": len(mine[user]),
            "monetary": money[user],
            "recency_percentile": by_recency[user],
            "frequency_percentile": by_frequency[user],
            "monetary_percentile": by_money[user],
            "recency_score": score(by_recency[user]),
            "frequency_score": score(by_frequency[user]),
            "monetary_score": score(by_money[user]),
            "rfm_segment": segment(score(by_recency[user]), score(by_frequency[user])),
        }
        for user in mine
    }


def grid_of_orders() -> list[Order]:
    """25 customers: five of each frequency, each with a last order of their own."""
    orders = []
    for customer in range(25):
        times = [START + timedelta(hours=customer)]
        times += [START - timedelta(days=10 + n) for n in range(customer % 5)]
        orders += [Order(f"u{customer}", at, cost=f"{10 + customer}.50") for at in times]
    return orders


def random_orders(seed: int) -> tuple[list[str], list[Order]]:
    """Orders on few distinct minutes, so that ties are frequent; some users never order."""
    draw = random.Random(seed)
    users = [f"u{n}" for n in range(40)]
    orders = [
        Order(
            draw.choice(users[:34]),
            START + timedelta(seconds=draw.randrange(12) * 1800 + draw.choice([0, 0, 59])),
            cost=draw.choice(["10.00", "20.00", "33.33"]),
            shipping=draw.choice(["", "2.50", "0.01"]),
            promo=draw.choice(["", "half", "tiny"]),
        )
        for _ in range(90)
    ]
    return users, orders


def test_the_25_cells_of_the_grid_have_the_segments_of_the_contract(tmp_path):
    orders = grid_of_orders()
    built = world(tmp_path, [f"u{n}" for n in range(25)], orders).build()
    found = built.by("marts.rfm_segments", "user_id")
    cells = {(row["recency_score"], row["frequency_score"]) for row in found.values()}
    assert cells == {(r, f) for r in range(1, 6) for f in range(1, 6)}
    assert found == expected(orders, START + timedelta(hours=24))


def test_ties_share_their_percentile_and_nobody_without_orders_has_a_segment(tmp_path):
    users, orders = random_orders(seed=1)
    found = world(tmp_path, users, orders).build().by("marts.rfm_segments", "user_id")
    assert found == expected(orders, max(order.at for order in orders))
    assert set(found) == {order.user for order in orders}


def test_a_clock_in_the_past_counts_only_what_had_happened_by_then(tmp_path):
    users, orders = random_orders(seed=2)
    as_of = sorted(order.at for order in orders)[20]  # an order at the very time counts
    built = world(tmp_path, users, orders, as_of=as_of.isoformat()).build()
    found = built.by("marts.rfm_segments", "user_id")
    assert found == expected(orders, as_of)
    assert 0 < len(found) < len({order.user for order in orders})


def test_a_clock_before_every_order_leaves_no_segment(tmp_path):
    users, orders = random_orders(seed=3)
    built = world(tmp_path, users, orders, as_of="2020-01-01T00:00:00").build()
    assert built.rows("select * from marts.rfm_segments") == []


def test_orders_of_merged_accounts_are_counted_together(tmp_path):
    orders = [Order("a", START), Order("b", START + timedelta(hours=1)), Order("c", START)]
    late = Order("b", START + timedelta(days=9))
    built = world(tmp_path, ["a", "b", "c"], [*orders, late], as_of="2021-03-02")
    built.write(merged_user="old_email,new_email\na@company.com,b@company.com").build()
    as_one = [Order("b", START), orders[1], orders[2], late]
    assert built.by("marts.rfm_segments", "user_id") == expected(as_one, datetime(2021, 3, 2))


def test_without_order_amounts_money_is_null_and_the_segment_stands(tmp_path):
    built = World(tmp_path, rules=Rules(orders=OrderRules(event_names=("bought",)))).write(
        raw_user="id,name,email,created_at\n1,A,a@x.com,2021-01-01\n2,B,b@x.com,2021-01-01",
        raw_event="""
            event_id,user_id,event_name,timestamp
            1,1,bought,2021-03-01 00:00:00
            2,2,order_placed,2021-03-01 00:00:00
            3,2,bought,2021-03-01 00:10:30
        """,
    )
    found = built.build().by("marts.rfm_segments", "user_id")
    assert {user: row["frequency"] for user, row in found.items()} == {"1": 1, "2": 1}
    for name in ("monetary", "monetary_percentile", "monetary_score"):
        assert {row[name] for row in found.values()} == {None}
    assert (found["1"]["recency"], found["2"]["recency"]) == (10, 0)
    assert found["2"]["rfm_segment"] == "New Customers"


def test_without_any_order_there_is_no_segment(tmp_path):
    built = World(tmp_path).write(raw_user="id,name,email,created_at\n1,A,a@x.com,2021-01-01")
    assert built.build().rows("select * from marts.rfm_segments") == []


def test_the_grid_and_the_cuts_of_the_config_are_followed(tmp_path):
    grid = (
        RfmBand(max_recency_score=4, max_frequency_score=5, segment="late"),
        RfmBand(max_recency_score=5, max_frequency_score=5, segment="recent"),
    )
    cuts = tuple(Decimal(text) for text in ("0.1", "0.2", "0.3", "0.5"))
    rules = Rules(rfm=RfmRules(cuts=cuts, grid=grid))
    orders = [Order(f"u{n}", START + timedelta(hours=n)) for n in range(5)]
    built = world(tmp_path, [f"u{n}" for n in range(5)], orders, rules=rules).build()
    found = built.by("marts.rfm_segments", "user_id")
    assert {user: row["recency_score"] for user, row in found.items()} == {
        "u0": 1,
        "u1": 3,
        "u2": 5,
        "u3": 5,
        "u4": 5,
    }
    assert [found[f"u{n}"]["rfm_segment"] for n in range(5)] == ["late"] * 2 + ["recent"] * 3
