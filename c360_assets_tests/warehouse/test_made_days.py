"""Order lines and KPIs whose days are made one by one, held against ones made afresh."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.warehouse.kpi_days import follow_kpi_days, follow_order_lines

MADE = ("staging.order_lines", "marts.kpi_order_days", "marts.kpi_product_days")
INPUTS = """
create table marts.fct_orders (
    order_id varchar, user_id varchar, created_at timestamp, country varchar, promo_id varchar,
    sales_total decimal(18, 2), order_total decimal(18, 2), refund_amount decimal(18, 2),
    total_products_ordered bigint, order_number bigint, is_first_order boolean,
    delivery_hours double, is_on_time boolean
);
create table staging.stg_order_items (order_id varchar, product_id varchar, quantity bigint);
create table staging.stg_products (
    product_id varchar, product_name varchar, price decimal(18, 2)
);
create table staging.session_orders (
    session_id varchar, order_id varchar, session_date date
);
create table staging.session_product_days (
    session_date date, product_id varchar, sessions bigint
);
create table staging.event_name_days (
    event_date date, event_name varchar, product_id varchar, number_of_events bigint,
    session_events bigint
);
"""
ids = st.integers(0, 5)
few = st.integers(0, 3)
# an order: id -> (day, contact, price, whether it is the first, country)
ORDERS = st.dictionaries(ids, st.tuples(few, few, few, st.booleans(), few), max_size=6)
ITEMS = st.dictionaries(st.tuples(ids, few), st.integers(-1, 3), max_size=8)
# a session and an order -> day of the session, which need not be that of the order
PLACED = st.dictionaries(st.tuples(few, ids), few, max_size=5)
LOOKED = st.dictionaries(st.tuples(few, few), st.integers(1, 3), max_size=4)
PRICES = st.dictionaries(few, st.integers(1, 2), max_size=3)
SHOPS = st.tuples(ORDERS, ITEMS, PLACED, LOOKED, PRICES)
Shop = tuple[dict[Any, Any], ...]


class Days:
    """A warehouse with nothing but what the days are made of."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(EMPTY_CATALOG + INPUTS)

    def follow(self, shop: Shop) -> tuple[int, int]:
        """Make this the shop, and bring the days in step; how many lines' and KPIs' days."""
        orders, items, placed, looked, prices = shop
        self._fill(
            "marts.fct_orders",
            [
                (
                    *(f"o{n}", f"u{user}", f"2021-03-0{day + 1} 10:00:00", country or None, None),
                    *(price, price, None, 1, 1 if first else 2, first, None, None),
                )
                for n, (day, user, price, first, country) in orders.items()
            ],
        )
        self._fill(
            "staging.stg_order_items",
            # a line of no order is set apart before it comes here
            [(f"o{n}", f"p{p}", quantity) for (n, p), quantity in items.items() if n in orders],
        )
        self._fill("staging.stg_products", [(f"p{p}", f"P{p}", v) for p, v in prices.items()])
        self._fill(
            "staging.session_orders",
            [(f"s{s}", f"o{n}", f"2021-03-0{day + 1}") for (s, n), day in placed.items()],
        )
        self._fill(
            "staging.session_product_days",
            [(f"2021-03-0{day + 1}", f"p{p}", n) for (day, p), n in looked.items()],
        )
        self._fill(
            "staging.event_name_days",
            [(f"2021-03-0{d + 1}", "look", f"p{p}", n, n) for (d, p), n in looked.items()],
        )
        lines = follow_order_lines(self.connection)
        return len(lines), len(follow_kpi_days(self.connection))

    def _fill(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        self.connection.execute(f"delete from {table}")
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"insert into {table} values ({marks})", rows)

    def made(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of the tables that are made day by day."""
        return {
            name: self.connection.execute(f"select * from {name} order by all").fetchall()
            for name in MADE
        }


SHOP: Shop = (
    {0: (0, 0, 1, True, 1), 1: (1, 0, 2, False, 1), 2: (2, 1, 3, True, 2)},
    {(0, 0): 1, (1, 0): 2, (1, 1): 1, (2, 1): 3},
    {(0, 0): 3, (1, 1): 1},
    {(1, 0): 2},
    {0: 1, 1: 2},
)


@given(st.lists(SHOPS, min_size=2, max_size=3))
@settings(max_examples=12, deadline=None)
def test_whatever_changes_the_days_are_those_of_a_rebuild(shops):
    kept = Days()
    for shop in shops:
        kept.follow(shop)
    afresh = Days()
    afresh.follow(shops[-1])
    assert kept.made() == afresh.made()
    assert kept.follow(shops[-1]) == (0, 0)


@pytest.mark.parametrize(
    ("part", "changed", "days"),
    [
        # one order's price: its day's KPIs, and no lines
        (0, {**SHOP[0], 1: (1, 0, 9, False, 1)}, (0, 1)),
        # an order is the contact's first no more: its day, and that of its session
        (0, {**SHOP[0], 0: (0, 0, 1, False, 1)}, (1, 2)),
        # a new order on a new day
        (0, {**SHOP[0], 3: (3, 1, 1, False, 1)}, (1, 1)),
        # a session that is gone
        (2, {(1, 1): 1}, (0, 1)),
        # other events and sessions that looked at a product
        (3, {(1, 0): 3}, (0, 1)),
        # another line of an old order: all lines; the KPIs of its day, and of all sessions' days
        (1, {**SHOP[1], (2, 1): 4}, (3, 3)),
        # other prices: the products of every day
        (4, {0: 1, 1: 1}, (0, 4)),
    ],
)
def test_only_the_days_that_changed_are_made_again(part, changed, days):
    kept = Days()
    kept.follow(SHOP)
    again = (*SHOP[:part], changed, *SHOP[part + 1 :])
    assert kept.follow(again) == days


def test_a_session_counts_the_other_lines_of_an_order_of_another_day():
    kept = Days()
    kept.follow(SHOP)
    kept.follow((SHOP[0], {**SHOP[1], (0, 1): 1}, *SHOP[2:]))
    rows = kept.connection.execute(
        "select product_id, converted_sessions from marts.kpi_product_days"
        " where kpi_date = date '2021-03-04' order by product_id"
    ).fetchall()
    assert rows == [("p0", 1), ("p1", 1)]


def test_a_table_that_is_gone_is_made_whole():
    kept = Days()
    kept.follow(SHOP)
    expected = kept.made()
    for name in MADE:
        kept.connection.execute(f"drop table {name}")
    kept.follow(SHOP)
    assert kept.made() == expected
