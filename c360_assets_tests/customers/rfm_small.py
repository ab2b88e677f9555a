"""A small engine for the RFM history: its input tables in memory, and an oracle in pandas.

`Small` fills the tables that the asset reads and runs its bodies, some hundred times faster than
the whole pipeline. The oracle writes the contract's formula again, on a list of orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from c360_assets.assets import rfm_history
from c360_assets.assets.claims import evaluate
from c360_assets.assets.shell import Outcome, Step
from c360_assets.contracts import table
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.settings import RfmRules, Rules, Settings
from c360_assets.sources.folder import SourceFolder
from c360_assets.warehouse.rules import sync_rules
from c360_assets.warehouse.tables import create_empty

HOUR = timedelta(hours=1)
SCORED = ("recency", "frequency", "monetary")
COLUMNS = (
    *("user_id", "recency", "frequency", "monetary"),
    *("recency_percentile", "frequency_percentile", "monetary_percentile"),
    *("recency_score", "frequency_score", "monetary_score", "rfm_segment"),
)
READ = (
    *("stg_orders", "stg_users", "user_event_totals", "user_identity", "contacts", "rfm_segments"),
)


@dataclass(frozen=True)
class Bought:
    """One order: who, when, and its sales_total as text; None where it is unknown."""

    user: str
    at: datetime
    amount: str | None = "10.00"


@dataclass
class Small:
    """The tables that the history reads, in memory. `people` maps merged accounts to contacts."""

    orders: list[Bought] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    clock: datetime | None = None
    rules: RfmRules = field(default_factory=RfmRules)
    created: datetime = datetime(2021, 1, 1)
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def run(self) -> Outcome:
        """Fill the input tables anew and bring history and counts up to the clock."""
        self.connection.execute("set TimeZone = 'UTC'; begin transaction")
        self._fill()
        step = Step(self.connection, Settings(), SourceFolder(Path()), "run", self.created)
        outcome, _ = (body(step) for body in rfm_history.BODIES.values())
        self.connection.execute("commit")
        return outcome

    def rows(self, sql: str, *parameters: Any) -> pd.DataFrame:
        """What a query gives; decimals as cents, so that they compare exactly."""
        return self.connection.execute(sql, list(parameters)).df()

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the asset holds, but for what only tells how it was written."""
        kept = {}
        for name in ("rfm_segment_history", "rfm_customer_states", "rfm_daily_changes"):
            kept[name] = self.connection.execute(f"from marts.{name} order by all").fetchall()
        for name in ("rfm_migrations", "rfm_segment_days", "rfm_cohorts"):
            kept[name] = self.connection.execute(f"from marts.{name} order by all").fetchall()
        hours = "select date_hour, number_of_orders, content_hash from marts.rfm_hours order by 1"
        return {**kept, "rfm_hours": self.connection.execute(hours).fetchall()}

    def failing_claims(self) -> list[str]:
        """The claims that do not hold."""
        return [
            claim.name
            for name, claims in rfm_history.CLAIMS.items()
            for claim in claims
            if not evaluate(self.connection, table(name), [claim])[0].passed
        ]

    def facts(self) -> pd.DataFrame:
        """The orders by contact: (user_id, at, amount)."""
        rows = [(self.people.get(o.user, o.user), o.at, o.amount) for o in self.orders]
        frame = pd.DataFrame(rows, columns=["user_id", "at", "amount"])
        frame["amount"] = [None if a is None else Decimal(a) for a in frame["amount"]]
        return frame

    def _fill(self) -> None:
        self.connection.execute(EMPTY_CATALOG)
        for name in READ:
            self.connection.execute(f"drop table if exists {table(name).qualified_name}")
            create_empty(self.connection, table(name))
        sync_rules(self.connection, Rules(rfm=self.rules), self.clock, True)
        rows = [(str(n), o.user, o.at, o.amount) for n, o in enumerate(self.orders)]
        if rows:
            self.connection.executemany(
                "insert into staging.stg_orders by name select ? as order_id, ? as user_id,"
                " ? as ordered_at, cast(? as decimal(18, 2)) as sales_total",
                rows,
            )
        users = sorted({o.user for o in self.orders} | set(self.people) | {"idle"})
        self.connection.executemany(
            "insert into identity.user_identity by name select ? as user_id, ? as contact_user_id",
            [(user, self.people.get(user, user)) for user in users],
        )
        self.connection.execute(_TOTALS)
        self.connection.execute(_CONTACTS, [self.created])
        self.connection.execute(_CUSTOMERS)


_TOTALS = """
insert into staging.user_event_totals by name
select user_id, max(ordered_at) as most_recent_order from staging.stg_orders group by user_id
"""
_CONTACTS = """
insert into marts.contacts by name
select i.contact_user_id as user_id, ? as created_at, min(o.ordered_at) as first_order
from identity.user_identity as i
left join staging.stg_orders as o on o.user_id = i.user_id
group by i.contact_user_id
"""
# rfm_segments is here only to be counted
_CUSTOMERS = """
insert into marts.rfm_segments by name
select distinct i.contact_user_id as user_id
from staging.stg_orders as o
inner join identity.user_identity as i on i.user_id = o.user_id
where o.ordered_at <= coalesce(
    (select max(as_of) from ops.clock), (select max(ordered_at) from staging.stg_orders)
)
"""


def full_hours(facts: pd.DataFrame, clock: datetime | None = None) -> list[datetime]:
    """The full hours from the first order to the clock (by default the last order)."""
    if facts.empty:
        return []
    first, last = facts["at"].min().to_pydatetime(), clock or facts["at"].max().to_pydatetime()
    start = datetime.fromtimestamp(
        math.ceil(first.replace(tzinfo=UTC).timestamp() / 3600) * 3600, UTC
    ).replace(tzinfo=None)
    hours = []
    while start <= last:
        hours.append(start)
        start += HOUR
    return hours


def formula(facts: pd.DataFrame, hour: datetime, rules: RfmRules | None = None) -> pd.DataFrame:
    """The contract's formula at an hour, on orders (user_id, at, amount), by user_id.

    Amounts are Decimals, so that a sum is exact.
    """
    rules = rules or RfmRules()
    by_then = facts[facts["at"] <= hour]
    grouped = by_then.groupby("user_id")
    found = pd.DataFrame(
        {
            "recency": (hour - grouped["at"].max()) // pd.Timedelta(minutes=1),
            "frequency": grouped.size(),
            "monetary": grouped["amount"].apply(_cents),
        }
    )
    signs = {"recency": -1, "frequency": 1, "monetary": 1}
    for name, sign in signs.items():
        values = (found[name].dropna() * sign).astype("int64")
        rank = values.rank(method="min") - 1
        percentile = rank / (len(values) - 1) if len(values) > 1 else rank * 0.0
        found[f"{name}_percentile"] = percentile.reindex(found.index)
        found[f"{name}_score"] = found[f"{name}_percentile"].map(
            lambda p: None if pd.isna(p) else 1 + sum(p >= float(cut) for cut in rules.cuts)
        )
    found["rfm_segment"] = [
        rules.segment_of(int(r), int(f))
        for r, f in zip(found["recency_score"], found["frequency_score"], strict=True)
    ]
    return found.reset_index()


def _cents(amounts: pd.Series) -> int | None:
    known = [amount for amount in amounts if not pd.isna(amount)]
    return int(sum(known) * 100) if known else None


HOURLY = """
select
    user_id, recency, frequency, cast(monetary * 100 as bigint) as monetary, recency_percentile,
    frequency_percentile, monetary_percentile, recency_score, frequency_score, monetary_score,
    rfm_segment
from marts.rfm_segments_hourly
where date_hour = ? and as_of = date_hour
"""
AT_AN_HOUR = """
select user_id, recency_score, frequency_score, monetary_score, rfm_segment
from marts.rfm_segment_history
where valid_from <= $hour and (valid_to is null or valid_to > $hour)
"""


def compare(
    connection: duckdb.DuckDBPyConnection, facts: pd.DataFrame, hour: datetime, rules=None
) -> int:
    """Assert that view and history give at the hour what the formula gives; returns customers."""
    expected = plain(formula(facts, hour, rules), COLUMNS)
    assert plain(connection.execute(HOURLY, [hour]).df(), COLUMNS) == expected, hour
    scored = (*("user_id", "recency_score", "frequency_score", "monetary_score"), "rfm_segment")
    held = plain(connection.execute(AT_AN_HOUR, {"hour": hour}).df(), scored)
    assert held == plain(formula_part(expected, scored), scored), hour
    return len(expected)


def formula_part(rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Some of the columns of rows of the formula."""
    return pd.DataFrame(rows, columns=list(COLUMNS))[list(columns)]


def plain(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Rows as sorted tuples of text and numbers, None where there is nothing."""
    rows = frame[list(columns)].astype(object).itertuples(index=False, name=None)
    return sorted(
        tuple(None if pd.isna(value) else _number(value) for value in row) for row in rows
    )


def _number(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)
