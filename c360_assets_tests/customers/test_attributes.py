"""The registry of attributes as c360 ships it, and how entries become columns and SQL."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from c360_assets.attribute_rules import RESERVED_WORDS, WINDOW_DAYS, AttributeRule
from c360_assets.customer_rules import LifecycleRules
from c360_assets.customers import attribute_sql
from c360_assets.customers.attributes import Registry, build_registry
from c360_assets_tests.customers.profile_small import bare_database

GUIDE = (
    *("ECOM_TOTAL_GROSS_SALES_AMOUNT", "ECOM_TOTAL_NET_SALES_AMOUNT", "ECOM_TOTAL_REFUND_AMOUNT"),
    *("ECOM_NUMBER_OF_ORDER_DAYS", "ECOM_NUMBER_OF_ORDERS", "NUMBEROFCAMPAIGNS"),
)
COUNT = {"description": "d", "type": "BIGINT", "source": "orders", "aggregate": "count"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return build_registry((), LifecycleRules(), {})


def test_more_than_two_hundred_attributes_are_shipped_each_under_its_own_name(registry):
    names = Counter(a.name for a in registry.attributes)
    assert len(names) > 200
    assert set(names.values()) == {1}
    assert not {*names} & RESERVED_WORDS
    assert all(a.description for a in registry.attributes)


@pytest.mark.parametrize("name", GUIDE)
def test_the_names_of_the_guide_are_there_over_all_time_and_each_window(registry, name):
    types = {a.name: a.type for a in registry.attributes}
    for column in (name, *(f"{name}_{window}" for window in ("1D", "7D", "1M", "3M", "12M"))):
        assert types[column] == ("DECIMAL(38,2)" if "AMOUNT" in name else "BIGINT")


def test_windows_stand_in_the_order_of_their_length_whatever_was_written():
    rule = AttributeRule.model_validate({"name": "A", **COUNT, "windows": ["12M", "1D", "1M"]})
    assert rule.windows == ("1D", "1M", "12M")
    assert list(WINDOW_DAYS.values()) == [1, 7, 30, 90, 365]


def test_a_window_is_told_in_the_description(registry):
    described = {a.name: a.description for a in registry.attributes}
    assert described["ECOM_NUMBER_OF_ORDERS"] == "Orders"
    assert described["ECOM_NUMBER_OF_ORDERS_1D"] == "Orders, on the day"
    assert described["ECOM_NUMBER_OF_ORDERS_12M"] == "Orders, in the last 365 days"


def test_what_is_counted_alike_is_kept_once():
    same = [
        AttributeRule.model_validate({"name": name, **COUNT, "where": "order_cost > 7"})
        for name in ("A", "B")
    ]
    more = build_registry(same, LifecycleRules(), {})
    fewer = build_registry(same[:1], LifecycleRules(), {})
    assert len(more.measures) == len(fewer.measures)


def test_own_attributes_stand_after_those_shipped(registry):
    own = [AttributeRule.model_validate({"name": "A", **COUNT})]
    names = [a.name for a in build_registry(own, LifecycleRules(), {}).attributes]
    assert names == [*(a.name for a in registry.attributes), "A"]


def test_segments_with_a_quote_in_their_name_are_quoted():
    rules = LifecycleRules(vip_segments=("Can't Lose", "Champions"))
    stage = next(a for a in build_registry((), rules, {}).attributes if a.name == "LIFECYCLE_STAGE")
    assert "in ('Can''t Lose', 'Champions')" in str(stage.rule.expression)
    nobody = build_registry((), LifecycleRules(vip_segments=()), {})
    assert "VIP'" not in str(nobody.attributes[-1].rule.expression)


def test_every_source_can_be_read_and_every_attribute_of_it_worked_out(registry):
    """The engine takes each SELECT as it stands, on tables that are empty."""
    connection = bare_database()
    always = {"first": date(1, 1, 1), "end": date(9999, 1, 1)}
    sources = (*attribute_sql.ACCOUNT_SOURCES, *attribute_sql.CONTACT_SOURCES)
    facts = attribute_sql.facts_by_day(registry, sources)
    found = connection.execute(facts, always).description
    assert {name for name, *_ in found} == {
        *("user_id", "fact_date"),
        *(measure.name for measure in registry.measures),
    }
    for source in ("contacts", "rfm", "lifetime_value"):
        connection.execute(attribute_sql.states_select(registry, source))


@pytest.mark.parametrize(
    ("aggregate", "type_", "expected"),
    [
        ("sum", "DECIMAL(38,2)", Decimal("60.00")),
        ("min", "DECIMAL(38,2)", Decimal("10.00")),
        ("max", "DECIMAL(38,2)", Decimal("30.00")),
        ("count", "BIGINT", 3),
        ("days", "BIGINT", 1),
    ],
)
def test_the_facts_of_a_day_are_folded_as_the_entry_says(aggregate, type_, expected):
    entry = {"name": "A", **COUNT, "aggregate": aggregate, "type": type_}
    if aggregate not in ("count", "days"):
        entry["value"] = "order_cost -- with a comment"
    rule = AttributeRule.model_validate(entry | {"where": "order_cost is not null /* priced */"})
    registry = build_registry([rule], LifecycleRules(), {})
    measure = registry.measure(registry.attributes[-1])
    connection = bare_database()
    connection.execute(
        "insert into staging.stg_orders by name select 'o' || n as order_id, 'u' as user_id,"
        " timestamp '2021-03-01 12:00:00' as ordered_at,"
        " case when n < 3 then 10 * (n + 1) end as order_cost from range(4) as r(n)"
    )
    facts = attribute_sql.facts_by_day(registry, ["orders"])
    day = {"first": date(2021, 3, 1), "end": date(2021, 3, 2)}
    rows = connection.execute(f"select user_id, {measure.name} from ({facts})", day).fetchall()
    assert rows == [("u", expected)]


def test_a_profile_changes_when_a_fact_leaves_a_window_that_is_in_use():
    only = AttributeRule.model_validate({"name": "A", **COUNT, "windows": ["7D"]})
    whole = build_registry([only], LifecycleRules(), {})
    small = Registry(tuple(a for a in whole.attributes if a.rule is only))
    assert attribute_sql.change_offsets(small) == (0, 7)
    assert attribute_sql.change_offsets(whole) == (0, 1, 7, 30, 90, 365)
