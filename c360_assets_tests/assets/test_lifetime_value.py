"""Lifetime value through the pipeline: what is counted, what is told, and what is fitted again."""

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import dagster as dg
import numpy as np
import pytest

from c360_assets.assets import lifetime_value
from c360_assets.assets.shell import open_step
from c360_assets.customer_rules import LifetimeValueRules
from c360_assets.customers.lifetime_value import bg_nbd, gamma_gamma
from c360_assets.customers.lifetime_value.bg_nbd import BgNbd, Purchases
from c360_assets.customers.lifetime_value.gamma_gamma import GammaGamma, Values
from c360_assets.settings import Rules
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets_tests.pipeline import World, failed_checks, failures, instance_at, run_job

pytestmark = pytest.mark.xdist_group("lifetime_value")

AS_OF = datetime(2021, 8, 20, 15, 0)
FIGURES = (
    *("expected_orders_30d", "expected_orders_90d", "expected_orders_365d", "probability_alive"),
    *("expected_order_value", "clv_30d", "clv_90d", "clv_365d"),
)


@dataclass(frozen=True)
class Order:
    user: str
    at: datetime
    cost: str = "10.00"


def rules(**changed: float) -> Rules:
    return Rules(lifetime_value=LifetimeValueRules(**({"min_repeat_customers": 10} | changed)))


def world(folder, orders: list[Order], rules: Rules, as_of: datetime = AS_OF, **more) -> World:
    users = sorted({order.user for order in orders} | {"idle"})
    lines = [f"o{n},{o.user},{o.at.isoformat()},{o.cost}" for n, o in enumerate(orders)]
    return World(folder, as_of=as_of.isoformat(), rules=rules).write(
        raw_user="\n".join(
            ["id,name,email,created_at", *(f"{u},N,{u}@company.com,2020-01-01" for u in users)]
        ),
        raw_order="\n".join(["order_id,user_id,created_at,order_cost", *lines]),
        **more,
    )


def shop(people: int, seed: int) -> list[Order]:
    """Customers as the models have them: rates, chances to leave and tastes of their own."""
    dice = random.Random(seed)
    orders = []
    for person in range(people):
        rate, leaving = dice.gammavariate(1.2, 1 / 20), dice.betavariate(1.0, 3.0)
        scale = dice.gammavariate(4.0, 1 / 30)
        at = datetime(2021, 3, 1) + timedelta(days=dice.uniform(0, 120))
        while at < datetime(2021, 8, 31):
            cost = max(dice.gammavariate(6.0, 1 / scale), 0.01)
            orders.append(Order(f"u{person:03}", at.replace(microsecond=0), f"{cost:.2f}"))
            if len(orders) > 1 and orders[-2].user == orders[-1].user and dice.random() < leaving:
                break
            at += timedelta(days=dice.expovariate(rate))
    return orders


def summarised(orders: list[Order], counted: list[Order], today: date) -> dict[str, tuple]:
    """(x, t_x, T, repeat orders with amounts, their average) by user, in plain Python."""
    days: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for order in counted:
        days[order.user][order.at.date()] += Decimal(order.cost)
    found = {}
    for user, mine in days.items():
        first, *repeats = sorted(mine)
        average = sum((mine[day] for day in repeats), Decimal()) / len(repeats) if repeats else None
        last = max(mine)
        figures = (len(repeats), (last - first).days, (today - first).days)
        found[user] = (*figures, len(repeats), average)
    return found


def known(row: dict) -> tuple:
    names = ("repeat_orders", "recency_days", "age_days", "valued_repeat_orders")
    average = row["average_order_value"]
    return (*(row[name] for name in names), average)


def assert_summaries_equal(rows: dict[str, dict], expected: dict[str, tuple]) -> None:
    assert set(rows) == set(expected)
    for user, (*counts, average) in expected.items():
        *found, value = known(rows[user])
        assert found == counts, user
        assert value == (None if average is None else pytest.approx(float(average), rel=1e-12))


@pytest.fixture(scope="module")
def orders() -> list[Order]:
    return shop(people=300, seed=31)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, orders: list[Order]) -> World:
    return world(tmp_path_factory.mktemp("shop"), orders, rules()).build("lifetime_value")


# --- what is counted -----------------------------------------------------------------------------


def test_orders_at_or_before_the_clock_count_once_a_day(built, orders):
    counted = [order for order in orders if order.at <= AS_OF]
    rows = built.by("marts.customer_lifetime_value", "user_id")
    assert_summaries_equal(rows, summarised(orders, counted, AS_OF.date()))
    for user, row in rows.items():
        mine = [order.at for order in counted if order.user == user]
        assert (row["first_order"], row["most_recent_order"]) == (min(mine), max(mine))
        assert row["scored_at"] == AS_OF


def test_a_month_counts_what_came_before_its_first_day(built, orders):
    history = built.by("marts.lifetime_value_history", "scored_on", "user_id")
    months = sorted({month for month, _ in history})
    assert months == [date(2021, month, 1) for month in range(4, 9)]
    for month in months:
        counted = [order for order in orders if order.at.date() < month]
        rows = {user: row for (on, user), row in history.items() if on == month}
        assert_summaries_equal(rows, summarised(orders, counted, month))


def test_the_clock_splits_the_day_on_which_it_stands(tmp_path):
    at = datetime(2021, 5, 1, 12)
    orders = [
        Order("a", at - timedelta(days=3), "5"),
        Order("a", at - timedelta(hours=1), "7"),
        Order("a", at, "8"),
        Order("a", at + timedelta(hours=1), "100"),
        Order("b", at + timedelta(hours=1), "100"),
    ]
    rows = (
        world(tmp_path, orders, rules(), at)
        .build("lifetime_value")
        .by("marts.customer_lifetime_value", "user_id")
    )
    assert set(rows) == {"a"}
    assert known(rows["a"]) == (1, 3, 3, 1, 15.0)
    assert rows["a"]["most_recent_order"] == at


# --- what is told --------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_models_fitted_to_the_summaries(built, orders):
    """The models are tested beside them; here, that each customer gets their own figures."""
    rows = built.by("marts.customer_lifetime_value", "user_id")
    [model] = built.rows("select * from marts.lifetime_value_models where is_current")
    users = sorted(rows)
    x, last, age, _, average = (
        np.array(column, dtype=float) for column in zip(*map(known, rows.values()), strict=True)
    )
    place = {user: n for n, user in enumerate(rows)}
    buys = BgNbd(*bg_nbd.fit(Purchases.of(x, last, age)).parameters)
    spends = GammaGamma(*gamma_gamma.fit(Values.of(x[x > 0], average[x > 0])).parameters)
    assert [model[name] for name in ("r", "alpha", "a", "b")] == [
        buys.r,
        buys.alpha,
        buys.a,
        buys.b,
    ]
    assert [model[name] for name in ("p", "q", "v")] == [spends.p, spends.q, spends.v]
    assert model["customers"] == len(users)
    assert model["repeat_customers"] == model["valued_customers"] == int((x > 0).sum())
    alive, worth = buys.probability_alive(x, last, age), spends.expected_value(x, average)
    for user in users:
        row, n = rows[user], place[user]
        expected = buys.expected_orders([30, 90, 365], x[n], last[n], age[n])[:, 0]
        found = [row[f"expected_orders_{days}d"] for days in (30, 90, 365)]
        assert found == pytest.approx(expected, rel=1e-9)
        assert row["expected_order_value"] == pytest.approx(worth[n], rel=1e-9)
        values = [row[f"clv_{days}d"] for days in (30, 90, 365)]
        assert values == pytest.approx(expected * worth[n], rel=1e-9)
        if x[n] > 0:
            assert row["probability_alive"] == pytest.approx(alive[n], rel=1e-9)


def test_without_a_repeat_order_there_are_orders_and_value_but_no_verdict(built):
    rows = built.rows("select * from marts.customer_lifetime_value where repeat_orders = 0")
    assert len(rows) > 10
    for row in rows:
        assert (row["probability_alive"], row["no_probability_reason"]) == (None, "no_repeat_order")
        assert row["expected_orders_365d"] > 0
        assert row["clv_365d"] > 0
        assert row["no_value_reason"] is None
    assert len({row["expected_order_value"] for row in rows}) == 1, "it is everybody's"


def test_too_few_repeat_customers_get_a_reason_and_no_figure(tmp_path, orders):
    few = world(tmp_path, orders, rules(min_repeat_customers=5_000)).build("lifetime_value")
    for table in ("customer_lifetime_value", "lifetime_value_history"):
        for row in few.rows(f"select * from marts.{table}"):
            assert {row[name] for name in FIGURES} == {None}
            assert row["no_value_reason"] == "too_few_repeat_customers"
            assert row["no_probability_reason"] == "too_few_repeat_customers"
    models = few.rows("select * from marts.lifetime_value_models")
    assert {(m["r"], m["p"], m["no_orders_reason"]) for m in models} == {
        (None, None, "too_few_repeat_customers")
    }


def test_customers_who_do_not_differ_get_a_reason_and_no_figure(tmp_path):
    same = [
        Order(f"u{n}", AS_OF - timedelta(days=days)) for n in range(60) for days in (60, 40, 20)
    ]
    rows = (
        world(tmp_path, same, rules())
        .build("lifetime_value")
        .rows("select * from marts.customer_lifetime_value")
    )
    assert {row["no_value_reason"] for row in rows} == {"orders_not_identified"}
    assert {row[name] for row in rows for name in FIGURES} == {None}


def test_one_price_for_everybody_leaves_orders_and_no_value(tmp_path, orders):
    same = [Order(order.user, order.at, "9.99") for order in orders]
    # two orders of one day would be twice the price
    by_day = {(order.user, order.at.date()): order for order in same}
    rows = (
        world(tmp_path, list(by_day.values()), rules())
        .build("lifetime_value")
        .rows("select * from marts.customer_lifetime_value")
    )
    assert {row["no_value_reason"] for row in rows} == {"values_not_converged"}
    assert all(row["expected_orders_30d"] is not None for row in rows)
    assert {row["clv_30d"] for row in rows} == {None}


def test_without_amounts_there_are_orders_and_no_value(tmp_path, orders):
    events = [
        "event_id,user_id,event_name,timestamp",
        *(f"e{n},{o.user},order_placed,{o.at.isoformat()}" for n, o in enumerate(orders)),
    ]
    plain = world(tmp_path, orders, rules(), raw_event="\n".join(events))
    (plain.folder / "source" / "raw_order.csv").unlink()
    rows = plain.build("lifetime_value").rows("select * from marts.customer_lifetime_value")
    assert {row["no_value_reason"] for row in rows} == {"no_amounts"}
    assert all(row["expected_orders_30d"] is not None for row in rows)
    assert {row["average_order_value"] for row in rows} == {None}


def test_repeat_orders_for_nothing_or_less_have_no_value_and_spoil_nobody_elses(tmp_path, orders):
    at = [AS_OF - timedelta(days=days) for days in (50, 30, 10)]
    free = [Order("free", at[0], "10"), Order("free", at[1], "0"), Order("free", at[2], "0")]
    more = world(tmp_path, [*orders, *free], rules()).build("lifetime_value")
    rows = more.by("marts.customer_lifetime_value", "user_id")
    assert rows["free"]["no_value_reason"] == "average_not_positive"
    assert rows["free"]["average_order_value"] == 0
    assert rows["free"]["expected_orders_30d"] > 0
    assert 0 < rows["free"]["probability_alive"] < 1
    assert {row["no_value_reason"] for user, row in rows.items() if user != "free"} == {None}


@pytest.mark.parametrize("orders", [[], [Order("a", AS_OF)], [Order("a", AS_OF + timedelta(1))]])
def test_a_shop_with_hardly_an_order_is_no_error(tmp_path, orders):
    event = f"event_id,user_id,event_name,timestamp\ne1,idle,login,{AS_OF.isoformat()}"
    small = world(tmp_path, orders, rules(), raw_event=event).build("lifetime_value")
    rows = small.rows("select * from marts.customer_lifetime_value")
    assert len(rows) == sum(order.at <= AS_OF for order in orders)
    assert {row["no_value_reason"] for row in rows} <= {"too_few_repeat_customers"}


def test_money_to_come_is_worth_less_at_a_discount(tmp_path, built, orders):
    """Against a sum over single days: what is expected on each, times what it is worth today."""
    yearly = 0.25
    reduced = world(tmp_path, orders, rules(annual_discount_rate=yearly)).build("lifetime_value")
    rows = reduced.by("marts.customer_lifetime_value", "user_id")
    [m] = reduced.rows("select * from marts.lifetime_value_models where is_current")
    model = BgNbd(m["r"], m["alpha"], m["a"], m["b"])
    for user, full in built.by("marts.customer_lifetime_value", "user_id").items():
        row = rows[user]
        assert row["expected_orders_365d"] == full["expected_orders_365d"]
        x, last, age, _, _ = known(row)
        expected = [0.0, *model.expected_orders(range(1, 366), x, last, age)[:, 0]]
        worth = sum(
            (after - before) / (1 + yearly) ** ((day + 0.5) / 365)
            for day, (before, after) in enumerate(pairwise(expected))
        )
        assert row["clv_365d"] == pytest.approx(worth * row["expected_order_value"], rel=1e-5)


# --- merges, late orders, and what is kept -------------------------------------------------------


def scored(world: World) -> dict:
    """Run the asset's body once more; its metadata."""
    warehouse = Warehouse(database=str(world.settings.warehouse_path))
    with open_step(world.settings, warehouse, "again") as step:
        return dict(lifetime_value.score_customers(step).metadata)


def whole(world: World) -> list[list[dict]]:
    names = ("customer_lifetime_value", "lifetime_value_history", "lifetime_value_models")
    return [world.rows(f"select * from marts.{name} order by all") for name in names]


def fitted(world: World) -> set[str]:
    return set(str(scored(world)["scorings fitted"]).split(", "))


def test_what_did_not_change_is_not_fitted_again(tmp_path, orders):
    shop = world(tmp_path, orders, rules()).build("lifetime_value")
    before = whole(shop)
    again = scored(shop)
    assert (again["scorings fitted"], again["scorings kept"]) == ("none", 6)
    assert whole(shop) == before


def test_a_late_order_fits_the_months_after_it_again_and_equals_a_fresh_build(tmp_path, orders):
    grown = world(tmp_path / "grown", orders, rules()).build("lifetime_value")
    with_late = [*orders, Order("u001", datetime(2021, 6, 10, 9), "33.33")]
    world(tmp_path / "grown", with_late, rules())
    old = {row["scored_on"]: row["fingerprint"] for row in months(grown)}
    grown.build("lifetime_value")
    new = {row["scored_on"]: row["fingerprint"] for row in months(grown)}
    changed = {on for on in new if new[on] != old[on]}
    assert changed == {date(2021, 7, 1), date(2021, 8, 1)}
    assert whole(grown) == whole(
        world(tmp_path / "fresh", with_late, rules()).build("lifetime_value")
    )


def months(world: World) -> list[dict]:
    return world.rows("select * from marts.lifetime_value_models where not is_current")


def test_a_merge_carries_the_history_to_the_contact_that_is_left(tmp_path, orders):
    joined = world(tmp_path / "joined", orders, rules()).build("lifetime_value")
    merge = "old_email,new_email\nu001@company.com,u002@company.com"
    joined.write(merged_user=merge).build("lifetime_value")
    as_one = [Order("u002" if o.user == "u001" else o.user, o.at, o.cost) for o in orders]
    for table in ("customer_lifetime_value", "lifetime_value_history"):
        assert not joined.rows(f"select * from marts.{table} where user_id = 'u001'")
    expected = world(tmp_path / "one", as_one, rules()).build("lifetime_value")
    assert whole(joined)[:2] == whole(expected)[:2]


def test_a_clock_that_goes_back_leaves_no_month_of_the_future(tmp_path, orders):
    world(tmp_path, orders, rules()).build("lifetime_value")
    back = world(tmp_path, orders, rules(), datetime(2021, 6, 1)).build("lifetime_value")
    assert {row["scored_on"] for row in months(back)} == {date(2021, m, 1) for m in (4, 5, 6)}
    fresh = world(tmp_path / "fresh", orders, rules(), datetime(2021, 6, 1)).build("lifetime_value")
    assert whole(back) == whole(fresh)


def test_other_rules_and_lost_tables_are_scored_anew(tmp_path, orders):
    shop = world(tmp_path, orders, rules()).build("lifetime_value")
    before = whole(shop)
    stricter = World(tmp_path, as_of=shop.as_of, rules=rules(min_repeat_customers=11))
    assert len(fitted(stricter)) == 6
    assert len(fitted(shop)) == 6
    with Warehouse(database=str(shop.settings.warehouse_path)).transaction() as connection:
        connection.execute("alter table marts.lifetime_value_history drop column clv_90d")
    assert len(fitted(shop)) == 6
    assert whole(shop) == before


def test_the_order_of_the_rows_changes_nothing(tmp_path, built, orders):
    shuffled = random.Random(1).sample(orders, len(orders))
    assert whole(world(tmp_path, shuffled, rules()).build("lifetime_value")) == whole(built)


# --- through Dagster -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_tells_the_models_and_warns_where_value_hangs_on_frequency(tmp_path, orders):
    number = defaultdict(int)
    for order in orders:
        number[order.user] += 1
    dear = [Order(o.user, o.at, f"{10 + number[o.user] * 5 + len(o.user)}") for o in orders]
    spread = random.Random(2)
    dear = [Order(o.user, o.at, f"{float(o.cost) * spread.uniform(0.8, 1.2):.2f}") for o in dear]
    shop = world(tmp_path, dear, rules())
    with instance_at(shop.settings) as instance:
        result = run_job(shop.settings, instance)
        assert result.success, failures(result)
        key = dg.AssetKey("customer_lifetime_value")
        [made] = instance.fetch_materializations(key, limit=1).records
    metadata = made.asset_materialization.metadata
    assert math.isclose(metadata["frequency_value_correlation"].value, 1, abs_tol=0.3)
    assert metadata["r"].value > 0
    warned = "lifetime_value_models_frequency_and_value_are_independent"
    assert ("customer_lifetime_value", warned) in failed_checks(result)
