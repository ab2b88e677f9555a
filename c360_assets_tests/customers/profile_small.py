"""A small shop in plain Python: what it would say of each contact and day, and its tables.

Belongs here: the model that tests of customer profiles share (`Shop.profile` is the oracle, written
without SQL), and putting it into a bare database. Not here: any expectation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb

from c360_assets import contracts
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.warehouse.session import SESSION
from c360_assets.warehouse.tables import create_empty

TABLES = (
    *("stg_orders", "stg_events", "stg_order_items", "stg_products", "stg_campaign_targets"),
    *("stg_campaigns", "stg_tickets", "user_event_days", "user_event_totals", "user_identity"),
    *("contacts", "gaggle_facts", "corporate_accounts", "dim_users", "rfm_segment_history"),
    "lifetime_value_history",
)
WINDOWS = {"1D": 1, "7D": 7, "1M": 30, "3M": 90, "12M": 365}
NEW_DAYS, CHURN_DAYS, BACK_DAYS = 30, 45, 30
VIP = "Champions"
Values = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """One account of somebody."""

    name: str
    created_at: datetime


@dataclass(frozen=True)
class Order:
    """One order of an account."""

    account: str
    at: datetime
    cost: Decimal | None = Decimal("10.00")
    refund: Decimal | None = None


@dataclass
class Shop:
    """All that is known today. `merged` leads from an account to the one that it became part of."""

    clock: datetime
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    # contact and time from which the segment holds
    segments: dict[tuple[str, datetime], str] = field(default_factory=dict)
    # contact and first day on which the value was scored
    values: dict[tuple[str, date], float] = field(default_factory=dict)
    # account, day, plan and whether it was sent
    campaigns: set[tuple[str, date, str, bool]] = field(default_factory=set)

    def contact_of(self, account: str) -> str:
        """The end of the chain of merges."""
        while account in self.merged:
            account = self.merged[account]
        return account

    def contacts(self) -> dict[str, list[str]]:
        """The accounts of every contact."""
        found: dict[str, list[str]] = {}
        for account in self.accounts:
            found.setdefault(self.contact_of(account), []).append(account)
        return found

    def profiles(self, days: Iterable[date]) -> dict[tuple[date, str], Values]:
        """What each profile says, by day and contact."""
        days = list(days)
        return {
            (day, contact): self.profile(contact, accounts, day)
            for contact, accounts in self.contacts().items()
            for day in days
            if min(self.accounts[a].created_at.date() for a in accounts) <= day
        }

    def profile(self, contact: str, accounts: Sequence[str], day: date) -> Values:
        """The values at the end of a day of what happened up to then."""
        orders = [o for o in self.orders.values() if o.account in accounts and o.at.date() <= day]
        sent = {
            (on, plan)
            for account, on, plan, is_sent in self.campaigns
            if is_sent and account in accounts and on <= day
        }
        values: Values = {
            "USER_NAME": max(
                (self.accounts[a].created_at, a == contact, self.accounts[a].name) for a in accounts
            )[2],
            "NUMBER_OF_ACCOUNTS": len(accounts),
            "SIGNUP_DATE": min(self.accounts[a].created_at.date() for a in accounts),
            "RFM_SEGMENT": self._segment(contact, day),
            "CUSTOMER_LIFETIME_VALUE_90D": self._value(contact, day),
        }
        for suffix, length in {"": 10_000, **{f"_{w}": n for w, n in WINDOWS.items()}}.items():
            since = day - timedelta(days=length - 1)
            values |= _commerce([o for o in orders if o.at.date() >= since], suffix)
            values[f"NUMBEROFCAMPAIGNS{suffix}"] = sum(on >= since for on, _ in sent)
        return values | _stage(sorted({o.at.date() for o in orders}), values["RFM_SEGMENT"], day)

    def _segment(self, contact: str, day: date) -> str | None:
        """At midnight after the day."""
        end = datetime(day.year, day.month, day.day) + timedelta(days=1)
        held = [(at, s) for (who, at), s in self.segments.items() if who == contact and at <= end]
        return max(held)[1] if held else None

    def _value(self, contact: str, day: date) -> float | None:
        held = [(on, v) for (who, on), v in self.values.items() if who == contact and on <= day]
        return max(held)[1] if held else None


def _commerce(orders: Sequence[Order], suffix: str) -> Values:
    costs = [o.cost for o in orders if o.cost is not None]
    refunds = [o.refund or Decimal(0) for o in orders if (o.cost, o.refund) != (None, None)]
    nets = [o.cost - (o.refund or Decimal(0)) for o in orders if o.cost is not None]
    values: Values = {
        f"ECOM_NUMBER_OF_ORDERS{suffix}": len(orders),
        f"ECOM_NUMBER_OF_ORDER_DAYS{suffix}": len({o.at.date() for o in orders}),
        f"ECOM_TOTAL_GROSS_SALES_AMOUNT{suffix}": _total(orders, costs),
        f"ECOM_TOTAL_NET_SALES_AMOUNT{suffix}": _total(orders, nets),
        f"ECOM_TOTAL_REFUND_AMOUNT{suffix}": _total(orders, refunds),
        f"ECOM_AVERAGE_ORDER_VALUE{suffix}": float(sum(costs)) / len(orders) if costs else None,
    }
    if suffix not in ("_1D", "_7D"):
        values[f"ECOM_LARGEST_ORDER_AMOUNT{suffix}"] = max(costs, default=None)
        values[f"ECOM_SMALLEST_ORDER_AMOUNT{suffix}"] = min(costs, default=None)
    return values


def _total(orders: Sequence[Order], amounts: Sequence[Decimal]) -> Decimal | None:
    """Nothing where there are no orders, unknown where none of them has an amount."""
    return None if orders and not amounts else sum(amounts, Decimal(0))


def _stage(order_days: Sequence[date], segment: str | None, day: date) -> Values:
    first = order_days[0] if order_days else None
    last = order_days[-1] if order_days else None
    returns = [
        later for earlier, later in pairwise(order_days) if (later - earlier).days > CHURN_DAYS
    ]
    if first is None or last is None:
        stage = "Prospect"
    elif (day - last).days > CHURN_DAYS:
        stage = "Churn"
    elif (day - first).days < NEW_DAYS:
        stage = "New"
    elif returns and (day - returns[-1]).days < BACK_DAYS:
        stage = "Back from Churn"
    else:
        stage = "VIP" if segment == VIP else "Active"
    return {
        "FIRST_ORDER_DATE": first,
        "LAST_ORDER_DATE": last,
        "DAYS_SINCE_FIRST_ORDER": (day - first).days if first else None,
        "DAYS_SINCE_LAST_ORDER": (day - last).days if last else None,
        "LAST_RETURN_DATE": returns[-1] if returns else None,
        "NUMBER_OF_RETURNS": len(returns),
        "LIFECYCLE_STAGE": stage,
    }


# --- as tables -----------------------------------------------------------------------------------


def bare_database() -> duckdb.DuckDBPyConnection:
    """A database in memory with the tables that profiles read, all empty."""
    connection = duckdb.connect()
    connection.execute(SESSION)
    connection.execute(EMPTY_CATALOG)
    make_tables(connection)
    connection.execute("insert into ops.campaign_rules values (14, '1', 'DN')")
    connection.execute("insert into ops.lifecycle_rules values (?)", [CHURN_DAYS])
    return connection


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The empty tables."""
    for name in TABLES:
        create_empty(connection, contracts.table(name))


def fill(connection: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    """Make the tables say what the shop says; a day is rolled up anew where its orders changed."""
    _refill(connection, "staging.stg_orders", _order_rows(shop))
    _refill(connection, "identity.user_identity", _identity_rows(shop))
    _refill(connection, "marts.contacts", _contact_rows(shop))
    _refill(connection, "marts.rfm_segment_history", _segment_rows(shop))
    _refill(
        connection,
        "marts.lifetime_value_history",
        [{"user_id": u, "scored_on": on, "clv_90d": v} for (u, on), v in shop.values.items()],
    )
    _refill(connection, "staging.stg_campaign_targets", _target_rows(shop))
    _refill(
        connection,
        "staging.stg_campaigns",
        [
            {"plan_id": plan, "plan_detail_id": f"{plan}d", "campaign_action_id": "2"}
            for plan in sorted({plan for _, _, plan, _ in shop.campaigns})
        ],
    )
    _roll_up(connection, shop)


def _refill(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Values]) -> None:
    connection.execute(f"delete from {table}")
    if not rows:
        return
    names = list(rows[0])
    marks = ", ".join(f"({', '.join('?' for _ in names)})" for _ in rows)
    connection.execute(
        f"insert into {table} ({', '.join(names)}) values {marks}",
        [row[name] for row in rows for name in names],
    )


def _order_rows(shop: Shop) -> list[Values]:
    return [
        {
            "order_id": order_id,
            "user_id": o.account,
            "ordered_at": o.at,
            "order_cost": o.cost,
            "refund_amount": o.refund,
        }
        for order_id, o in shop.orders.items()
    ]


def _identity_rows(shop: Shop) -> list[Values]:
    return [
        {"user_id": a, "email": f"{a}@shop.com", "contact_user_id": shop.contact_of(a)}
        for a in shop.accounts
    ]


def _contact_rows(shop: Shop) -> list[Values]:
    rows = []
    for contact, accounts in shop.contacts().items():
        newest = max(accounts, key=lambda a: (shop.accounts[a].created_at, a == contact))
        rows.append(
            {
                "user_id": contact,
                "contact_id": f"c_{contact}",
                "email": f"{contact}@shop.com",
                "user_name": shop.accounts[newest].name,
                "created_at": min(shop.accounts[a].created_at for a in accounts),
                "number_of_users": len(accounts),
            }
        )
    return rows


def _segment_rows(shop: Shop) -> list[Values]:
    held = sorted((who, at, segment) for (who, at), segment in shop.segments.items())
    rows = []
    for place, (who, at, segment) in enumerate(held):
        after = held[place + 1] if place + 1 < len(held) else None
        rows.append(
            {
                "user_id": who,
                "rfm_segment": segment,
                "recency_score": 3,
                "frequency_score": 3,
                "valid_from": at,
                "valid_to": after[1] if after and after[0] == who else None,
            }
        )
    return rows


def _target_rows(shop: Shop) -> list[Values]:
    return [
        {
            "user_id": account,
            "execution_date": on,
            "plan_id": plan,
            "plan_detail_id": f"{plan}d" if is_sent else None,
            "exclusion_reason": None if is_sent else "Priority",
        }
        for account, on, plan, is_sent in sorted(shop.campaigns)
    ]


def _roll_up(connection: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    by_day: dict[date, list[tuple[str, Order]]] = {}
    for order_id, order in sorted(shop.orders.items()):
        by_day.setdefault(order.at.date(), []).append((order_id, order))
    counts = [
        {
            "event_date": day,
            "user_id": account,
            "number_of_orders": sum(o.account == account for _, o in orders),
        }
        for day, orders in by_day.items()
        for account in sorted({o.account for _, o in orders})
    ]
    _refill(connection, "staging.user_event_days", counts)
    rolled = [{"event_date": d, "rolled_by": repr(orders)} for d, orders in by_day.items()]
    _refill(connection, "ops.rolled_days", rolled)
    _refill(connection, "ops.clock", [{"as_of": shop.clock}])
