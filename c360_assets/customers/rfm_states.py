"""What each customer had ordered, hour by hour, and from which hour on that is news.

Belongs here: the stored states, their comparison with the orders, and what is new of them. Not
here: scores (`rfm_scores`). Everything works on a connection inside the caller's transaction;
`rfm_*` without a schema are temporary tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from c360_assets import contracts
from c360_assets.contracts import Table

HOUR = timedelta(hours=1)
# hours and minutes are numbers counted from here, so that all are positive
ORIGIN = datetime(1, 1, 1)
# Another number makes every stored history be built anew: raise it when its meaning changes.
FORMAT = 1
# Each run appends rows apart from those before. After so many a whole build brings the rows of a
# customer together again, so that reading them stays fast.
MAX_BATCHES = 30
STORED = ("rfm_segment_history", "rfm_customer_states", "rfm_daily_changes", "rfm_hours")


def number_of(unit: str, time: str) -> str:
    """SQL: the number of a full hour or minute."""
    return f"date_diff('{unit}', timestamp '{ORIGIN}', {time})"


def time_of(unit: str, number: str) -> str:
    """SQL: the hour or minute of that number, naive UTC."""
    return f"timestamp '{ORIGIN}' + {number} * interval '1 {unit}'"


# the last full hour by the clock of marts.rfm_segments
_LAST_HOUR = """
select date_trunc('hour', coalesce(
    (select max(k.as_of) from ops.clock as k),
    (select max(greatest(t.most_recent_event, t.most_recent_order))
     from staging.user_event_totals as t)
))
"""
# an order counts from the first full hour that is not before it
_ORDERS = """
create or replace temp table rfm_orders as
select
    i.contact_user_id as user_id,
    o.ordered_at,
    o.sales_total,
    date_trunc('hour', o.ordered_at - interval '1 microsecond') + interval '1 hour' as date_hour
from staging.stg_orders as o
inner join identity.user_identity as i on i.user_id = o.user_id
where o.ordered_at <= ?
"""
_HOURS = f"""
create or replace temp table rfm_hours_now as
with told as (
    select
        date_hour,
        count(*) as number_of_orders,
        sum(cast(hash(user_id, ordered_at, sales_total, {FORMAT}) as hugeint)) as content_hash
    from rfm_orders
    group by date_hour
),

calendar as (
    select unnest(generate_series(min(date_hour), $last_hour, interval '1 hour')) as date_hour
    from told
)

select
    c.date_hour,
    coalesce(t.number_of_orders, 0) as number_of_orders,
    coalesce(t.content_hash, 0) as content_hash
from calendar as c
left join told as t on t.date_hour = c.date_hour
"""
_FIRST_DIFFERENCE = """
select min(coalesce(n.date_hour, h.date_hour))
from rfm_hours_now as n
full outer join marts.rfm_hours as h on h.date_hour = n.date_hour
where h.date_hour is null
    or n.date_hour is null
    or h.number_of_orders <> n.number_of_orders
    or h.content_hash <> n.content_hash
"""
_APPEND_HOURS = """
insert into marts.rfm_hours
select
    date_hour,
    number_of_orders,
    content_hash,
    (select coalesce(max(batch) + 1, 0) from marts.rfm_hours)
from rfm_hours_now
where date_hour >= ?
order by date_hour
"""
# the state in which each customer was before, and what they ordered since
_STATES = (
    """
    insert into rfm_told
    select user_id, valid_from, last_order_minute, frequency, monetary
    from marts.rfm_customer_states
    where valid_to is null
    """,
    """
    insert into rfm_told
    select
        user_id,
        date_hour,
        max(date_trunc('minute', ordered_at - interval '1 microsecond') + interval '1 minute'),
        count(*),
        sum(sales_total)
    from rfm_orders
    where date_hour >= $first
    group by user_id, date_hour
    """,
    "drop table rfm_orders",
    """
    create or replace temp table rfm_people as
    select user_id, cast(row_number() over (order by user_id) as integer) as customer
    from (select distinct user_id from rfm_told) as people
    """,
    f"""
    create or replace temp table rfm_states as
    select
        cast(row_number() over (order by p.customer, t.valid_from) as integer) as state,
        p.customer,
        cast({number_of("hour", "t.valid_from")} as integer) as hour,
        cast(coalesce(lead({number_of("hour", "t.valid_from")}) over by_hour, 0) as integer)
            as ended,
        cast({number_of("minute", "t.last_order_minute")} as integer) as minute,
        cast(sum(t.frequency) over by_hour as integer) as frequency,
        cast(sum(t.monetary) over by_hour as decimal(38, 2)) as monetary
    from rfm_told as t
    inner join rfm_people as p on p.user_id = t.user_id
    window by_hour as (partition by p.customer order by t.valid_from)
    """,
    "drop table rfm_told",
    """
    create or replace temp table rfm_amounts as
    select monetary, cast(row_number() over (order by monetary) - 1 as integer) as amount
    from (select distinct monetary from rfm_states where monetary is not null) as amounts
    """,
)
_KEEP_STATES = f"""
insert into marts.rfm_customer_states
select
    p.user_id,
    {time_of("hour", "s.hour")},
    case when s.ended <> 0 then {time_of("hour", "s.ended")} end,
    {time_of("minute", "s.minute")},
    s.frequency,
    s.monetary
from rfm_states as s
inner join rfm_people as p on p.customer = s.customer
where s.hour >= $first
order by s.hour, s.customer
"""
_END_STATES = f"""
update marts.rfm_customer_states as s
set valid_to = {time_of("hour", "n.ended")}
from (
    select p.user_id, t.ended
    from rfm_states as t
    inner join rfm_people as p on p.customer = t.customer
    where t.hour < $first and t.ended <> 0
) as n
where s.user_id = n.user_id and s.valid_to is null
"""


@dataclass(frozen=True)
class Span:
    """The hours of the history to be written: from `first` to `last`, both full hours, naive UTC.

    `is_whole` says that nothing stored is kept. `first` begins a day: it is its first full hour.
    """

    first: datetime
    last: datetime
    is_whole: bool

    @property
    def number(self) -> int:
        """The first hour as a number."""
        return (self.first - ORIGIN) // HOUR


def span_to_write(connection: duckdb.DuckDBPyConnection, has_new_rules: bool) -> Span | None:
    """The hours whose orders or contacts are others than those stored; None if there are none.

    With new rules these are all hours. Whatever was stored of them is taken back.
    """
    last = _one(connection, _LAST_HOUR)
    connection.execute(_ORDERS, [last or datetime.min])
    connection.execute(_HOURS, {"last_hour": last or datetime.min})
    begins = _one(connection, "select min(date_hour) from rfm_hours_now")
    is_whole = has_new_rules or _has_many_batches(connection)
    first = begins if is_whole else _one(connection, _FIRST_DIFFERENCE)
    if first is None and not is_whole:
        return None
    if begins is None or first <= begins:
        is_whole = True
    span = None if first is None else Span(_start_of_day(first), last, is_whole)
    _take_back(connection, None if is_whole or span is None else span.first)
    return span if begins is not None else None


def make_states(connection: duckdb.DuckDBPyConnection, span: Span) -> int:
    """Make `rfm_people`, `rfm_states` and `rfm_amounts`; returns the number of states.

    `rfm_states` has one row per customer and hour with orders in the span, and the one state that
    each customer had before; customers, hours and minutes are numbers, `ended` is 0 if it has not.
    """
    connection.execute(
        "create or replace temp table rfm_told (user_id varchar, valid_from timestamp,"
        " last_order_minute timestamp, frequency bigint, monetary decimal(38, 2))"
    )
    for statement in _STATES:
        connection.execute(statement, {"first": span.first} if "$first" in statement else None)
    return int(_one(connection, "select count(*) from rfm_states"))


def keep_states(connection: duckdb.DuckDBPyConnection, span: Span) -> None:
    """Store the states of the span, and the ends of those before it."""
    if not span.is_whole:
        connection.execute(_END_STATES, {"first": span.number})
    connection.execute(_KEEP_STATES, {"first": span.number})


def keep_hours(connection: duckdb.DuckDBPyConnection, span: Span) -> None:
    """Store the hours of the span."""
    connection.execute(_APPEND_HOURS, [span.first])


def create_anew(connection: duckdb.DuckDBPyConnection, what: str, like: Table) -> None:
    """Create `what` (such as `table marts.t`) empty, with the columns of the contract.

    They are named: what is inserted in the transaction of a `create table … as` without rows can
    be lost (DuckDB 2.0.0, ordered inserts of more than a row group that keep their order).
    """
    columns = ", ".join(f"{column.name} {column.type}" for column in like.columns)
    connection.execute(f"create or replace {what} ({columns})")


def _has_many_batches(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the rows are spread over so many batches that they had better be written anew."""
    batches = _one(connection, "select max(batch) from marts.rfm_hours")
    return batches is None or batches >= MAX_BATCHES


def _take_back(connection: duckdb.DuckDBPyConnection, first: datetime | None) -> None:
    """Make the stored tables what they were before the hour `first`; empty where it is None."""
    if first is None:
        for name in STORED:
            create_anew(connection, f"table marts.{name}", contracts.table(name))
        return
    for name in ("rfm_segment_history", "rfm_customer_states"):
        connection.execute(f"delete from marts.{name} where valid_from >= ?", [first])
        connection.execute(f"update marts.{name} set valid_to = null where valid_to >= ?", [first])
    connection.execute("delete from marts.rfm_daily_changes where day >= ?", [first.date()])
    connection.execute("delete from marts.rfm_hours where date_hour >= ?", [first])


def _start_of_day(hour: datetime) -> datetime:
    """The first full hour of the day that the hour sums up; midnight ends the day before it."""
    return (hour - HOUR).replace(hour=0) + HOUR


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]
