"""Customer profiles through the pipeline: every value of every day against plain Python, the views
of Optimove's guide, and the doors of Dagster and of `c360`."""

import json
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from benchmarks.bare import BarePipeline
from c360_assets.assets.own_attributes import own_expressions_result, told_of_own
from c360_assets.assets.profiles import registry_of
from c360_assets.attribute_rules import AttributeRule
from c360_assets.cli import app
from c360_assets.customer_rules import LifetimeValueRules
from c360_assets.errors import ConfigError
from c360_assets.settings import Rules
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.publish import current_database
from c360_assets_tests.customers.profile_small import WINDOWS, Account, Order, Shop
from c360_assets_tests.pipeline import World, failed_checks, failures, instance_at, run_job

pytestmark = pytest.mark.xdist_group("customer_profiles")

FIRST = date(2021, 1, 1)
LENGTH = 430
VIEWS = (
    *("marts.customer_profiles", "marts.customer_profiles_as_known", "CUSTOMER_PROFILES"),
    *("VW_CUSTOMER_PROFILE_FIELDS_V1_2", "VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES"),
)
OWN = (
    AttributeRule(
        name="BIG_ORDERS",
        description="Orders of 40 and more",
        type="BIGINT",
        source="orders",
        aggregate="count",
        where="order_cost >= 40",
        windows=("1M",),
    ),
    AttributeRule(
        name="NAME_IN_CAPITALS",
        description="The name",
        type="VARCHAR",
        source="contacts",
        value="upper(user_name)",
    ),
    AttributeRule(
        name="BIG_ORDER_SHARE",
        description="Share of orders of 40 and more",
        type="DOUBLE",
        expression="BIG_ORDERS / nullif(ECOM_NUMBER_OF_ORDERS, 0)",
    ),
)


def a_long_year() -> Shop:
    """Six people with seven accounts over more than a year; two accounts are one person's."""
    dice = random.Random(4)
    shop = Shop(datetime(2022, 3, 6, 23, 30))
    for place, account in enumerate("abcdefg"):
        created = datetime(2020, 12, 20, 9) + timedelta(days=20 * place)
        shop.accounts[account] = Account(f"Name {account}", created)
    shop.merged["b"] = "a"
    for number in range(70):
        account = dice.choice("aabbcdeee")
        at = datetime(2021, 1, 1, dice.choice([0, 9, 23])) + timedelta(days=dice.randrange(400))
        cost = dice.choice([None, Decimal(dice.randrange(100, 9000)).scaleb(-2)])
        refund = dice.choice([None, None, Decimal("1.25")]) if cost else None
        shop.orders[f"o{number}"] = Order(account, at, cost, refund)
    # whole pauses: away for long, back, and a regular at the end
    for number, n in enumerate([5, 60, 200, 210, 380, 400, 405, 410, 415, 420, 425]):
        shop.orders[f"f{number}"] = Order("f", datetime(2021, 1, 1, 12) + timedelta(days=n))
    # on one day from both accounts of one person, at its very first and last moment
    shop.orders["first"] = Order("a", datetime(2021, 2, 3))
    shop.orders["last"] = Order("b", datetime(2021, 2, 3, 23, 59, 59))
    for number in range(60):
        on = FIRST + timedelta(days=dice.randrange(LENGTH))
        shop.campaigns.add((dice.choice("abcdefg"), on, f"p{number % 4}", dice.random() < 0.7))
    return shop


def source_of(shop: Shop) -> dict[str, str]:
    """The shop as raw tables."""

    def lines(header: str, rows: list[tuple[Any, ...]]) -> str:
        return "\n".join(
            [header, *(",".join("" if v is None else str(v) for v in r) for r in rows)]
        )

    plans = sorted({plan for _, _, plan, _ in shop.campaigns})
    return {
        "raw_user": lines(
            "id,name,email,created_at",
            [(a, v.name, f"{a}@shop.com", v.created_at) for a, v in shop.accounts.items()],
        ),
        "raw_order": lines(
            "order_id,user_id,created_at,order_cost,refund_amount",
            [(k, o.account, o.at, o.cost, o.refund) for k, o in shop.orders.items()],
        ),
        "merged_user": lines(
            "old_email,new_email",
            [(f"{old}@shop.com", f"{new}@shop.com") for old, new in shop.merged.items()],
        ),
        "raw_campaign": lines(
            "plan_id,plan_detail_id,campaign_action_id,campaign_action_name,target_group_id,"
            "target_group_name,channel_id,channel_name,template_name,promotion_id,tag_names,"
            "campaign_type,execution_start_date",
            [(p, f"{p}d", 2, "Mail", 3, "All", 4, "Email", "t", "", "", "x", FIRST) for p in plans],
        ),
        "raw_campaign_target": lines(
            "execution_date,user_id,plan_id,plan_detail_id,exclusion_reason_id,exclusion_reason,"
            "last_updated_time",
            [
                (on, a, p, f"{p}d" if sent else None, *((None, None) if sent else (1, "x")), on)
                for a, on, p, sent in sorted(shop.campaigns)
            ],
        ),
    }


@pytest.fixture(scope="module")
def shop() -> Shop:
    return a_long_year()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> World:
    rules = Rules(attributes=OWN, lifetime_value=LifetimeValueRules(min_repeat_customers=2))
    world = World(tmp_path_factory.mktemp("profiles"), as_of=shop.clock.isoformat(), rules=rules)
    world.write(**source_of(shop))
    pipeline = BarePipeline(world.settings)
    pipeline.run([FIRST + timedelta(days=n) for n in range(LENGTH)])
    pipeline.publish()
    return world


# --- values --------------------------------------------------------------------------------------


def with_scores(shop: Shop, world: World) -> Shop:
    """The shop with the segments that the hourly view gives at each midnight, and scored values."""
    for row in world.rows(
        "select date_hour, user_id, rfm_segment from marts.rfm_segments_hourly"
        " where hour(date_hour) = 0 or date_hour = timestamp '2022-03-06 23:00:00'"
    ):
        shop.segments[row["user_id"], row["date_hour"]] = row["rfm_segment"]
    for row in world.rows("select user_id, scored_on, clv_90d from marts.lifetime_value_history"):
        shop.values[row["user_id"], row["scored_on"]] = row["clv_90d"]
    return shop


def test_every_value_of_every_day_is_that_of_plain_python(world, shop):
    days = [FIRST + timedelta(days=n) for n in range(LENGTH)]
    expected = with_scores(shop, world).profiles(days)
    found = world.by("marts.customer_profiles", "profile_date", "client_customer_id")
    assert set(found) == set(expected)
    wrong = [
        (key, name, found[key][name], value)
        for key, values in expected.items()
        for name, value in values.items()
        if found[key][name] != (pytest.approx(value) if isinstance(value, float) else value)
    ]
    assert not wrong, wrong[:5]
    assert {row["LIFECYCLE_STAGE"] for row in found.values()} == {
        *("Prospect", "New", "Active", "VIP", "Churn", "Back from Churn"),
    }
    assert len({row["RFM_SEGMENT"] for row in found.values()}) > 4


def test_the_figures_of_lifetime_value_are_those_of_the_last_scoring(world):
    wrong = world.rows(
        """
        select p.profile_date, p.client_customer_id
        from marts.customer_profiles as p
        left join marts.lifetime_value_history as h on h.user_id = p.client_customer_id
            and h.scored_on = (
                select max(scored_on) from marts.lifetime_value_history
                where user_id = p.client_customer_id and scored_on <= p.profile_date
            )
        where p.PROBABILITY_ALIVE is distinct from h.probability_alive
            or p.EXPECTED_ORDERS_365D is distinct from h.expected_orders_365d
            or p.CUSTOMER_LIFETIME_VALUE_365D is distinct from h.clv_365d
            or p.LIFETIME_VALUE_SCORED_ON is distinct from h.scored_on
        """
    )
    assert not wrong


def test_sums_are_unknown_without_amounts_and_nothing_without_orders(world):
    rows = world.rows(
        "select ECOM_NUMBER_OF_ORDERS_7D as orders, ECOM_TOTAL_GROSS_SALES_AMOUNT_7D as gross,"
        " ECOM_AVERAGE_ORDER_VALUE_7D as average from marts.customer_profiles"
    )
    assert {(r["gross"], r["average"]) for r in rows if r["orders"] == 0} == {(Decimal(0), None)}
    assert any(r["orders"] > 0 and r["gross"] is None for r in rows)


def test_an_order_with_an_amount_and_no_refund_was_refunded_nothing(tmp_path):
    world = World(tmp_path, as_of="2021-03-02T00:00:00").write(
        raw_user="id,name,email,created_at\n"
        + "".join(f"{u},{u},{u}@company.com,2021-01-01\n" for u in "abc"),
        # greenery's orders have no refund_amount at all
        raw_order="""
            order_id,user_id,created_at,order_cost,order_total,refund_amount
            o1,a,2021-03-01 10:00:00,40,,
            o2,b,2021-03-01 10:00:00,,45,
            o3,c,2021-03-01 10:00:00,,,
        """,
    )
    world.build("kpis", "rfm_history", "lifetime_value", "profiles")
    rows = world.by("marts.customer_profiles", "client_customer_id")
    names = ("ECOM_TOTAL_REFUND_AMOUNT", "ECOM_TOTAL_REFUND_AMOUNT_1M", "ECOM_REFUND_RATE")
    assert [rows["a"][name] for name in names] == [0, 0, 0]
    assert [rows["b"][name] for name in names] == [0, 0, None]
    # an order without any amount may have been refunded anything
    assert [rows["c"][name] for name in names] == [None, None, None]


def test_storage_grows_with_change_and_not_with_days(world):
    stored = world.rows("select count(*) as n from marts.customer_profile_history")[0]["n"]
    shown = world.rows("select count(*) as n from marts.customer_profiles")[0]["n"]
    assert stored < shown / 3


def test_every_claim_about_profiles_holds(world):
    with instance_at(world.settings) as instance:
        day = str(world.days()[-1])
        result = run_job(world.settings, instance, only=["customer_profiles"], day=day)
    assert result.success, failures(result)
    assert failed_checks(result) == set()
    metadata = result.get_asset_materialization_events()[0].materialization.metadata
    assert (metadata["rows_added"].value, metadata["rows_superseded"].value) == (0, 0)
    assert metadata["attributes"].value > 200


# --- a user's own attributes ---------------------------------------------------------------------


def test_an_attribute_of_the_configuration_appears_everywhere(world, shop):
    big = [o for o in shop.orders.values() if o.account in "ab" and (o.cost or 0) >= 40]
    days = [FIRST + timedelta(days=n) for n in range(0, LENGTH, 9)]
    found = world.by("marts.customer_profiles", "client_customer_id", "profile_date")
    for day in days:
        row = found["a", day]
        assert row["BIG_ORDERS"] == sum(o.at.date() <= day for o in big)
        age = [(day - o.at.date()).days for o in big]
        assert row["BIG_ORDERS_1M"] == sum(0 <= n < WINDOWS["1M"] for n in age)
        assert row["NAME_IN_CAPITALS"] == "NAME B"
        share = (
            row["BIG_ORDERS"] / row["ECOM_NUMBER_OF_ORDERS"] if row["FIRST_ORDER_DATE"] else None
        )
        assert row["BIG_ORDER_SHARE"] == share
    fields = world.by("VW_CUSTOMER_PROFILE_FIELDS_V1_2", "ALIAS_FIELD_NAME")
    assert {n: fields[n]["FIELD_NAME"] for n in ("BIG_ORDERS_1M", "NAME_IN_CAPITALS")} == {
        "BIG_ORDERS_1M": "FIELD1002",
        "NAME_IN_CAPITALS": "STR1001",
    }
    generic = world.rows(
        "select FIELD1001, FIELD1002, STR1001, FIELD1003 from CUSTOMER_PROFILES"
        " where CLIENT_CUSTOMER_ID = 'a' order by PROFILE_DATE desc limit 1"
    )[0]
    newest = found["a", FIRST + timedelta(days=LENGTH - 1)]
    assert list(generic.values()) == [
        newest[name]
        for name in ("BIG_ORDERS", "BIG_ORDERS_1M", "NAME_IN_CAPITALS", "BIG_ORDER_SHARE")
    ]
    assert (world.settings.home_dir / "profile_fields.csv").read_text().splitlines()[1:] == [
        *("BIG_ORDERS,FIELD1001", "BIG_ORDERS_1M,FIELD1002", "NAME_IN_CAPITALS,STR1001"),
        "BIG_ORDER_SHARE,FIELD1003",
    ]


def test_attributes_come_and_go_between_runs(tmp_path):
    shop = Shop(datetime(2021, 1, 4, 23), {"a": Account("Ann", datetime(2020, 12, 1))})
    shop.orders |= {
        "o": Order("a", datetime(2021, 1, 1, 9), Decimal(50)),
        "p": Order("a", datetime(2021, 1, 3, 9), Decimal(60)),
    }
    days = [FIRST + timedelta(days=n) for n in range(4)]
    first = World(tmp_path, as_of=shop.clock.isoformat()).write(**source_of(shop))
    BarePipeline(first.settings).run(days)
    second = World(tmp_path, as_of=first.as_of, rules=Rules(attributes=OWN))
    BarePipeline(second.settings).run(days[-1:])
    rows = second.rows("select BIG_ORDERS from marts.customer_profiles order by profile_date")
    assert [row["BIG_ORDERS"] for row in rows] == [1, 1, 2, 2]
    known = second.rows(
        "select BIG_ORDERS from marts.customer_profiles_as_known where known_until is not null"
    )
    assert {row["BIG_ORDERS"] for row in known} == {None}
    # another meaning under the same name states past days anew
    small = OWN[0].model_copy(update={"where": "order_cost < 60"})
    capitals = OWN[1].model_copy(update={"value": "lower(user_name)"})
    third = World(tmp_path, as_of=first.as_of, rules=Rules(attributes=(small, capitals)))
    BarePipeline(third.settings).run(days[-1:])
    rows = third.rows("select * from marts.customer_profiles order by profile_date")
    assert [row["BIG_ORDERS"] for row in rows] == [1, 1, 1, 1]
    assert {row["NAME_IN_CAPITALS"] for row in rows} == {"ann"}
    assert "BIG_ORDER_SHARE" not in rows[0]
    BarePipeline(first.settings).run(days[-1:])
    assert "BIG_ORDERS" not in first.rows("select * from marts.customer_profiles limit 1")[0]
    kept = (first.settings.home_dir / "profile_fields.csv").read_text()
    assert "BIG_ORDERS,FIELD1001" in kept
    assert "BIG_ORDER_SHARE,FIELD1003" in kept


def test_an_expression_that_raises_on_a_row_is_null_there_and_told_by_a_check(tmp_path):
    odd = AttributeRule(
        name="STREET_NUMBER",
        description="Number of the house",
        type="BIGINT",
        expression="cast(USER_NAME as bigint) -- of a name",
    )
    after = odd.model_copy(update={"name": "NEXT_DOOR", "expression": "STREET_NUMBER + 1"})
    rules = Rules(attributes=(odd, after))
    shop = Shop(datetime(2021, 1, 2, 23))
    for account, name in {"a": "12", "b": "twelve", "c": "13", "d": ""}.items():
        shop.accounts[account] = Account(name, datetime(2020, 12, 1))
        shop.orders[account] = Order(account, datetime(2021, 1, 2, 9))
    world = World(tmp_path, as_of=shop.clock.isoformat(), rules=rules).write(**source_of(shop))
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days())
    pipeline.publish()
    found = on_both(
        world, "select CLIENT_CUSTOMER_ID, FIELD1001, FIELD1002 from CUSTOMER_PROFILES order by 1"
    )
    assert found == [("a", 12, 13), ("b", None, None), ("c", 13, 14), ("d", None, None)]
    with Warehouse(database=str(world.settings.warehouse_path)).reading() as connection:
        result = own_expressions_result(connection, registry_of(world.settings))
        fine = own_expressions_result(connection, registry_of(World(tmp_path).settings))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    # the second one only passes the first one's null on
    assert set(result.metadata) == {"own expressions", "breaches", "STREET_NUMBER"}
    told = result.metadata["STREET_NUMBER"].value
    assert (told["rows"], told["sample"]) == (1, ["b"])
    assert (fine.passed, fine.metadata["breaches"].value) == (True, 0)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            {"source": "orders", "aggregate": "max", "value": "cast(order_id as bigint)"},
            "BROKEN: max of cast(order_id as bigint) in orders",
        ),
        (
            {"source": "contacts", "value": "cast(user_name as bigint)"},
            "BROKEN: cast(user_name as bigint) in contacts",
        ),
    ],
)
def test_an_own_attribute_that_some_value_breaks_is_named_with_what_to_do(tmp_path, own, told):
    broken = AttributeRule(name="BROKEN", description="d", type="BIGINT", **own)
    shop = Shop(datetime(2021, 1, 2, 23), {"a": Account("Ann", datetime(2020, 12, 1))})
    shop.orders["o"] = Order("a", datetime(2021, 1, 2, 9))
    rules = Rules(attributes=(OWN[0], broken))
    world = World(tmp_path, as_of=shop.clock.isoformat(), rules=rules).write(**source_of(shop))
    with pytest.raises(ConfigError) as caught:
        world.build("kpis", "rfm_history", "lifetime_value", "profiles")
    text = str(caught.value)
    assert caught.value.__cause__ is None, "runs and alerts show the innermost error"
    assert told in text
    assert "Could not convert string" in text
    assert "try_cast" in text
    assert "LINE" not in text
    # an engine that fails for another reason is not blamed on the attributes
    with pytest.raises(duckdb.IOException), told_of_own(registry_of(world.settings)):
        raise duckdb.IOException("disk full")
    with pytest.raises(duckdb.DataError), told_of_own(registry_of(World(tmp_path).settings)):
        raise duckdb.ConversionException("Conversion Error: of our own")


def test_items_that_change_on_an_old_day_are_counted_anew(tmp_path):
    shop = Shop(datetime(2021, 1, 3, 23), {"a": Account("Ann", datetime(2020, 12, 1))})
    shop.orders |= {
        "o": Order("a", datetime(2021, 1, 1, 9)),
        "p": Order("a", datetime(2021, 1, 3, 9)),
    }
    items = "order_id,product_id,quantity\n"
    world = World(tmp_path, as_of=shop.clock.isoformat()).write(
        **source_of(shop), raw_order_item=f"{items}o,pot,2\np,pot,1"
    )
    world.build_everything()
    world.write(raw_order_item=f"{items}o,pot,5\no,pan,1\np,pot,1")
    BarePipeline(world.settings).run([date(2021, 1, 3)])
    rows = world.rows("select ECOM_NUMBER_OF_ITEMS from marts.customer_profiles order by all")
    assert [row["ECOM_NUMBER_OF_ITEMS"] for row in rows] == [6, 6, 7]


# --- Optimove's views ----------------------------------------------------------------------------


def on_both(world: World, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement as it is printed, on the warehouse and on the published copy."""
    found = []
    for path in (world.settings.warehouse_path, current_database(world.settings.published_dir)):
        with duckdb.connect(str(path), read_only=True) as connection:
            found.append(connection.execute(sql).fetchall())
    assert len(found[0]) == len(found[1])
    if "LIMIT" not in sql.upper():
        assert sorted(found[0], key=repr) == sorted(found[1], key=repr)
    return found[1]


@pytest.mark.parametrize("view", VIEWS)
def test_the_published_copy_has_every_view_with_the_same_rows(world, view):
    assert on_both(world, f"SELECT count(*) FROM {view}")[0][0] > 200
    of_one = "" if "FIELDS_V1_2" in view else " WHERE CLIENT_CUSTOMER_ID = 'e'"
    assert on_both(world, f"SELECT * FROM {view}{of_one}")


def test_the_numbered_columns_say_what_the_names_say(world):
    fields = world.rows("select * from VW_CUSTOMER_PROFILE_FIELDS_V1_2")
    assert len(fields) > 200
    assert len({row["FIELD_NAME"] for row in fields}) == len(fields)
    assert all(row["DESCRIPTION"] for row in fields)
    key = ("PROFILE_DATE", "CLIENT_CUSTOMER_ID")
    where = "where PROFILE_DATE in (date '2021-03-03', date '2022-03-06')"
    numbered = world.by(f"CUSTOMER_PROFILES {where}", *key)
    named = world.by(f"VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES {where}", *key)
    assert numbered.keys() == named.keys()
    assert {len(row) for row in (*numbered.values(), *named.values())} == {2 + len(fields)}
    for at, row in named.items():
        for each in fields:
            said, shown = row[each["ALIAS_FIELD_NAME"]], numbered[at][each["FIELD_NAME"]]
            if each["FIELD_NAME"].startswith("STR"):
                assert shown == (None if said is None else str(said))
            else:
                assert shown == (None if said is None else pytest.approx(float(said)))


# --- doors ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_everything_and_a_new_day_run_through_dagster(tmp_path):
    shop = Shop(datetime(2021, 1, 4, 23), {a: Account(a, datetime(2020, 12, 1)) for a in "ab"})
    shop.orders |= {
        "o": Order("a", datetime(2021, 1, 1, 9)),
        "p": Order("b", datetime(2021, 1, 3, 9)),
    }
    world = World(tmp_path).write(**source_of(shop))
    with instance_at(world.settings) as instance:
        result = run_job(world.settings, instance, days=("2021-01-01", "2021-01-03"))
        assert result.success, failures(result)
        assert "customer_profiles" not in {asset for asset, _ in failed_checks(result)}
        before = world.rows("from marts.customer_profiles order by all")
        shop.orders["new"] = Order("a", datetime(2021, 1, 4, 9))
        world.write(**source_of(shop))
        result = run_job(world.settings, instance, "daily_c360", day="2021-01-04")
        assert result.success, failures(result)
    rows = world.by("marts.customer_profiles", "profile_date", "client_customer_id")
    assert {key: row["ECOM_NUMBER_OF_ORDERS"] for key, row in rows.items()} == {
        key: values["ECOM_NUMBER_OF_ORDERS"] for key, values in shop.profiles(world.days()).items()
    }
    assert {row["profile_date"] for row in before} == {*world.days()} - {date(2021, 1, 4)}


@pytest.fixture
def c360(tmp_path, monkeypatch):
    """`c360` in a folder with a c360.toml that has one attribute of its own."""
    (tmp_path / "c360.toml").write_text(
        '[[attributes]]\nname = "BIG_ORDERS"\ndescription = "Orders of 40 and more"\n'
        'type = "BIGINT"\nunit = "orders"\nsource = "orders"\naggregate = "count"\n'
        'where = "order_cost >= 40"\nwindows = ["1M"]\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["attributes", *words])


def test_c360_lists_every_attribute(c360):
    result = c360("--json")
    assert result.exit_code == 0, result.output
    listed = json.loads(result.stdout)["attributes"]
    assert len(listed) > 200
    own = [each for each in listed if each["is_own"]]
    assert [(each["name"], each["field"]) for each in own] == [
        ("BIG_ORDERS", "FIELD1001"),
        ("BIG_ORDERS_1M", "FIELD1002"),
    ]
    assert own[1]["description"] == "Orders of 40 and more, in the last 30 days"
    assert own[0]["definition"] == "count(*) where order_cost >= 40"
    assert {"name", "field", "type", "unit", "description", "kind", "source"} <= set(own[0])


def test_c360_lists_those_that_hold_a_word(c360):
    result = c360("big_ord")
    assert result.exit_code == 0, result.output
    assert "2 attributes of customer profiles" in result.output
    assert "BIG_ORDERS *" in result.output
    assert "* from c360.toml" in result.output
    assert "EMAIL" not in result.output


def test_c360_says_where_no_attribute_holds_the_word(c360):
    result = c360("nonsense")
    assert result.exit_code != 0
    assert "'nonsense' in its name or description" in result.output.replace("\n", " ")


def test_c360_names_an_attribute_that_cannot_stand(c360):
    text = Path("c360.toml").read_text().replace("order_cost >= 40", "(select 1) > 0")
    Path("c360.toml").write_text(text)
    result = c360()
    assert result.exit_code != 0
    assert "attribute BIG_ORDERS: its where" in result.output.replace("\n", " ")
