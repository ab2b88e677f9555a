"""Whatever came in which order, the rollup and what is above it are those of a fresh rebuild."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from c360_assets_tests.sources.helpers import ANN, BOB, Pipeline, events, lines, opened, users

TABLES = ("raw_user", "raw_promo", "raw_event", "raw_order", "deals")
ORDER_HEADER = "order_id,user_id,created_at,order_cost,promo_id"
DAYS = [date(2021, 2, day) for day in (1, 2, 3, 4)]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipeline]:
    with opened(tmp_path / "source", tmp_path / "home") as pipeline:
        pipeline.write("raw_user.csv", users(ANN, BOB))
        yield pipeline


def unrolled_days(pipe: Pipeline) -> list[date]:
    return pipe.values(
        "select distinct event_date from ops.source_file_days where event_date is not null"
        " and event_date not in (select event_date from ops.rolled_days) order by event_date"
    )


def state(pipe: Pipeline) -> dict[str, object]:
    """Everything that must not depend on how it came about."""
    queries = {
        "days": "from staging.user_event_days order by all",
        "totals": "from staging.user_event_totals order by all",
        "contacts": "from marts.contacts order by all",
        "events": "from staging.stg_events order by all",
        "orders": "from staging.stg_orders order by all",
        "rejected": "select source_table, source_file, source_row, reason, row_json, event_date"
        " from ops.rejected_rows order by all",
        "repeated": "from ops.duplicate_rows order by all",
        "stale": "from ops.stale_days",
    }
    return {name: pipe.rows(sql) for name, sql in queries.items()}


def rebuilt(pipe: Pipeline, home: Path) -> dict[str, object]:
    """The state of another warehouse that is built from these files at once."""
    with opened(pipe.source, home) as fresh:
        fresh.load(*TABLES)
        fresh.roll(unrolled_days(fresh))
        fresh.build_contacts()
        return state(fresh)


def activity(pipe: Pipeline) -> dict[str, tuple[int, int]]:
    """Events and orders per account, ever."""
    rows = pipe.rows(
        "select user_id, number_of_events, number_of_orders from staging.user_event_totals"
    )
    return {user: (n, orders) for user, n, orders in rows}


def test_days_and_totals_count_events_and_the_orders_among_them(pipe: Pipeline) -> None:
    pipe.write(
        "raw_event.csv",
        events(
            "e1,u1,visit,2021-02-01 10:00",
            "e2,u1,order_placed,2021-02-01 12:00",
            "e3,u1,visit,2021-02-03 09:00",
        ),
    )
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    assert pipe.rows("from staging.user_event_totals") == [
        (
            "u1",
            3,
            datetime(2021, 2, 1, 10),
            datetime(2021, 2, 3, 9),
            1,
            datetime(2021, 2, 1, 12),
            datetime(2021, 2, 1, 12),
            None,
        )
    ]
    assert pipe.rows(
        "select event_date, number_of_events from staging.user_event_days order by event_date"
    ) == [(DAYS[0], 2), (DAYS[2], 1)]


def test_only_the_days_asked_for_and_the_stale_rolled_ones_are_swapped(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01", "e2,u1,x,2021-02-02"))
    pipe.load(*TABLES)
    pipe.roll(DAYS[:1])
    pipe.write("raw_event/b.csv", events("e3,u1,x,2021-02-01", "e4,u1,x,2021-02-03"))
    pipe.load(*TABLES)
    swapped = pipe.roll(DAYS[2:3])
    assert swapped.mended_days == (DAYS[0],)
    assert activity(pipe) == {"u1": (3, 0)}
    assert pipe.stale_days() == [DAYS[1]]


def test_late_rows_for_an_old_day_in_a_new_file_are_added(pipe: Pipeline) -> None:
    pipe.write("raw_event/2021-02-01.csv", events("e1,u1,x,2021-02-01 05:00"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    pipe.write("raw_event/late.csv", events("e2,u1,x,2021-02-01 03:00"))
    pipe.load(*TABLES)
    assert pipe.roll().mended_days == (DAYS[0],)
    assert pipe.values("select first_event from staging.user_event_totals") == [
        datetime(2021, 2, 1, 3)
    ]


def test_running_a_day_again_changes_nothing(pipe: Pipeline) -> None:
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01", "e2,u2,x,2021-02-02"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    pipe.build_contacts()
    before = state(pipe)
    pipe.roll(DAYS[1:2])
    pipe.roll(DAYS)
    assert state(pipe) == before


def test_a_removed_file_takes_its_days_and_totals_along(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01", "e2,u2,x,2021-02-01"))
    path = pipe.write("raw_event/b.csv", events("e3,u1,x,2021-02-02", "e4,u2,x,2021-02-02"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    path.unlink()
    pipe.load(*TABLES)
    assert pipe.roll().mended_days == (DAYS[1],)
    assert activity(pipe) == {"u1": (1, 0), "u2": (1, 0)}


def test_an_account_without_any_event_left_has_no_totals(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01"))
    path = pipe.write("raw_event/b.csv", events("e2,u2,x,2021-02-02"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    path.unlink()
    pipe.load(*TABLES)
    pipe.roll()
    assert activity(pipe) == {"u1": (1, 0)}


def test_a_user_who_arrives_late_gets_the_events_that_waited(pipe: Pipeline) -> None:
    pipe.write("raw_event.csv", events("e1,u3,x,2021-02-01", "e2,u1,x,2021-02-02"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    pipe.write("raw_user.csv", users(ANN, BOB, "u3,Cee,cee@acme.com,2021-01-03"))
    pipe.load(*TABLES)
    assert pipe.roll().mended_days == (DAYS[0],)
    assert activity(pipe) == {"u1": (1, 0), "u3": (1, 0)}


def test_once_there_is_a_table_of_orders_no_event_counts_as_one(pipe: Pipeline) -> None:
    pipe.write("raw_event.csv", events("e1,u1,order_placed,2021-02-01"))
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    assert activity(pipe) == {"u1": (1, 1)}
    pipe.write("raw_order.csv", lines(ORDER_HEADER, "o1,u2,2021-02-02,5,"))
    pipe.load(*TABLES)
    pipe.roll()
    assert activity(pipe) == {"u1": (1, 0), "u2": (0, 1)}
    (pipe.source / "raw_order.csv").unlink()
    pipe.load(*TABLES)
    pipe.roll()
    assert activity(pipe) == {"u1": (1, 1)}


def test_another_discount_reprices_the_days_of_its_orders_and_no_other(pipe: Pipeline) -> None:
    pipe.write("raw_promo.csv", lines("promo_id,discount", "p1,2", "p2,1"))
    pipe.write(
        "raw_order.csv",
        lines(ORDER_HEADER, "o1,u1,2021-02-01,10,p1", "o2,u1,2021-02-02,10,p2"),
    )
    pipe.load(*TABLES)
    pipe.roll(DAYS)
    pipe.write("raw_promo.csv", lines("promo_id,discount", "p1,5", "p2,1"))
    pipe.load(*TABLES)
    assert pipe.roll().mended_days == (DAYS[0],)
    assert pipe.values("select sales_total from staging.user_event_totals") == [14]
    assert pipe.roll().mended_days == ()


def test_a_day_that_came_and_went_between_two_rollups_is_not_stale(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01"))
    path = pipe.write("raw_event/b.csv", events("e2,u1,x,2021-02-02"))
    pipe.load(*TABLES)
    path.unlink()
    pipe.load(*TABLES)
    pipe.roll(DAYS[:1])
    assert pipe.stale_days() == []


USERS = [f"u{n}" for n in range(4)]
PROMOS = ["", "p1", "p2"]
TIMES = [f"{day} {hour}" for day in DAYS for hour in ("00:00", "12:30", "23:59:59.999999")]
EVENT_ROWS = st.lists(
    st.tuples(
        st.sampled_from([f"e{n}" for n in range(4)]),
        st.sampled_from([*USERS, " u1", "", "ghost"]),
        st.sampled_from(["visit", "order_placed"]),
        st.sampled_from([*TIMES, "nonsense", "infinity", "2021-02-02T01:00:00+02:00"]),
    ),
    max_size=6,
)
ORDER_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["o1", "o2", "o3"]),
        st.sampled_from([*USERS, "ghost"]),
        st.sampled_from(DAYS),
        st.sampled_from(["10", "12.5", "$1,000", "-1", "", "much"]),
        st.sampled_from(PROMOS),
    ),
    max_size=4,
)
ACTIONS = st.one_of(
    st.tuples(st.just("events"), st.sampled_from("abc"), EVENT_ROWS),
    st.tuples(st.just("orders"), st.sampled_from("ab"), ORDER_ROWS),
    st.tuples(
        st.just("remove"), st.sampled_from(["raw_event", "raw_order"]), st.sampled_from("abc")
    ),
    st.tuples(st.just("users"), st.sets(st.sampled_from(USERS))),
    st.tuples(st.just("promo"), st.sampled_from(["1", "2"])),
    st.tuples(st.just("load")),
    st.tuples(st.just("roll"), st.sets(st.sampled_from(DAYS))),
)


def act(pipe: Pipeline, action: tuple) -> None:
    match action:
        case ("events", name, rows):
            pipe.write(f"raw_event/{name}.csv", events(*map(",".join, rows)))
        case ("orders", name, rows):
            written = [
                f'{order},{user},{day} 12:00,"{cost}",{promo}'
                for order, user, day, cost, promo in rows
            ]
            pipe.write(f"raw_order/{name}.csv", lines(ORDER_HEADER, *written))
        case ("remove", table, name):
            (pipe.source / table / f"{name}.csv").unlink(missing_ok=True)
        case ("users", present):
            rows = [f"{user},N,{user}@acme.com,2021-01-01" for user in sorted(present)]
            pipe.write("raw_user.csv", users(*rows))
        case ("promo", discount):
            pipe.write("raw_promo.csv", lines("promo_id,discount", f"p1,{discount}", "p2,3"))
        case ("load",):
            pipe.load(*TABLES)
        case ("roll", days):
            pipe.load(*TABLES)
            pipe.roll(sorted(days))


# never shrunk: an example costs as much as a run of everything
@settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(st.lists(ACTIONS, min_size=3, max_size=10))
def test_any_history_ends_where_a_rebuild_from_scratch_does(actions: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with opened(root / "source", root / "home") as pipe:
            act(pipe, ("users", {"u0", "u1"}))
            act(pipe, ("events", "a", [("e0", "u0", "visit", TIMES[0])]))
            act(pipe, ("roll", set(DAYS[:2])))
            for action in actions:
                act(pipe, action)
            pipe.load(*TABLES)
            pipe.counts("raw_event")
            pipe.counts("raw_order")
            pipe.roll(unrolled_days(pipe))
            pipe.build_contacts()
            assert state(pipe) == rebuilt(pipe, root / "fresh")
