"""The scores of customers, hour by hour: where they start, and when the cuts pass them by.

A customer's scores change when they order, and when the cuts move across one of their values while
others order. The cuts are followed once for all customers (`moving_cuts`); what that means for each
of them is joined in chunks of customers, so that memory does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from c360_assets import contracts
from c360_assets.contracts.rfm_history import PROSPECTS
from c360_assets.customers.moving_cuts import NO_VALUE, Integers, follow, moves_of
from c360_assets.customers.rfm_intervals import DayChanges, Intervals, Told, folded
from c360_assets.customers.rfm_states import ORIGIN, Span, create_anew, number_of, time_of

STATES_PER_CHUNK = 400_000
MEASURES = ("recency", "frequency", "monetary")
# what is compared with the limits of each measure
VALUES = {"recency": "minute", "frequency": "frequency", "monetary": "amount"}
# no value is above this limit
UNREACHABLE = 2**31 - 1

_VALUED_STATES = f"""
create or replace temp table rfm_valued as
select
    s.state, s.customer, s.hour, s.ended, s.minute, s.frequency, s.monetary,
    coalesce(a.amount, {NO_VALUE}) as amount
from rfm_states as s
left join rfm_amounts as a on a.monetary = s.monetary
order by s.state
"""
_KNOWN = f"""
create or replace temp table rfm_known as
select
    p.customer,
    cast({number_of("hour", "h.valid_from")} as integer) as hour,
    h.recency_score as recency,
    h.frequency_score as frequency,
    coalesce(h.monetary_score, 0) as monetary
from marts.rfm_segment_history as h
inner join rfm_people as p on p.user_id = h.user_id
where h.valid_to is null
order by p.customer
"""


def _score(measure: str) -> str:
    value = f"s.{VALUES[measure]}"
    reached = " + ".join(f"cast({value} > l.{measure}_{score} as integer)" for score in range(2, 6))
    return f"case when {value} = {NO_VALUE} then 0 else 1 + {reached} end"


def _passed_by(measure: str) -> str:
    scores = ", ".join("x.score" if name == measure else "0" for name in MEASURES)
    return f"""
    select s.customer, x.hour, {scores}, 0
    from chunk as s
    inner join rfm_crossings_{measure} as x on x.value = s.{VALUES[measure]}
    where x.hour > s.hour and (s.ended = 0 or x.hour < s.ended)
    """


_TOLD = f"""
with chunk as (
    select * from rfm_valued where customer between $low and $high
)

select customer, hour, recency, frequency, monetary, state
from (
    select
        s.customer,
        s.hour,
        {_score("recency")} as recency,
        {_score("frequency")} as frequency,
        {_score("monetary")} as monetary,
        s.state
    from chunk as s
    inner join rfm_limits as l on l.hour = s.hour
    union all
    select s.customer, k.hour, k.recency, k.frequency, k.monetary, s.state
    from chunk as s
    inner join rfm_known as k on k.customer = s.customer
    where s.hour < $first
    union all
    {" union all ".join(_passed_by(measure) for measure in MEASURES)}
) as told
order by customer, hour
"""
_KEEP_INTERVALS = f"""
insert into marts.rfm_segment_history
select
    p.user_id,
    g.rfm_segment,
    i.recency,
    i.frequency,
    nullif(i.monetary, 0),
    {time_of("hour", "i.start_hour")},
    case when i.end_hour <> 0 then {time_of("hour", "i.end_hour")} end
from rfm_new_intervals as i
inner join rfm_people as p on p.customer = i.customer
inner join ops.rfm_grid as g
    on g.recency_score = i.recency and g.frequency_score = i.frequency
where i.start_hour >= $first
order by i.customer, i.start_hour
"""
_KEEP_ENDS = """
insert into rfm_ends
select p.user_id, i.end_hour
from rfm_new_intervals as i
inner join rfm_people as p on p.customer = i.customer
where i.start_hour < $first and i.end_hour <> 0
"""
_END_INTERVALS = f"""
update marts.rfm_segment_history as h
set valid_to = {time_of("hour", "e.end_hour")}
from rfm_ends as e
where h.user_id = e.user_id and h.valid_to is null and h.valid_from < $first_hour
"""
# the segment before is that of the scores before; there are none before the first order
_KEEP_CHANGES = f"""
insert into rfm_changes
select
    date '{ORIGIN.date()}' + c.day,
    coalesce(b.rfm_segment, '{PROSPECTS}'),
    g.rfm_segment,
    count(*),
    count(o.monetary),
    count(s.monetary),
    coalesce(sum(o.monetary), 0),
    coalesce(sum(s.monetary), 0)
from rfm_new_changes as c
inner join ops.rfm_grid as g
    on g.recency_score = c.recency and g.frequency_score = c.frequency
left join ops.rfm_grid as b
    on b.recency_score = c.recency_before and b.frequency_score = c.frequency_before
inner join rfm_valued as s on s.state = c.state
left join rfm_valued as o on o.state = c.state_before
where c.day >= $first_day
group by 1, 2, 3
"""
_ADD_CHANGES = """
insert into marts.rfm_daily_changes
select
    day, from_segment, to_segment, sum(customers), sum(customers_with_amount_before),
    sum(customers_with_amount), sum(monetary_before), sum(monetary)
from rfm_changes
group by day, from_segment, to_segment
order by day, from_segment, to_segment
"""


@dataclass(frozen=True)
class Written:
    """What a run wrote: customers looked at, and intervals that begin in its span."""

    customers: int
    intervals: int


def write_scores(connection: duckdb.DuckDBPyConnection, span: Span) -> Written:
    """Write the history of the span from `rfm_states`, and what it changes day by day."""
    connection.execute(_VALUED_STATES)
    connection.execute(_KNOWN)
    _write_cuts(connection, span)
    connection.execute("create or replace temp table rfm_ends (user_id varchar, end_hour integer)")
    create_anew(connection, "temp table rfm_changes", contracts.table("rfm_daily_changes"))
    customers, states = connection.execute(
        "select coalesce(max(customer), 0), count(*) from rfm_valued"
    ).fetchall()[0]
    chunks = -(-states // STATES_PER_CHUNK)
    size = -(-customers // max(chunks, 1))
    intervals = sum(
        _write_chunk(connection, span, low, low + size - 1)
        for low in range(1, customers + 1, max(size, 1))
    )
    if not span.is_whole:
        # the new intervals of the same customers begin later
        connection.execute(_END_INTERVALS, {"first_hour": span.first})
    connection.execute(_ADD_CHANGES)
    _drop(connection, "ends", "changes", "known", "valued", "limits")
    _drop(connection, *(f"crossings_{measure}" for measure in MEASURES))
    return Written(customers, intervals)


def _write_cuts(connection: duckdb.DuckDBPyConnection, span: Span) -> None:
    """Make `rfm_limits` (an hour with orders a row) and `rfm_crossings_*` (hour, value, score)."""
    cuts = connection.execute("select cut_2, cut_3, cut_4, cut_5 from ops.rfm_cuts").fetchall()[0]
    columns = connection.execute(
        "select customer, hour, minute, frequency, amount from rfm_valued order by state"
    ).fetchnumpy()
    hour = columns["hour"]
    customer = columns["customer"]
    order = np.argsort(hour, kind="stable")
    is_new = hour[order] >= span.number
    hours, index = np.unique(hour[order][is_new], return_inverse=True)
    limits: dict[str, Integers] = {"hour": hours}
    for measure in MEASURES:
        ranks, values = _dense(columns[VALUES[measure]])
        before = np.where(np.roll(customer, 1) == customer, np.roll(ranks, 1), NO_VALUE)
        if len(before):
            before[0] = NO_VALUE
        old = ranks[order][~is_new]
        present = np.bincount(old[old != NO_VALUE], minlength=len(values))
        moves = moves_of(index, before[order][is_new], ranks[order][is_new], len(hours), present)
        found = follow(moves, cuts)
        beyond = np.append(values, UNREACHABLE).astype(np.int32)
        for position, score in enumerate(range(2, 6)):
            limits[f"{measure}_{score}"] = beyond[found.limits[:, position]]
        crossings = {"value": values[found.value], "hour": hours[found.hour], "score": found.score}
        _table(connection, f"crossings_{measure}", crossings, "value, hour")
    _table(connection, "limits", limits, "hour")


def _dense(values: Integers) -> tuple[Integers, Integers]:
    """The values' ranks among the distinct ones (NO_VALUE stays), and the distinct ones."""
    is_there = values != NO_VALUE
    if not is_there.any():
        return values, np.empty(0, dtype=np.int32)
    lowest = values[is_there].min()
    if values[is_there].max() - lowest > 10 * len(values):
        distinct, ranks = np.unique(values[is_there], return_inverse=True)
        placed = np.full(len(values), NO_VALUE, dtype=np.int32)
        placed[is_there] = ranks
        return placed, distinct
    is_used = np.bincount(values[is_there] - lowest) > 0
    rank = np.cumsum(is_used) - 1
    ranks = np.where(is_there, rank[np.where(is_there, values - lowest, 0)], NO_VALUE)
    return ranks.astype(np.int32), (np.flatnonzero(is_used) + lowest).astype(np.int32)


def _write_chunk(connection: duckdb.DuckDBPyConnection, span: Span, low: int, high: int) -> int:
    """Write the intervals and changes of the customers from `low` to `high`."""
    first = {"first": span.number}
    rows = connection.execute(_TOLD, {"low": low, "high": high, **first}).fetchnumpy()
    told = Told(*(np.asarray(rows[name], dtype=np.int32) for name in Told.__dataclass_fields__))
    intervals, changes = folded(told)
    connection.register("rfm_new_intervals", _interval_columns(intervals))
    connection.execute(_KEEP_INTERVALS, first)
    if not span.is_whole:
        connection.execute(_KEEP_ENDS, first)
    connection.unregister("rfm_new_intervals")
    connection.register("rfm_new_changes", _change_columns(changes))
    connection.execute(_KEEP_CHANGES, {"first_day": span.number // 24})
    connection.unregister("rfm_new_changes")
    return int((intervals.start >= span.number).sum())


def _interval_columns(intervals: Intervals) -> dict[str, Any]:
    return {
        "customer": intervals.customer,
        "start_hour": intervals.start,
        "end_hour": intervals.end,
        "recency": intervals.recency,
        "frequency": intervals.frequency,
        "monetary": intervals.monetary,
    }


def _change_columns(changes: DayChanges) -> dict[str, Any]:
    return {name: getattr(changes, name) for name in DayChanges.__dataclass_fields__}


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, Any], order: str
) -> None:
    """A temporary table of integers."""
    connection.register("rfm_columns", columns)
    chosen = ", ".join(f"cast({column} as integer) as {column}" for column in columns)
    connection.execute(
        f"create or replace temp table rfm_{name} as"
        f" select {chosen} from rfm_columns order by {order}"
    )
    connection.unregister("rfm_columns")


def _drop(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    for name in names:
        connection.execute(f"drop table rfm_{name}")
