"""Scorings in the warehouse: which are due, what they are computed from, and their tables.

There is one scoring at the as-of time, and one on the first day of every month since the first
order, which counts the orders before that day. Each has a fingerprint of all that it is computed
from: purchases, rules, and the version of this code. A scoring whose fingerprint is known stands;
so a run fits what is new, and a late order or a merge fits the months that it touches again. The
tables must be there, with the columns of the contract. Not here: the figures (`scoring`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd

from c360_assets.contracts.lifetime_value import (
    FIGURES,
    LIFETIME_VALUE_TABLES,
    PROBABILITY_REASONS,
    VALUE_REASONS,
)
from c360_assets.customer_rules import LifetimeValueRules
from c360_assets.customers.lifetime_value.scoring import Customers, Scoring, score

# raise it whenever the same purchases would give other figures
VERSION: Final = 1
_CURRENT, _HISTORY, _MODELS = (table.qualified_name for table in LIFETIME_VALUE_TABLES)
_CLOCK: Final = """
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    )
"""
# the figures of `purchase_summaries.sql`; the others are those of the models
_KNOWN: Final = (
    "first_order",
    "most_recent_order",
    "repeat_orders",
    "recency_days",
    "age_days",
    "valued_repeat_orders",
    "average_order_value",
)


@dataclass(frozen=True)
class Moment:
    """One scoring: the day it is made for, the first day whose orders it does not count."""

    scored_on: date
    before: date
    is_current: bool
    fingerprint: str


@dataclass(frozen=True)
class Updated:
    """What an update did: the scorings that were fitted, and how many stood."""

    fitted: tuple[Moment, ...]
    kept: int


def update(connection: duckdb.DuckDBPyConnection, rules: LifetimeValueRules) -> Updated:
    """Bring the three tables of lifetime value in step with purchases, clock and rules.

    Runs in the caller's transaction.
    """
    as_of = connection.execute(_CLOCK).fetchall()[0][0]
    _read_purchases(connection, as_of)
    moments = list(_moments(connection, as_of, rules))
    known = {
        (row[0], row[1]): row[2]
        for row in connection.execute(
            f"select scored_on, is_current, fingerprint from {_MODELS}"
        ).fetchall()
    }
    stale = [m for m in moments if known.get((m.scored_on, m.is_current)) != m.fingerprint]
    _forget(connection, [m for m in moments if m not in stale])
    for moment in stale:
        _score(connection, moment, as_of, rules)
    for name in ("purchases", "customers", "summaries"):
        connection.execute(f"drop table if exists temp.{name}")
    return Updated(tuple(stale), len(moments) - len(stale))


def _read_purchases(connection: duckdb.DuckDBPyConnection, as_of: datetime | None) -> None:
    """The temporary tables `purchases`, by contact and day, and `customers`, who are numbered."""
    connection.execute(
        f"create or replace temp table purchase_days as {_file('purchase_days.sql')}",
        {"as_of": as_of},
    )
    connection.execute(
        "create or replace temp table customers as"
        " select user_id, cast(row_number() over (order by user_id) as integer) as customer"
        " from (select distinct user_id from purchase_days) as named"
    )
    connection.execute(
        "create or replace temp table purchases as"
        " select c.customer, d.* from purchase_days as d"
        " inner join customers as c on c.user_id = d.user_id"
    )
    connection.execute("drop table temp.purchase_days")


def _moments(
    connection: duckdb.DuckDBPyConnection, as_of: datetime | None, rules: LifetimeValueRules
) -> Iterator[Moment]:
    """The scorings that must be there, each with the fingerprint that it must have."""
    months = connection.execute(
        "select cast(date_trunc('month', order_day) as date) as month, count(*),"
        " sum(cast(hash(user_id, order_day, first_order, most_recent_order, sales_total)"
        " as hugeint)) from purchases group by month order by month"
    ).fetchall()
    if not months or as_of is None:
        return
    purchases, content = 0, 0
    of_month = {month: (count, total) for month, count, total in months}
    month = months[0][0]
    while True:
        count, total = of_month.get(month, (0, 0))
        purchases, content = purchases + count, content + total
        month = (month + timedelta(days=31)).replace(day=1)
        if month > as_of.date():
            break
        yield Moment(month, month, False, _fingerprint(rules, month, purchases, content))
    today = as_of.date()
    fingerprint = _fingerprint(rules, as_of, purchases, content)
    yield Moment(today, today + timedelta(days=1), True, fingerprint)


def _fingerprint(rules: LifetimeValueRules, *parts: object) -> str:
    columns = [f"{c.name} {c.type}" for table in LIFETIME_VALUE_TABLES for c in table.columns]
    whole = "|".join([str(VERSION), rules.model_dump_json(), *columns, *map(str, parts)])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _forget(connection: duckdb.DuckDBPyConnection, kept: list[Moment]) -> None:
    """Delete every scoring but these."""
    months = [moment.scored_on for moment in kept if not moment.is_current]
    current = [moment.scored_on for moment in kept if moment.is_current]
    connection.execute(
        f"delete from {_MODELS} where not list_contains"
        "(case when is_current then $current else $months end, scored_on)",
        {"current": _dates(current), "months": _dates(months)},
    )
    connection.execute(
        f"delete from {_HISTORY} where not list_contains($months, scored_on)",
        {"months": _dates(months)},
    )
    if not current:
        connection.execute(f"delete from {_CURRENT}")


def _score(
    connection: duckdb.DuckDBPyConnection,
    moment: Moment,
    as_of: datetime,
    rules: LifetimeValueRules,
) -> None:
    """Fit one scoring and write its rows."""
    connection.execute(
        f"create or replace temp table summaries as {_file('purchase_summaries.sql')}",
        {"before": moment.before, "scored_on": moment.scored_on},
    )
    number, customers = _customers(connection)
    scoring = score(customers, rules)
    connection.register("figures", _frame(number, scoring))
    name, column, value = (
        (_CURRENT, "scored_at", as_of)
        if moment.is_current
        else (_HISTORY, "scored_on", moment.scored_on)
    )
    chosen = ", ".join(
        f"cast({'s' if each.name in _KNOWN else 'f'}.{each.name} as {each.type}) as {each.name}"
        for each in FIGURES
    )
    connection.execute(
        f"insert into {name} by name select c.user_id, $value as {column}, {chosen}"
        " from summaries as s inner join figures as f on f.customer = s.customer"
        " inner join customers as c on c.customer = s.customer order by s.customer",
        {"value": value},
    )
    connection.unregister("figures")
    _write_models(connection, moment, scoring.models)


def _customers(connection: duckdb.DuckDBPyConnection) -> tuple[Any, Customers]:
    """The numbers of the customers, ascending, and what is known of them."""
    found = connection.execute(
        "select customer, cast(repeat_orders as double) as repeats,"
        " cast(recency_days as double) as recency, cast(age_days as double) as age,"
        " cast(valued_repeat_orders as double) as valued, average_order_value as average"
        " from summaries order by customer"
    ).fetchnumpy()
    number = found.pop("customer")
    filled = {name: np.ma.filled(values, np.nan) for name, values in found.items()}
    return number, Customers(**filled)


def _frame(number: Any, scoring: Scoring) -> pd.DataFrame:
    """Figures and reasons as columns; what is NaN or -1 in them arrives as null."""
    value, probability = scoring.value_reason, scoring.probability_reason
    return pd.DataFrame(
        {
            "customer": number,
            **scoring.figures,
            "no_value_reason": pd.Categorical.from_codes(value, VALUE_REASONS),
            "no_probability_reason": pd.Categorical.from_codes(probability, PROBABILITY_REASONS),
        },
        copy=False,
    )


def _write_models(
    connection: duckdb.DuckDBPyConnection, moment: Moment, models: dict[str, Any]
) -> None:
    row = {
        "scored_on": moment.scored_on,
        "is_current": moment.is_current,
        **models,
        "fingerprint": moment.fingerprint,
    }
    marks = ", ".join(f"${name}" for name in row)
    connection.execute(f"insert into {_MODELS} ({', '.join(row)}) values ({marks})", row)


def _dates(days: list[date]) -> list[date]:
    """A list that the engine takes for one of dates, which it would not do of an empty one."""
    return days or [date.min]


@cache
def _file(name: str) -> str:
    return files("c360_assets.customers.lifetime_value").joinpath(name).read_text(encoding="utf-8")
