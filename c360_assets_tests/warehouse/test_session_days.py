"""The rollup of sessions by day, held against one made afresh and against plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.warehouse.session_days import roll_sessions

START = datetime(2021, 3, 1)
ROLLED = (
    "sessions",
    "session_orders",
    "session_product_days",
    "event_name_days",
    "user_event_name_days",
)
Event = tuple[int, int, int, int]  # user, session, hours since START, product
# sessions within days, over several days, and across the 31 days that are taken at once
HOURS = st.one_of(st.integers(0, 100), st.integers(700, 800), st.integers(0, 1500))
EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4), HOURS, st.integers(0, 2)), max_size=25
)


def day_of(event: Event) -> date:
    return (START + timedelta(hours=event[2])).date()


def is_checkout(event: Event) -> bool:
    return (event[1] + event[2]) % 3 == 0


def name_of(event: Event) -> str:
    return "checkout" if is_checkout(event) else ("cart" if event[3] == 2 else "look")


class Rollup:
    """A warehouse with nothing but events; days are rolled up as they are named."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(EMPTY_CATALOG)
        self.connection.execute(
            "create table staging.stg_events (event_id varchar, user_id varchar,"
            " event_name varchar, timestamp timestamp, session_id varchar, page_url varchar,"
            " order_id varchar, product_id varchar);"
            "insert into ops.conversion_event_names values ('checkout');"
            "insert into ops.cart_event_names values ('cart')"
        )
        self.runs = 0
        self.read: list[date] = []

    def write(self, events: Sequence[Event]) -> None:
        """These are the events now."""
        self.connection.execute("delete from staging.stg_events")
        rows = [
            (
                f"e{n}",
                f"u{user}",
                name_of((user, session, hours, product)),
                START + timedelta(hours=hours),
                f"s{session}" if session else None,
                f"/{product}",
                f"o{session}" if is_checkout((user, session, hours, product)) else None,
                f"p{product}" if product else None,
            )
            for n, (user, session, hours, product) in enumerate(events)
        ]
        if rows:
            marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
            values = [value for row in rows for value in row]
            self.connection.execute(f"insert into staging.stg_events values {marks}", values)

    def roll(self, days: Sequence[date]) -> list[date]:
        """What `user_event_days` does to the days, as far as it is seen here, and the rollup."""
        self.runs += 1
        for day in days:
            self.connection.execute("delete from ops.rolled_days where event_date = ?", [day])
            self.connection.execute(
                "insert into ops.rolled_days values (?, ?)", [day, f"run {self.runs}"]
            )
        return roll_sessions(self.connection, self.narrow)

    @contextmanager
    def narrow(self, days: Sequence[date]) -> Iterator[None]:
        """Note the days that are read."""
        self.read += days
        with nullcontext():
            yield

    def tables(self) -> dict[str, list[tuple]]:
        """All rows of all tables, in a fixed order."""
        return {
            name: self.connection.execute(f"select * from staging.{name} order by all").fetchall()
            for name in ROLLED
        }


def days_of(*events: Sequence[Event]) -> list[date]:
    return sorted({day_of(event) for some in events for event in some})


few_examples = settings(max_examples=25)


@few_examples
@given(before=EVENTS, after=EVENTS, kept=st.integers(0, 25))
def test_days_that_come_change_or_go_leave_what_a_rebuild_gives(before, after, kept):
    now = [*before[:kept], *after]
    by_steps, afresh = Rollup(), Rollup()
    by_steps.write(before)
    by_steps.roll(days_of(before))
    by_steps.write(now)
    by_steps.roll(days_of(before[kept:], after))
    afresh.write(now)
    afresh.roll(days_of(before, after))
    assert by_steps.tables() == afresh.tables()


@few_examples
@given(events=EVENTS, order=st.randoms(use_true_random=False))
def test_days_that_arrive_one_by_one_in_any_order_leave_what_a_rebuild_gives(events, order):
    by_day, afresh = Rollup(), Rollup()
    days = days_of(events)
    order.shuffle(days)
    for count, day in enumerate(days, start=1):
        by_day.write([event for event in events if day_of(event) in days[:count]])
        by_day.roll([day])
    by_day.roll([])
    afresh.write(events)
    afresh.roll(days)
    assert by_day.tables() == afresh.tables()


@few_examples
@given(events=EVENTS)
def test_sessions_are_what_plain_python_makes_of_the_events(events):
    rollup = Rollup()
    rollup.write(events)
    rollup.roll(days_of(events))
    grouped = defaultdict(list)
    for event in events:
        if event[1]:
            grouped[f"s{event[1]}"].append(event)
    expected = {}
    for session, its in grouped.items():
        hours = [event[2] for event in its]
        accounts = sorted({f"u{event[0]}" for event in its})
        expected[session] = (
            (START + timedelta(hours=min(hours))).date(),
            accounts[0],
            accounts[-1] if len(accounts) > 1 else None,
            START + timedelta(hours=min(hours)),
            START + timedelta(hours=max(hours)),
            len(its),
            sum(1 for event in its if name_of(event) == "cart"),
            sum(map(is_checkout, its)),
            len({event[3] for event in its} - {0}),
            len(its),
        )
    assert {row[0]: row[1:] for row in rollup.tables()["sessions"]} == expected


@few_examples
@given(events=EVENTS)
def test_event_names_of_accounts_are_what_plain_python_counts(events):
    rollup = Rollup()
    rollup.write(events)
    rollup.roll(days_of(events))
    grouped = defaultdict(list)
    for event in events:
        grouped[day_of(event), f"u{event[0]}", name_of(event)].append(
            START + timedelta(hours=event[2])
        )
    expected = {key: (len(at), min(at), max(at)) for key, at in grouped.items()}
    rows = rollup.tables()["user_event_name_days"]
    assert {row[:3]: row[3:] for row in rows} == expected
    assert len(rows) == len(expected)


def test_a_late_event_touches_the_rows_of_its_own_day_only():
    rollup = Rollup()
    events = [(n % 3, 0, 24 * n + 5, 1) for n in range(6)]
    rollup.write(events)
    rollup.roll(days_of(events))
    kept = "select rowid, * from staging.user_event_name_days where event_date <> '2021-03-03'"
    before = rollup.connection.execute(f"{kept} order by all").fetchall()
    rollup.write([*events, (2, 0, 24 * 2 + 9, 1)])
    assert rollup.roll([date(2021, 3, 3)]) == [date(2021, 3, 3)]
    assert rollup.connection.execute(f"{kept} order by all").fetchall() == before
    late = rollup.connection.execute(
        "select sum(number_of_events) from staging.user_event_name_days"
        " where event_date = '2021-03-03'"
    ).fetchall()
    assert late == [(2,)]


def test_a_day_that_is_not_rolled_up_is_not_counted():
    rollup = Rollup()
    rollup.write([(1, 1, 5, 1), (1, 1, 30, 1), (1, 1, 50, 1)])
    rollup.roll([date(2021, 3, 1), date(2021, 3, 3)])
    assert [row[6] for row in rollup.tables()["sessions"]] == [2]


def test_a_new_day_reads_itself_and_the_days_of_its_sessions_only():
    rollup = Rollup()
    events = [(1, n + 1, 24 * n + 5, 1) for n in range(8)]
    rollup.write(events)
    rollup.roll(days_of(events))
    rollup.read.clear()
    events += [(1, 8, 24 * 7 + 23, 1), (1, 8, 24 * 8, 1)]  # past midnight, into the new day
    rollup.write(events)
    assert rollup.roll([date(2021, 3, 9)]) == [date(2021, 3, 9)]
    assert set(rollup.read) == {date(2021, 3, 8), date(2021, 3, 9)}
    assert rollup.roll([]) == []
