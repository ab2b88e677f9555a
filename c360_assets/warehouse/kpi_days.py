"""What the days of the KPIs and of the order lines are made of.

Belongs here: the inputs of each table whose days are made one by one, and what else makes a day be
made again. Not here: how days are told apart and made (`made_days`), or any figure (`sql/marts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from c360_assets import contracts
from c360_assets.days import in_days
from c360_assets.warehouse.made_days import changed_days, forget_days, make_days
from c360_assets.warehouse.tables import table_columns

LINES = contracts.table("order_lines")
ORDER_DAYS = contracts.table("kpi_order_days")
PRODUCT_DAYS = contracts.table("kpi_product_days")

_ORDERS_OF_LINES = """
    select
        cast(created_at as date) as made_date,
        hash(order_id, user_id, is_first_order) as row_hash
    from marts.fct_orders
"""
_ORDERS = """
    select
        cast(created_at as date) as made_date,
        hash(
            user_id, country, promo_id, sales_total, order_total, refund_amount,
            total_products_ordered, order_number, delivery_hours, is_on_time
        ) as row_hash
    from marts.fct_orders
"""
# the number in front keeps rows of different tables apart
_OF_PRODUCTS = """
    select order_date as made_date,
        hash(1, order_id, user_id, is_first_order, product_id, quantity) as row_hash
    from staging.order_lines
    union all
    select session_date, hash(2, session_id, order_id) from staging.session_orders
    union all
    select session_date, hash(3, product_id, sessions) from staging.session_product_days
    union all
    select event_date, hash(4, product_id, number_of_events) from staging.event_name_days
    where product_id is not null
"""


def follow_order_lines(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """Bring `order_lines` in step with the orders and their items; returns the days made anew.

    Items have no day of their own. Where they are others than the lines that are kept, although
    the days of changed orders have been made again, all days are.
    """
    days = changed_days(connection, LINES, _ORDERS_OF_LINES)
    _make_lines(connection, days)
    if _items_differ(connection):
        forget_days(connection, LINES)
        days = changed_days(connection, LINES, _ORDERS_OF_LINES)
        _make_lines(connection, days)
    return days


def follow_kpi_days(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """Bring `kpi_order_days` and `kpi_product_days` in step; returns the days made anew."""
    of_orders = changed_days(connection, ORDER_DAYS, _ORDERS)
    make_days(connection, ORDER_DAYS, "kpi_date", of_orders)
    products = connection.execute(
        "select cast(sum(hash(product_id, product_name, price)) as varchar)"
        " from staging.stg_products"
    ).fetchall()
    of_products = changed_days(connection, PRODUCT_DAYS, _OF_PRODUCTS, str(products[0][0]))
    make_days(connection, PRODUCT_DAYS, "kpi_date", of_products)
    return sorted({*of_orders, *of_products})


def _make_lines(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    """Make the lines, and let the days of sessions that bought or buy them be made again."""
    _forget_session_days(connection, days)
    make_days(connection, LINES, "order_date", days)
    _forget_session_days(connection, days)


def _forget_session_days(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    """A session may start on another day than that of its order, whose lines are not its input."""
    if not days or not table_columns(connection, LINES):
        return
    rows = connection.execute(
        "select distinct s.session_date from staging.session_orders as s where s.order_id in"
        f" (select order_id from {LINES.qualified_name} where {in_days('order_date', days)})"
        " order by s.session_date"
    ).fetchall()
    forget_days(connection, PRODUCT_DAYS, [row[0] for row in rows])


def _items_differ(connection: duckdb.DuckDBPyConnection) -> bool:
    total = "select sum(hash(order_id, product_id, quantity)) from"
    rows = connection.execute(
        f"select ({total} staging.stg_order_items) is distinct from"
        f" ({total} {LINES.qualified_name})"
    ).fetchall()
    return bool(rows[0][0])
