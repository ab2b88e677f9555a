"""KPIs against the files themselves: counted again in plain Python, one figure at a time."""

import csv
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from c360_assets.customer_rules import SessionRules
from c360_assets.settings import Rules
from c360_assets_tests.pipeline import World, columns

pytestmark = pytest.mark.xdist_group("kpis")

USERS = "id,name,email,created_at\n" + "\n".join(
    f"u{n},N{n},u{n}@company{n}.com,2021-01-0{n + 1}" for n in range(4)
)
EVENT = "event_id,user_id,event_name,timestamp,session_id,page_url,order_id,product_id"


def kpis(world: World, dimension: str = "all") -> dict:
    rows = world.rows("select * from marts.kpi_daily where dimension = ?", dimension)
    keys = [(row["kpi_date"], row["dimension_value"]) for row in rows]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, rows, strict=True))


def on(world: World, day: str) -> dict:
    """The row of the whole day."""
    return kpis(world)[date.fromisoformat(day), "all"]


# --- greenery, from its files --------------------------------------------------------------------


@pytest.fixture(scope="module")
def greenery(tmp_path_factory, shared_data, repo_root) -> World:
    folder = tmp_path_factory.mktemp("greenery_kpis")
    shutil.copytree(shared_data / "greenery", folder / "source")
    shutil.copy(repo_root / "c360_assets_tests/data/greenery/sources.toml", folder / "source")
    return World(folder).build("kpis")


@pytest.fixture(scope="module")
def files(shared_data) -> dict[str, list[dict[str, str]]]:
    found = {}
    for path in sorted((shared_data / "greenery").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found[path.stem] = list(csv.DictReader(stream))
    return found


def when(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None


def sessions_of(files) -> dict[str, list[dict]]:
    found = defaultdict(list)
    for event in files["events"]:
        found[event["session_id"]].append(event)
    return found


def test_the_published_figures_of_greenery_come_out(greenery):
    found = greenery.rows(
        "select sum(orders) as orders, sum(events) as events, sum(sessions) as sessions,"
        " sum(converted_sessions) as converted from marts.kpi_daily where dimension = 'all'"
    )[0]
    assert columns(found, "orders", "events", "sessions", "converted") == (361, 3553, 578, 361)
    assert round(361 / 578, 4) == 0.6246
    last = on(greenery, "2021-02-12")
    assert round(last["repeat_rate"], 3) == 0.798  # 99 of 124 customers ordered again


def test_the_funnel_of_greenery_is_that_of_its_files(greenery, files):
    kinds = [{event["event_type"] for event in each} for each in sessions_of(files).values()]
    (found,) = greenery.rows(
        "select cast(sum(sessions) as int) as sessions,"
        " cast(sum(cart_step_sessions) as int) as with_cart,"
        " cast(sum(converted_sessions) as int) as with_checkout,"
        " cast(sum(order_step_sessions) as int) as with_order from marts.kpi_total_days"
    )
    assert list(found.values()) == [
        len(kinds),
        sum(1 for each in kinds if each & {"add_to_cart", "checkout"}),
        361,
        361,
    ]
    assert 361 < found["with_cart"] < len(kinds)


def test_carts_are_not_known_where_no_event_tells_of_one(tmp_path):
    world = write_events(World(tmp_path), [(0, 1, 1, 0)], names=("look", "look")).build("kpis")
    steps = world.rows("select cart_step_sessions from marts.kpi_total_days")
    assert {row["cart_step_sessions"] for row in steps} == {None}
    rules = Rules(sessions=SessionRules(cart_events=("look",)))
    again = World(tmp_path, rules=rules).build("kpis")
    assert on(again, "2021-03-01")["sessions"] == 1
    steps = again.rows("select cart_step_sessions from marts.kpi_total_days")
    assert steps[0]["cart_step_sessions"] == 1


def test_orders_and_deliveries_of_greenery_are_those_of_the_files(greenery, files):
    discount = {promo["promo_id"]: Decimal(promo["discount"]) for promo in files["promos"]}
    expected = defaultdict(lambda: defaultdict(Decimal))
    for order in files["orders"]:
        at, came, due = map(
            when, columns(order, "created_at", "delivered_at", "estimated_delivery_at")
        )
        sums = expected[at.date(), "all"]
        sums["orders"] += 1
        sums["revenue"] += (
            Decimal(order["order_cost"])
            - Decimal(order["shipping_cost"])
            - discount.get(order["promo_id"], 0)
        )
        sums["gross_revenue"] += Decimal(order["order_total"])
        sums["delivered_orders"] += came is not None
        sums["on_time_orders"] += came is not None and due is not None and came <= due
        sums["expected_deliveries"] += came is not None and due is not None
        if came:
            sums["delivery_hours_sum"] += Decimal((came - at) / timedelta(hours=1))
    found = kpis(greenery)
    assert len(expected) == 2
    for key, sums in expected.items():
        assert {name: found[key][name] for name in sums} == dict(sums)
        row = found[key]
        assert row["average_order_value"] == pytest.approx(float(sums["revenue"] / sums["orders"]))
        on_time = float(sums["on_time_orders"] / sums["expected_deliveries"])
        assert row["on_time_rate"] == pytest.approx(on_time)


def test_customers_of_greenery_are_new_on_the_day_of_their_first_order(greenery, files):
    mine = defaultdict(list)
    for order in files["orders"]:
        mine[order["user_id"]].append(when(order["created_at"]).date())
    for (day, _), row in kpis(greenery).items():
        customers = {user for user, days in mine.items() if day in days}
        assert row["customers"] == len(customers)
        assert row["new_customers"] == sum(min(days) == day for days in mine.values())
        so_far = [[d for d in days if d <= day] for days in mine.values()]
        assert row["customers_to_date"] == sum(len(days) >= 1 for days in so_far)
        assert row["repeat_customers_to_date"] == sum(len(days) >= 2 for days in so_far)


def test_sessions_of_greenery_are_those_of_the_files(greenery, files):
    found = greenery.by("marts.fct_sessions", "session_id")
    grouped = sessions_of(files)
    assert set(found) == set(grouped)
    for session, its in grouped.items():
        times = sorted(when(event["created_at"]) for event in its)
        row = found[session]
        assert (row["session_started_at"], row["session_ended_at"]) == (times[0], times[-1])
        assert row["session_duration"] == pytest.approx((times[-1] - times[0]).total_seconds() / 60)
        assert row["event_count"] == len(its)
        assert row["is_bounced"] == (len(its) == 1)
        assert row["has_conversion"] == any(e["event_type"] == "checkout" for e in its)
        assert row["products_per_session"] == len({e["product_id"] for e in its} - {""})
        assert row["pages_per_session"] == sum(bool(e["page_url"]) for e in its)
        assert {row["user_id"]} == {e["user_id"] for e in its}


def test_products_of_greenery_convert_as_in_its_course(greenery, files):
    """Sessions with a purchase of the product, of the sessions that looked at it."""
    bought_in = {e["order_id"]: s for s, its in sessions_of(files).items() for e in its}
    names = {product["product_id"]: product["name"] for product in files["products"]}
    looked, bought = defaultdict(set), defaultdict(set)
    for event in files["events"]:
        if event["product_id"]:
            looked[names[event["product_id"]]].add(event["session_id"])
    for item in files["order_items"]:
        bought[names[item["product_id"]]].add(bought_in[item["order_id"]])
    found = {
        row["dimension_label"]: (row["sessions"], row["converted"])
        for row in greenery.rows(
            "select dimension_label, sum(sessions) as sessions,"
            " sum(converted_sessions) as converted from marts.kpi_daily"
            " where dimension = 'product' group by all"
        )
    }
    assert found == {name: (len(looked[name]), len(bought[name])) for name in names.values()}
    assert found["String of pearls"] == (64, 39)


def test_events_by_name_and_countries_of_greenery_add_up(greenery, files):
    counted = defaultdict(int)
    for event in files["events"]:
        counted[when(event["created_at"]).date(), event["event_type"]] += 1
    found = {key: row["events"] for key, row in kpis(greenery, "event_name").items()}
    assert found == counted
    country = {a["address_id"]: a["country"] for a in files["addresses"]}
    by_country = defaultdict(int)
    for order in files["orders"]:
        by_country[when(order["created_at"]).date(), country[order["address_id"]]] += 1
    assert {k: row["orders"] for k, row in kpis(greenery, "country").items()} == by_country


def test_people_of_greenery_have_their_phone_address_and_favourite(greenery, files):
    found = greenery.by("marts.dim_users", "user_id")
    pieces = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    buyer = {order["order_id"]: order["user_id"] for order in files["orders"]}
    for item in files["order_items"]:
        bought = pieces[buyer[item["order_id"]]][item["product_id"]]
        bought[0] += int(item["quantity"])
        bought[1] += 1
    assert len(found) == 130
    for user in files["users"]:
        row = found[user["user_id"]]
        assert (row["phone_number"], row["address_id"]) == (
            user["phone_number"],
            user["address_id"],
        )
        mine = pieces[user["user_id"]]
        best = sorted(mine, key=lambda p: (-mine[p][0], -mine[p][1], p))
        assert row["most_ordered_product_id"] == (best[0] if best else None)


# --- small worlds --------------------------------------------------------------------------------


def shop(folder, **options) -> World:
    return World(folder, **options).write(
        raw_user="""
            id,name,email,created_at,phone,address_id
            u1,Ann,ann@company.com,2021-01-01,111,a1
            u2,Ann B,ann@other.com,2021-01-05,222,
            u3,Cat,cat@third.com,2021-01-02,,a2
        """,
        raw_order="""
            order_id,user_id,created_at,order_cost,shipping_cost,promo_id,refund_amount,address_id,delivered_at,estimated_delivery_at
            o1,u1,2021-03-01 10:00:00,100,10,half,,a1,2021-03-02 10:00:00,2021-03-02 10:00:00
            o2,u2,2021-03-01 11:00:00,50,,,20,a2,2021-03-04 11:00:00,2021-03-02 11:00:00
            o3,u2,2021-03-03 09:00:00,30,,,0,,,2021-03-05
            o4,u3,2021-03-03 09:00:00,70,,half,70,a2,2021-03-03 21:00:00,
        """,
        raw_order_item="order_id,product_id,quantity\no1,p1,1\no1,p2,2\no2,p2,1\no3,p1,2",
        raw_product="product_id,name,price\np1,Pot,10\np2,Pan,20",
        raw_promo="promo_id,discount\nhalf,5",
        raw_address="address_id,address,zipcode,state,country\na1,S 1,1,Ohio,USA\na2,S 2,2,,Spain",
    )


def test_a_day_has_orders_money_refunds_and_deliveries(tmp_path):
    world = shop(tmp_path).build("kpis")
    first, between, last = (on(world, f"2021-03-0{n}") for n in (1, 2, 3))
    assert columns(first, "orders", "customers", "new_customers") == (2, 2, 2)
    assert columns(first, "revenue", "refund_amount", "net_revenue") == (
        Decimal(135),
        Decimal(20),
        Decimal(115),
    )
    assert columns(first, "refunds", "average_order_value") == (1, 67.5)
    # 24 and 72 hours; the very time that was promised is on time
    assert columns(first, "delivery_hours", "on_time_rate") == (48, 0.5)
    assert columns(last, "refunds", "delivered_orders", "expected_deliveries") == (1, 1, 0)
    assert columns(last, "delivery_hours", "on_time_rate") == (12, None)
    assert columns(between, "orders", "revenue", "sessions") == (0, Decimal(0), 0)
    assert columns(between, "average_order_value", "conversion_rate") == (None, None)


def test_orders_with_amounts_and_no_refund_were_refunded_nothing(tmp_path):
    world = shop(tmp_path).write(
        raw_order="""
            order_id,user_id,created_at,order_cost,refund_amount
            o1,u1,2021-03-01 10:00:00,100,
            o2,u1,2021-03-02 10:00:00,,
            o3,u1,2021-03-03 10:00:00,30,
            o4,u1,2021-03-03 11:00:00,30,10
        """
    )
    world.build("kpis")
    days = [on(world, f"2021-03-0{n}") for n in (1, 2, 3)]
    # of an order without any amount nobody knows
    assert [day["refund_amount"] for day in days] == [0, None, 10]
    assert [day["net_revenue"] for day in days] == [100, None, 50]


def test_orders_are_split_by_country_promotion_and_product(tmp_path):
    world = shop(tmp_path).build("kpis")
    day = date(2021, 3, 1)
    countries = kpis(world, "country")
    assert {key: row["orders"] for key, row in countries.items()} == {
        (day, "USA"): 1,
        (day, "Spain"): 1,
        (date(2021, 3, 3), "(none)"): 1,
        (date(2021, 3, 3), "Spain"): 1,
    }
    promos = kpis(world, "promo")
    assert promos[day, "half"]["revenue"] == Decimal(85)
    assert promos[day, "(none)"]["revenue"] == Decimal(50)
    pan = kpis(world, "product")[day, "p2"]
    assert columns(pan, "dimension_label", "orders", "units", "revenue") == (
        *("Pan", 2, 3),
        Decimal(60),
    )
    # what does not apply is null, not 0
    for row in (*countries.values(), *promos.values()):
        assert columns(row, "sessions", "events", "active_users") == (None, None, None)
    assert columns(pan, "refunds", "delivery_hours", "bounced_sessions") == (None, None, None)


def test_merged_people_are_one_customer_who_is_new_once(tmp_path):
    world = shop(tmp_path).write(merged_user="old_email,new_email\nann@company.com,ann@other.com")
    world.build("kpis")
    assert columns(on(world, "2021-03-01"), "customers", "new_customers", "orders") == (1, 1, 2)
    assert columns(on(world, "2021-03-03"), "new_customers", "repeat_rate") == (1, 0.5)
    orders = world.by("marts.fct_orders", "order_id")
    assert [orders[f"o{n}"]["order_number"] for n in (1, 2, 3, 4)] == [1, 2, 3, 1]
    assert {(orders[o]["user_id"], orders[o]["account_user_id"]) for o in ("o1", "o2")} == {
        ("u2", "u1"),
        ("u2", "u2"),
    }
    people = world.by("marts.dim_users", "user_id")
    # the newest account has a phone, and only the older one an address
    assert columns(people["u2"], "phone_number", "address_id", "country") == ("222", "a1", "USA")
    # three pieces of each, in two orders each: the smaller id
    assert columns(people["u2"], "total_orders", "most_ordered_product") == (3, "Pot")
    assert people["u2"]["average_order_size"] == pytest.approx(165 / 3)
    assert people["u3"]["phone_number"] is None


def test_a_later_run_gives_what_one_from_nothing_gives(tmp_path):
    def later(world: World) -> World:
        source = world.folder / "source"
        orders = (source / "raw_order.csv").read_text()
        items = (source / "raw_order_item.csv").read_text()
        (source / "raw_order.csv").write_text(
            orders.replace("o3,u2,2021-03-03", "o3,u2,2021-03-02")
            + "o5,u3,2021-02-27 09:00:00,5,,,,a1,,\n"
        )
        (source / "raw_order_item.csv").write_text(items.replace("o2,p2,1", "o2,p1,9\no5,p2,1"))
        return world.write(merged_user="old_email,new_email\nann@company.com,ann@other.com")

    kept = later(shop(tmp_path / "kept").build("kpis")).build("kpis")
    afresh = later(shop(tmp_path / "afresh")).build("kpis")
    tables = ("staging.order_lines", "marts.fct_orders", "marts.dim_users", "marts.kpi_daily")
    for table in tables:
        select = f"select * from {table} order by all"
        assert kept.rows(select) == afresh.rows(select), table
    assert on(kept, "2021-02-27")["new_customers"] == 1


def test_a_clock_in_the_past_ends_the_days_and_one_in_the_future_adds_empty_ones(tmp_path):
    past = shop(tmp_path / "past", as_of="2021-03-02T12:00:00").build("kpis")
    assert [day for day, _ in sorted(kpis(past))] == [date(2021, 3, 1), date(2021, 3, 2)]
    assert {day for day, _ in kpis(past, "promo")} == {date(2021, 3, 1)}
    future = shop(tmp_path / "future", as_of="2021-03-05T00:00:00").build("kpis")
    assert len(kpis(future)) == 5
    assert columns(on(future, "2021-03-05"), "orders", "customers_to_date") == (0, 3)


def test_an_empty_source_has_no_days_no_sessions_and_no_queue(tmp_path):
    world = World(tmp_path).write(raw_user=USERS).build("kpis")
    for table in ("kpi_daily", "fct_orders", "fct_sessions", "support_queue"):
        assert world.rows(f"select * from marts.{table}") == []
    assert len(world.rows("select * from marts.dim_users")) == 4


def test_events_that_are_orders_count_as_orders_without_money_and_as_checkouts(tmp_path):
    world = World(tmp_path).write(
        raw_user=USERS,
        raw_event=f"""
            {EVENT}
            e1,u0,order_placed,2021-03-01 10:00:00,s1,,,
            e2,u0,look,2021-03-01 10:01:00,s1,,,
            e3,u1,look,2021-03-01 10:01:00,,,,
        """,
    )
    row = on(world.build("kpis"), "2021-03-01")
    assert columns(row, "orders", "priced_orders", "revenue", "average_order_value") == (
        *(1, 0),
        *(None, None),
    )
    assert columns(row, "sessions", "conversion_rate", "events", "active_users") == (1, 1, 3, 2)


def test_without_session_ids_there_are_no_sessions_and_no_rates(tmp_path):
    world = World(tmp_path).write(
        raw_user=USERS,
        raw_event="event_id,user_id,event_name,timestamp\n1,u0,look,2021-03-01 10:00:00",
    )
    row = on(world.build("kpis"), "2021-03-01")
    assert columns(row, "sessions", "bounce_rate", "conversion_rate", "events") == (
        0,
        None,
        None,
        1,
    )


# --- the rollup of sessions ----------------------------------------------------------------------

Event = tuple[int, int, int, int]  # user, session, hour since the first day, product


def write_events(world: World, events: list[Event], names=("look", "checkout")) -> World:
    """One file a day, as days arrive; an event's id follows from what it is."""
    folder = world.folder / "source" / "raw_event"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    by_day = defaultdict(list)
    for user, session, hour, product in sorted(set(events)):
        at = datetime(2021, 3, 1) + timedelta(hours=hour)
        name = names[(session + hour) % 3 == 0]
        by_day[at.date()].append(
            f"e{user}-{session}-{hour}-{product},u{user},{name},{at},s{session},/p{product},"
            f"{'o1' if name == 'checkout' else ''},p{product}"
        )
    for day, lines in by_day.items():
        (folder / f"{day}.csv").write_text("\n".join([EVENT, *lines]) + "\n")
    return world.write(raw_user=USERS)


def test_a_session_goes_on_past_midnight_and_counts_on_the_day_it_started(tmp_path):
    events = [(0, 1, 23, 0), (0, 1, 25, 1), (1, 2, 26, 0)]
    world = write_events(World(tmp_path), events).build("kpis")
    found = world.by("marts.fct_sessions", "session_id")
    assert columns(found["s1"], "event_count", "session_duration") == (2, 120)
    assert [on(world, f"2021-03-0{n}")["sessions"] for n in (1, 2)] == [1, 1]


def test_a_session_of_two_people_counts_once_for_the_smaller_id(tmp_path):
    world = write_events(World(tmp_path), [(1, 1, 5, 0), (0, 1, 6, 0)]).build("kpis")
    row = world.by("staging.sessions", "session_id")["s1"]
    assert columns(row, "user_id", "other_user_id", "event_count") == ("u0", "u1", 2)


def test_other_checkouts_make_every_day_be_rolled_up_again(tmp_path):
    events = [(0, 1, 1, 0), (0, 2, 30, 0)]
    world = write_events(World(tmp_path), events, names=("look", "look")).build("kpis")
    assert [on(world, f"2021-03-0{n}")["converted_sessions"] for n in (1, 2)] == [0, 0]
    rules = Rules(sessions=SessionRules(conversion_events=("look",)))
    again = World(tmp_path, rules=rules).build("kpis")
    assert [on(again, f"2021-03-0{n}")["converted_sessions"] for n in (1, 2)] == [1, 1]
