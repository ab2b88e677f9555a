"""The dashboard's figures, counted again in plain Python from the rows that were written."""

import random
import weakref
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from c360_assets.assets.published import published_tables
from c360_assets.ui.copies import Copies, Copy, Order
from c360_assets.ui.data import kpis
from c360_assets.ui.data.kpi_list import BY_KEY, KPIS
from c360_assets.ui.data.kpi_range import Chosen, Period, Span, span
from c360_assets.ui.data.kpis import Filter, Question
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("ui_kpis")

FIRST, LAST = date(2021, 3, 1), date(2021, 4, 11)
NOW = Period(date(2021, 3, 22), date(2021, 4, 11))
BEFORE = Period(date(2021, 3, 1), date(2021, 3, 21))
DAYS = (LAST - FIRST).days + 1
# after the clock
LATER = datetime(2021, 4, 13, 12)
USERS = [f"u{n}" for n in range(24)]
GAGGLE = {user: f"g{n % 7}" for n, user in enumerate(USERS)}
# two accounts of one person, who is one customer
PERSON = {**{user: user for user in USERS}, "u1": "u0"}
COUNTRIES = ("France", "Côte d'Ivoire", None)
PROMOS = {"p10": 10.0, "p5%": 5.0}
PRICES = {"iron": 30.0, "bread": 4.5, "jam": 7.25}


def made() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders and events, the same every time."""
    dice = random.Random(7)
    orders: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for number in range(260):
        # more of them later on, so that periods differ
        at = datetime.combine(FIRST, datetime.min.time()) + timedelta(
            days=int(DAYS * dice.random() ** 0.7), minutes=dice.randrange(0, 23 * 60)
        )
        user, session = dice.choice(USERS), f"s{number}"
        looked = dice.sample(sorted(PRICES), dice.randrange(0, 3))
        names = [("view", product) for product in looked] or [("login", "")]
        if number % 3 == 0:
            names.append(("add_to_cart", ""))
        if dice.random() < 0.6:
            names.append(("checkout", ""))
        if dice.random() < 0.3:
            names.append(("rating", ""))
        order = f"o{number}" if ("checkout", "") in names and dice.random() < 0.8 else None
        for place, (name, product) in enumerate(names):
            events.append(
                {
                    "user": user,
                    "name": name,
                    "at": at + timedelta(minutes=place),
                    "product": product,
                    "session": session,
                    "order": order if name == "checkout" else None,
                }
            )
        if order:
            orders.append(_order(dice, order, user, at))
    return orders, events


def _order(dice: random.Random, order: str, user: str, at: datetime) -> dict[str, Any]:
    lines = {name: dice.randrange(1, 4) for name in dice.sample(sorted(PRICES), 2)}
    cost = sum(PRICES[name] * pieces for name, pieces in lines.items())
    promo = dice.choice([None, None, *PROMOS])
    hours = dice.choice([None, 20, 50, 90])
    discount, shipping = PROMOS.get(promo or "", 0.0), 2.5
    return {
        "id": order, "user": user, "at": at, "lines": lines, "cost": cost, "promo": promo,
        "country": dice.choice(COUNTRIES), "total": cost + shipping - discount,
        "sales": cost - discount - shipping, "hours": hours,
        "refund": dice.choice([None, None, None, 3.75]),
    }  # fmt: skip


ORDERS, EVENTS = made()


def csv(header: str, rows: list[tuple[Any, ...]]) -> str:
    return "\n".join([header, *(",".join("" if v is None else str(v) for v in r) for r in rows)])


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Copy:
    users = [
        (user, user, f"{user}@mail{n}.com", GAGGLE[user], "2021-01-01")
        for n, user in enumerate(USERS)
    ]
    users.append(("late", "Late", "late@mail.com", "g-late", "2021-01-01"))
    orders = [
        (o["id"], o["user"], o["at"], o["cost"], 2.5, o["total"], o["promo"], o["refund"],
         o["country"] and f"a-{o['country']}",
         o["hours"] and o["at"] + timedelta(hours=o["hours"]), o["at"] + timedelta(hours=60))
        for o in ORDERS
    ]  # fmt: skip
    orders.append(("o-late", "late", LATER, 9, 0, 9, None, None, "a-France", None, None))
    world = World(tmp_path_factory.mktemp("ui_kpis"), as_of=f"{LAST} 23:30:00").write(
        raw_user=csv("id,name,email,gaggle_id,created_at", users),
        raw_order=csv(
            "order_id,user_id,created_at,order_cost,shipping_cost,order_total,promo_id,"
            "refund_amount,address_id,delivered_at,estimated_delivery_at",
            orders,
        ),
        raw_order_item=csv(
            "order_id,product_id,quantity",
            [(o["id"], name, n) for o in ORDERS for name, n in o["lines"].items()],
        ),
        raw_product=csv("product_id,name,price", [(n, n.title(), p) for n, p in PRICES.items()]),
        raw_promo=csv("promo_id,discount", list(PROMOS.items())),
        raw_address=csv(
            "address_id,address,zipcode,state,country",
            [(f"a-{name}", "x", 1, "y", name) for name in COUNTRIES if name],
        ),
        raw_event=csv(
            "event_id,user_id,event_name,timestamp,session_id,order_id,product_id",
            [
                (f"e{n}", e["user"], e["name"], e["at"], e["session"], e["order"], e["product"])
                for n, e in enumerate(EVENTS)
            ]
            + [("e-late", "late", "checkout", LATER, "s-late", "o-late", "jam")],
        ),
        merged_user="old_email,new_email\nu1@mail1.com,u0@mail0.com",
    )
    world.build("kpis")
    there = {
        row["name"]
        for row in world.rows(
            "select schema_name || '.' || table_name as name from duckdb_tables()"
        )
    } | {"marts.fct_sessions"}
    tables = [table for table in published_tables() if table.qualified_name in there]
    world.publish(tables)
    return Copies(world.settings).current()


def question(only: Filter | None = None, before: Period | None = BEFORE) -> Question:
    whole = Span(FIRST, LAST, datetime(2021, 4, 11, 23, 30))
    return Question(Chosen(whole, NOW, before, ()), only or Filter())


# --- the same figures from the rows, by other means ----------------------------------------------


def rate(over: float, under: float) -> float | None:
    return over / under if under else None


def placed(period: Period, keep: Callable[[dict], bool] = lambda _: True) -> list[dict]:
    return [o for o in ORDERS if period.first <= o["at"].date() <= period.last and keep(o)]


FIRST_ORDERS: dict[str, str] = {}
for _order_of in sorted(ORDERS, key=lambda o: (o["at"], o["id"])):
    FIRST_ORDERS.setdefault(PERSON[_order_of["user"]], _order_of["id"])


def of_orders(orders: list[dict]) -> dict[str, float | None]:
    sales, refunds = sum(o["sales"] for o in orders), sum(o["refund"] or 0 for o in orders)
    people = {PERSON[o["user"]] for o in orders}
    new = {PERSON[o["user"]] for o in orders if o["id"] in FIRST_ORDERS.values()}
    arrived = [o["hours"] for o in orders if o["hours"]]
    return {
        "revenue": sales,
        "net_revenue": sales - refunds,
        "gross_revenue": sum(o["total"] for o in orders),
        "orders": len(orders),
        "average_order_value": rate(sales, len(orders)),
        "units": sum(sum(o["lines"].values()) for o in orders),
        "refund_amount": refunds,
        "refunds": sum(1 for o in orders if o["refund"]),
        "customers": len(people),
        "new_customers": len(new),
        "returning_rate": rate(len(people - new), len(people)),
        "delivery_hours": rate(sum(arrived), len(arrived)),
        "on_time_rate": rate(sum(1 for hours in arrived if hours <= 60), len(arrived)),
    }


def sessions_of(period: Period) -> list[list[dict]]:
    found = defaultdict(list)
    for event in EVENTS:
        found[event["session"]].append(event)
    return [
        events
        for events in found.values()
        if period.first <= min(e["at"] for e in events).date() <= period.last
    ]


def of_visits(period: Period) -> dict[str, float | None]:
    visits = sessions_of(period)
    events = [e for e in EVENTS if period.first <= e["at"].date() <= period.last]
    accounts = {e["user"] for e in events} | {o["user"] for o in placed(period)}
    ever = defaultdict(int)
    for order in placed(Period(FIRST, period.last)):
        ever[PERSON[order["user"]]] += 1
    return {
        "sessions": len(visits),
        "conversion_rate": rate(
            sum(1 for visit in visits if any(e["name"] == "checkout" for e in visit)), len(visits)
        ),
        "bounce_rate": rate(sum(1 for visit in visits if len(visit) == 1), len(visits)),
        "events": len(events),
        "active_users": len({PERSON[user] for user in accounts}),
        "active_gaggles": len({GAGGLE[user] for user in accounts}),
        "repeat_rate": rate(sum(1 for n in ever.values() if n > 1), len(ever)),
    }


def expected(period: Period) -> dict[str, float | None]:
    return {**of_orders(placed(period)), **of_visits(period)}


def everything(copy: Copy, asked: Question) -> dict[str, kpis.Compared]:
    return {**kpis.totals(copy, asked), **kpis.people(copy, asked)}


# --- tests ---------------------------------------------------------------------------------------


def test_the_copy_tells_its_days_and_its_clock(copy):
    assert span(copy) == Span(FIRST, LAST, datetime(2021, 4, 11, 23, 30))


def test_every_kpi_is_shown_of_everything(copy):
    assert set(everything(copy, question())) == set(BY_KEY) == set(expected(NOW))


@pytest.mark.parametrize("key", sorted(BY_KEY))
def test_a_kpi_of_a_period_and_of_the_one_before_is_that_of_the_rows(copy, key):
    found = everything(copy, question())[key]
    assert float(found.now) == pytest.approx(expected(NOW)[key])
    assert float(found.before) == pytest.approx(expected(BEFORE)[key])


def test_people_of_two_accounts_or_with_two_orders_count_once(copy):
    # else the test above would hold of a sum of days as well
    found = everything(copy, question())
    daily = copy.page(
        "kpis/days", Order("kpi_date"), 100,
        first=NOW.first, last=NOW.last, dimension="all", value="all",
    ).rows  # fmt: skip
    assert sum(row["customers"] for row in daily) > found["customers"].now
    assert sum(row["active_users"] for row in daily) > found["active_users"].now
    assert len({o["user"] for o in placed(NOW)}) > found["customers"].now


@pytest.mark.parametrize("country", ["France", "Côte d'Ivoire", "(none)"])
def test_a_country_alone_has_the_figures_of_its_orders(copy, country):
    found = everything(copy, question(Filter("country", country, country)))
    wanted = None if country == "(none)" else country
    for period, of in ((NOW, "now"), (BEFORE, "before")):
        figures = of_orders(placed(period, lambda order: order["country"] == wanted))
        assert {key: float(getattr(each, of)) for key, each in found.items()} == pytest.approx(
            figures
        )


def test_a_promotion_alone_has_the_figures_of_its_orders(copy):
    found = everything(copy, question(Filter("promo", "p5%", "p5%")))
    figures = of_orders(placed(NOW, lambda order: order["promo"] == "p5%"))
    assert {key: float(each.now) for key, each in found.items()} == pytest.approx(figures)


def test_a_product_alone_has_what_is_known_of_it(copy):
    found = everything(copy, question(Filter("product", "jam", "Jam")))
    orders = placed(NOW, lambda order: "jam" in order["lines"])
    looked = [v for v in sessions_of(NOW) if any(e["product"] == "jam" for e in v)]
    pieces = sum(order["lines"]["jam"] for order in orders)
    assert set(found) == {
        "revenue", "orders", "units", "new_customers", "sessions", "conversion_rate", "events",
    }  # fmt: skip
    assert float(found["revenue"].now) == pytest.approx(pieces * PRICES["jam"])
    assert found["units"].now == pieces
    assert found["orders"].now == len(orders)
    assert found["sessions"].now == len(looked)


def test_without_a_period_before_nothing_is_compared(copy):
    found = everything(copy, question(before=None))
    assert {each.before for each in found.values()} == {None}
    assert {each.is_good for each in found.values()} == {None}
    assert float(found["customers"].now) == expected(NOW)["customers"]


def test_of_days_without_data_nothing_is_known(copy):
    whole, long_ago = Span(FIRST, LAST, datetime(2021, 4, 11, 23, 30)), date(2020, 1, 1)
    asked_for = Question(Chosen(whole, Period(long_ago, long_ago + timedelta(9)), None, ()))
    assert {each.now for each in everything(copy, asked_for).values()} == {None}


def test_less_of_what_is_bad_is_good(copy):
    refunds, revenue = BY_KEY["refund_amount"], BY_KEY["revenue"]
    assert kpis.Compared(refunds, 5, 8).is_good is True
    assert kpis.Compared(refunds, 8, 5).is_good is False
    assert kpis.Compared(revenue, 8, 5).is_good is True
    assert kpis.Compared(revenue, 5, 5).is_good is None
    assert kpis.Compared(revenue, None, 5).is_good is None


@pytest.mark.parametrize("key", sorted(BY_KEY))
def test_weeks_begin_on_monday_and_the_days_before_fall_into_the_same_places(copy, key):
    found = kpis.trend(copy, question(), BY_KEY[key], "week")
    # 2021-03-22 is a Monday, and both periods are of three weeks
    weeks = [
        Period(NOW.first + timedelta(7 * n), NOW.first + timedelta(7 * n + 6)) for n in (0, 1, 2)
    ]
    assert [(each.first, each.last) for each in found] == [(w.first, w.last) for w in weeks]
    for each, week in zip(found, weeks, strict=True):
        earlier = Period(week.first - timedelta(21), week.last - timedelta(21))
        assert float(each.now) == pytest.approx(expected(week)[key])
        assert float(each.before) == pytest.approx(expected(earlier)[key])


@pytest.mark.parametrize("key", ["orders", "customers", "active_users", "active_gaggles"])
def test_months_are_cut_at_the_ends_of_the_period(copy, key):
    found = kpis.trend(copy, question(), BY_KEY[key], "month")
    months = [Period(NOW.first, date(2021, 3, 31)), Period(date(2021, 4, 1), NOW.last)]
    assert [(each.first, each.last) for each in found] == [(m.first, m.last) for m in months]
    for each, month in zip(found, months, strict=True):
        earlier = Period(month.first - timedelta(NOW.days), month.last - timedelta(NOW.days))
        assert (each.now, each.before) == (expected(month)[key], expected(earlier)[key])


def test_facts_later_than_the_clock_are_of_days_that_have_not_come(copy):
    # the order and the visit of LATER are in the copy, two days after the last day
    with copy.working() as cursor:
        assert cursor.execute("select max(created_at) from marts.fct_orders").fetchall() == [
            (LATER,)
        ]
    whole = Span(FIRST, LAST, datetime(2021, 4, 11, 23, 30))
    beyond = Period(NOW.first, LAST + timedelta(30))
    asked_for = Question(Chosen(whole, beyond, None, ()))
    found = everything(copy, asked_for)
    assert {key: float(each.now) for key, each in found.items()} == pytest.approx(expected(NOW))
    assert kpis.funnel(copy, asked_for)[0].now == len(sessions_of(NOW))
    rows = kpis.largest(copy, asked_for, BY_KEY["customers"], "country")
    assert sum(row["value"] for row in rows) == sum(
        row["value"] for row in kpis.largest(copy, question(), BY_KEY["customers"], "country")
    )


def test_people_by_day_are_those_of_the_days(copy):
    daily = copy.page(
        "kpis/days", Order("kpi_date"), 100,
        first=NOW.first, last=NOW.last, dimension="all", value="all",
    ).rows  # fmt: skip
    for key in ("customers", "active_users", "active_gaggles", "returning_rate"):
        found = kpis.trend(copy, question(), BY_KEY[key], "day")
        assert [each.now for each in found] == pytest.approx([row[key] for row in daily])


def test_a_day_on_which_a_country_had_nothing_is_zero_in_its_trend(copy):
    only = Filter("country", "Côte d'Ivoire", "Côte d'Ivoire")
    found = kpis.trend(copy, question(only), BY_KEY["revenue"], "day")
    assert len(found) == NOW.days
    empty = [
        each
        for each in found
        if not placed(Period(each.first, each.last), lambda o: o["country"] == only.value)
    ]
    assert empty, "the dice left no day empty: the test shows nothing"
    assert {each.now for each in empty} == {0}


@pytest.mark.parametrize(
    ("key", "dimension"), [(kpi.key, split) for kpi in KPIS for split in kpi.splits]
)
def test_a_part_of_a_split_is_what_is_shown_of_it_alone(copy, key, dimension):
    kpi, asked = BY_KEY[key], question()
    rows = kpis.largest(copy, asked, kpi, dimension)
    assert rows
    for row in rows:
        alone = question(Filter(dimension, row["dimension_value"], ""))
        found = everything(copy, alone)[key]
        for value, wanted in ((row["value"], found.now), (row["before_value"], found.before)):
            # a split cannot tell a value without a row from one with nothing
            assert (value or 0) == pytest.approx(float(wanted or 0))


def test_shares_add_up_where_parts_do(copy):
    for kpi in KPIS:
        for dimension in kpi.splits:
            rows = kpis.largest(copy, question(), kpi, dimension)
            shares = [row["share"] for row in rows]
            if dimension in kpi.adds_up:
                assert sum(shares) == pytest.approx(1)
                whole = everything(copy, question())[kpi.key].now
                if (kpi.key, dimension) != ("revenue", "product"):
                    assert sum(row["value"] for row in rows) == pytest.approx(float(whole))
            else:
                assert set(shares) == {None}


def test_what_is_not_compared_has_no_value_before_in_a_split(copy):
    for key in ("revenue", "customers", "on_time_rate"):
        rows = kpis.largest(copy, question(before=None), BY_KEY[key], "country")
        assert {row["before_value"] for row in rows} == {None}
        assert {row["change"] for row in rows} == {None}


def test_the_funnel_counts_sessions_that_got_at_least_so_far(copy):
    steps = kpis.funnel(copy, question())
    ordered = {e["session"] for e in EVENTS if e["order"]}
    checked, carried, looked, all_of_them = 0, 0, 0, sessions_of(NOW)
    for visit in all_of_them:
        names = {e["name"] for e in visit}
        checked += "checkout" in names
        carried += bool(names & {"checkout", "add_to_cart"})
        looked += bool(names & {"checkout", "add_to_cart"}) or any(e["product"] for e in visit)
    with_order = sum(1 for visit in all_of_them if visit[0]["session"] in ordered)
    counts = [len(all_of_them), looked, carried, checked, with_order]
    assert [step.now for step in steps] == counts
    assert sorted(set(counts), reverse=True) == counts
    assert [step.of_last for step in steps[1:]] == pytest.approx(
        [count / last for last, count in pairwise(counts)]
    )
    assert steps[4].of_all == pytest.approx(with_order / len(all_of_them))
    assert steps[0].before == len(sessions_of(BEFORE))


def test_the_funnel_ends_in_the_conversion_that_is_shown_above_it(copy):
    steps = kpis.funnel(copy, question())
    assert steps[3].of_all == pytest.approx(kpis.totals(copy, question())["conversion_rate"].now)


def test_countries_have_no_funnel(copy):
    assert kpis.funnel(copy, question(Filter("country", "France", "France"))) == []


def test_a_value_is_told_by_its_name_and_one_that_is_not_there_by_nothing(copy):
    assert kpis.filter_label(copy, "product", "jam") == "Jam"
    assert kpis.filter_label(copy, "country", "Côte d'Ivoire") == "Côte d'Ivoire"
    assert kpis.filter_label(copy, "country", "' or 1=1 --") is None


def test_a_url_names_a_kpi_that_is_known_of_what_is_shown():
    everything_, country = Filter(), Filter("country", "France", "France")
    assert kpis.kpi_of({"kpi": "sessions"}, everything_).key == "sessions"
    assert kpis.kpi_of({"kpi": "sessions"}, country).key == "revenue"
    assert kpis.kpi_of({"kpi": "<script>"}, everything_).key == "revenue"


def test_many_days_are_shown_by_week_unless_days_are_asked_for():
    assert kpis.grain_of({}, 100) == "day"
    assert kpis.grain_of({}, 101) == "week"
    assert kpis.grain_of({"grain": "day"}, 1000) == "day"
    assert kpis.grain_of({"grain": "hour"}, 30) == "day"


def test_counting_customers_is_done_once_for_each_copy_and_range(copy, monkeypatch):
    asked_for: list[str] = []
    rows = Copy.rows

    def counted(self: Copy, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        asked_for.append(name)
        return rows(self, name, **parameters)

    monkeypatch.setattr(Copy, "rows", counted)
    monkeypatch.setattr(kpis, "_answers", weakref.WeakKeyDictionary())
    first = kpis.people(copy, question())
    assert asked_for.count("kpis/customers") == 1
    assert kpis.people(copy, question()) == first
    assert asked_for.count("kpis/customers") == 1
    assert kpis.people(copy, question(before=None)) != first
    assert asked_for.count("kpis/customers") == 2


def test_only_the_last_answers_are_kept(copy, monkeypatch):
    monkeypatch.setattr(kpis, "_answers", weakref.WeakKeyDictionary())
    monkeypatch.setattr(kpis, "REMEMBERED", 3)
    for key in ("France", "(none)", "Côte d'Ivoire"):
        kpis.people(copy, question(Filter("country", key, key)))
    kpis.people(copy, question())
    assert len(kpis._answers[copy]) == 3
