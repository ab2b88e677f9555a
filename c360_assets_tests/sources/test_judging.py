from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from c360_assets import contracts
from c360_assets.assets.staging import staging_claims
from c360_assets_tests.sources.helpers import (
    ANN,
    BOB,
    EVENT_HEADER,
    USER_HEADER,
    Pipeline,
    events,
    lines,
    opened,
    users,
)

CEE = "u3,Cee,cee@acme.com,2021-01-03"
DEAL_HEADER = "close_date,amount,deal_name,deal_stage,email"
ORDER_HEADER = "order_id,user_id,created_at,order_cost,shipping_cost"
TARGET_HEADER = "execution_date,user_id,plan_id,plan_detail_id,last_updated_time"
DAY_1, DAY_2, DAY_3 = date(2021, 2, 1), date(2021, 2, 2), date(2021, 2, 3)


FACTS_AND_BEFORE = ("raw_user", "raw_promo", "raw_event", "raw_order")


def event_ids(pipe: Pipeline) -> list[str]:
    return pipe.values("select event_id from staging.stg_events order by all")


def days_judged(pipe: Pipeline) -> int:
    """Load users, events and orders; on how many days events were judged."""
    return int(pipe.load(*FACTS_AND_BEFORE)["raw_event"]["days_judged"])


def settle(pipe: Pipeline) -> None:
    """Load users, events and orders, and roll up all their days."""
    pipe.load(*FACTS_AND_BEFORE)
    days = "select distinct event_date from ops.source_file_days where event_date is not null"
    pipe.roll(pipe.values(days))


# Rules


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",N,n@acme.com,2021-01-01", "missing_value: id"),
        ("  ,N,n@acme.com,2021-01-01", "missing_value: id"),
        ("u9,N,,2021-01-01", "missing_value: email"),
        ("u9,N,n@acme.com,", "missing_value: created_at"),
        ("u9,N,n@acme.com,soon", "unparseable_time: created_at"),
        ("u9,N,nobody,2021-01-01", "invalid_email: email"),
        ("u9,N,a@b@c.com,2021-01-01", "invalid_email: email"),
        ("u9,N,zoë@,2021-01-01", "invalid_email: email"),
        ("u1,N,n@acme.com,2021-01-01", "duplicate_key: id"),
    ],
)
def test_a_user_that_breaks_a_rule_is_rejected_with_reason_and_row(
    pipe: Pipeline, row: str, reason: str
) -> None:
    pipe.write("raw_user.csv", users(ANN, row, BOB))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 1, 0)
    (found,) = pipe.rows(
        "select source_table, source_file, source_row, reason, row_json ->> '$.name', run_id"
        " from ops.rejected_rows"
    )
    assert found == ("raw_user", "raw_user.csv", 2, reason, "N", "test run")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",u1,x,2021-02-01", "missing_value: event_id"),
        ("e9,,x,2021-02-01", "missing_value: user_id"),
        ("e9,u1,,2021-02-01", "missing_value: event_name"),
        ("e9,u1,x,", "missing_value: timestamp"),
        ("e9,u1,x,soon", "unparseable_time: timestamp"),
        ("e9,ghost,x,2021-02-01", "unknown_reference: user_id"),
        ("e1,u2,x,2021-02-01", "duplicate_key: event_id"),
        ("e1,u1,x,2021-02-01 10:00", "duplicate_key: event_id"),
    ],
)
def test_an_event_that_breaks_a_rule_is_rejected(pipe: Pipeline, row: str, reason: str) -> None:
    pipe.write("raw_user.csv", users(ANN, BOB))
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01", row, "e2,u2,x,2021-02-01"))
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_event") == (2, 1, 0)
    assert pipe.reasons("raw_event") == {reason: 1}
    assert event_ids(pipe) == ["e1", "e2"]


@pytest.mark.parametrize(
    ("table", "header", "good", "bad", "reason"),
    [
        ("raw_order", ORDER_HEADER, "o1,u1,2021-02-01,5,1", "o2,u1,2021-02-01,-5,1",
         "negative_value: order_cost"),
        ("raw_order", ORDER_HEADER, "o1,u1,2021-02-01,5,1", "o2,u1,2021-02-01,5,much",
         "unparseable_number: shipping_cost"),
        ("raw_order", ORDER_HEADER, "o1,u1,2021-02-01,5,1", "o2,ghost,2021-02-01,5,1",
         "unknown_reference: user_id"),
        ("raw_order_item", "order_id,product_id,quantity", "o1,p1,1", "o1,p2,-1",
         "negative_value: quantity"),
        ("raw_order_item", "order_id,product_id,quantity", "o1,p1,1", "o1,p1,2",
         "duplicate_key: order_id, product_id"),
        ("deals", DEAL_HEADER, "2021-01-01,$5,d,Won,a@b.com", "2021-01-01,-$5,d,Won,a@b.com",
         "negative_value: amount"),
        ("deals", DEAL_HEADER, "2021-01-01,$5,d,Won,a@b.com", "2021-01-01,$5,d,Won,a.b.com",
         "invalid_email: email"),
        ("raw_campaign_target", TARGET_HEADER, "2021-01-01,u1,p,,", "2021-01-01,ghost,p,,",
         "unknown_reference: user_id"),
        ("raw_gaggle", "id,name,created_at", "1,x,2021-01-01", "2,y,2021-01-32",
         "unparseable_time: created_at"),
        ("raw_ticket", "ticket_id,email,created_at,subject,status", "1,a@b.com,2021-01-01,s,open",
         "2,nobody,2021-01-01,s,open", "invalid_email: email"),
    ],
)  # fmt: skip
def test_a_row_of_any_table_that_breaks_a_rule_is_rejected(
    pipe: Pipeline, table: str, header: str, good: str, bad: str, reason: str
) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write(f"{table}.csv", lines(header, good, bad))
    pipe.load()
    assert pipe.counts(table) == (1, 1, 0)
    assert pipe.reasons(table) == {reason: 1}


def test_blank_ids_in_parquet_are_no_ids(pipe: Pipeline) -> None:
    pipe.write_parquet(
        "raw_user.parquet",
        "select * from (values ('', 'A', 'a@b.com', now()), (null, 'B', 'b@b.com', now()),"
        " ('u1', 'C', 'c@b.com', now())) as t(id, name, email, created_at)",
    )
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (1, 2, 0)
    assert pipe.reasons("raw_user") == {"missing_value: id": 2}


def test_addresses_beyond_ascii_are_staged_in_their_normal_form(pipe: Pipeline) -> None:
    pipe.write(
        "raw_user.csv",
        users(
            "u1,A,ＡＮＮ@ＡＣＭＥ.com,2021-01-01",
            "u2,B,Bob@Exämple.COM,2021-01-01",
            "u3,C, Cee.O'Neil+x@ACME.com. ,2021-01-01",
            "u4,D,zoë@acme.com,2021-01-01",
        ),
    )
    pipe.write("deals.csv", lines(DEAL_HEADER, "2021-01-01,1,d, Won ,ＡＮＮ@ＡＣＭＥ.com"))
    pipe.load("raw_user", "deals")
    assert pipe.rows("select email, email_domain from staging.stg_users order by user_id") == [
        ("ann@acme.com", "acme.com"),
        ("bob@xn--exmple-cua.com", "xn--exmple-cua.com"),
        ("cee.o'neil+x@acme.com", "acme.com"),
        ("zoë@acme.com", "acme.com"),
    ]
    assert pipe.rows("select email, stage from staging.stg_deals") == [("ann@acme.com", "won")]


# Keys and repeats


def test_the_first_row_of_a_key_stands_and_later_ones_are_rejected(pipe: Pipeline) -> None:
    second, third = ANN.replace("Ann", "Anna"), ANN.replace("Ann", "Anne")
    pipe.write("raw_user/b.csv", users(third))
    pipe.write("raw_user/a.csv", users(ANN, second))
    pipe.load("raw_user")
    assert pipe.values("select user_name from staging.stg_users") == ["Ann"]
    assert pipe.rows(
        "select source_file, source_row, reason from ops.rejected_rows order by source_file"
    ) == [("raw_user/a.csv", 2, "duplicate_key: id"), ("raw_user/b.csv", 1, "duplicate_key: id")]


def test_a_broken_row_does_not_take_its_key_from_a_good_one(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN.replace("2021-01-01", "soon"), ANN))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (1, 1, 0)
    assert pipe.reasons("raw_user") == {"unparseable_time: created_at": 1}


def test_identical_rows_count_once_also_across_files_of_one_day(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN, ANN, BOB))
    row = "e1,u1,x,2021-02-01"
    pipe.write("raw_event/a.csv", events(row, row, "e2,u1,x,2021-02-01"))
    pipe.write("raw_event/b.csv", events(row))
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_user") == (2, 0, 1)
    assert pipe.counts("raw_event") == (2, 0, 2)


def test_an_events_id_is_unique_within_its_day_alone(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01", "e1,u1,x,2021-02-02"))
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_event") == (2, 0, 0)


def test_an_orders_id_is_unique_over_all_days(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    first = pipe.write("raw_order/a.csv", lines(ORDER_HEADER, "o1,u1,2021-02-02,5,"))
    pipe.write("raw_order/b.csv", lines(ORDER_HEADER, "o1,u1,2021-02-01,5,", "o2,u1,2021-02-03,1,"))
    settle(pipe)
    assert pipe.counts("raw_order") == (2, 1, 0)
    assert pipe.reasons("raw_order") == {"duplicate_key_of_another_day: order_id": 1}
    pipe.write("raw_order/c.csv", lines(ORDER_HEADER, "o3,u1,2021-02-03,5,"))
    settle(pipe)
    assert pipe.counts("raw_order") == (3, 1, 0)
    first.unlink()
    pipe.load(*FACTS_AND_BEFORE)
    assert pipe.counts("raw_order") == (3, 0, 0)
    assert pipe.stale_days() == [DAY_1, DAY_2]


def test_identical_rows_of_tables_without_a_key_count_once(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    deal, target = "2021-01-01,5,d,Won,a@b.com", "2021-01-01,u1,p,,"
    pipe.write("deals/a.csv", lines(DEAL_HEADER, deal, deal, deal.replace("5", "6")))
    pipe.write("deals/b.csv", lines(DEAL_HEADER, deal))
    pipe.write("raw_campaign_target.csv", lines(TARGET_HEADER, target, target))
    pipe.load()
    assert pipe.counts("deals") == (2, 0, 2)
    assert pipe.counts("raw_campaign_target") == (1, 0, 1)


def test_every_claim_on_staged_tables_tells_a_dirty_source_from_a_broken_pipeline(
    pipe: Pipeline,
) -> None:
    pipe.write("raw_user.csv", users(ANN, ANN, "u9,N,nobody,2021-01-01", "u8,x"))
    pipe.load("raw_user")
    staged, source = contracts.table("stg_users"), contracts.table("raw_user")
    claims = staging_claims(pipe.settings, staged, source)
    assert pipe.failing_claims("stg_users", claims) == ["no_row_breaks_the_contract"]
    with pipe.warehouse.transaction() as connection:
        connection.execute("delete from staging.stg_users")
    assert pipe.failing_claims("stg_users", claims) == [
        "rows_read_are_staged_rejected_or_duplicates",
        "no_row_breaks_the_contract",
    ]


# What is judged again


def test_a_run_with_nothing_changed_judges_no_day(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write(
        "raw_event.csv",
        events("e1,u1,x,2021-02-01", "e1,u1,y,2021-02-01", "e2,ghost,x,2021-02-02", "e3,u1,x,bad"),
    )
    assert days_judged(pipe) == 2
    counts = pipe.counts("raw_event")
    assert days_judged(pipe) == 0
    pipe.roll([DAY_1, DAY_2])
    assert days_judged(pipe) == 0
    assert pipe.stale_days() == []
    assert pipe.counts("raw_event") == counts == (1, 3, 0)


def test_a_new_file_judges_its_own_days_alone(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01", "e2,u1,x,2021-02-02"))
    settle(pipe)
    pipe.write("raw_event/b.csv", events("e3,u1,x,2021-02-02", "e4,u1,x,2021-02-03"))
    assert days_judged(pipe) == 2
    assert pipe.stale_days() == [DAY_2, DAY_3]


def test_a_changed_file_judges_the_days_that_it_had_and_has(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01"))
    pipe.write("raw_event/b.csv", events("e2,u1,x,2021-02-02"))
    settle(pipe)
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-03"))
    assert days_judged(pipe) == 2
    assert pipe.stale_days() == [DAY_1, DAY_3]


def test_a_file_written_anew_dirties_only_the_days_that_differ(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01", "e2,u1,x,2021-02-02"))
    settle(pipe)
    pipe.write("raw_event.csv", events("e2,u1,y,2021-02-02", "e1,u1,x,2021-02-01"))
    assert days_judged(pipe) == 1
    assert pipe.stale_days() == [DAY_2]


def test_a_value_that_breaks_a_rule_from_now_on_is_noticed(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_order.csv", lines(ORDER_HEADER, "o1,u1,2021-02-01,5,"))
    pipe.load()
    pipe.write("raw_order.csv", lines(ORDER_HEADER, "o1,u1,2021-02-01,5,much"))
    pipe.load()
    assert pipe.reasons("raw_order") == {"unparseable_number: shipping_cost": 1}
    assert pipe.counts("raw_order") == (0, 1, 0)


def test_a_removed_file_takes_its_verdicts_and_rows_along(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01"))
    path = pipe.write(
        "raw_event/b.csv",
        events("e1,u1,x,2021-02-01", "e2,ghost,x,2021-02-02", "e3,u1,x,bad", "e4"),
    )
    settle(pipe)
    assert pipe.counts("raw_event") == (1, 3, 1)
    path.unlink()
    days_judged(pipe)
    assert pipe.counts("raw_event") == (1, 0, 0)
    assert pipe.stale_days() == [DAY_1, DAY_2]


def test_a_repeat_stands_once_the_first_of_them_is_gone(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    first = pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-01"))
    pipe.write("raw_event/b.csv", events("e1,u1,y,2021-02-01"))
    settle(pipe)
    assert pipe.values("select event_name from staging.stg_events") == ["x"]
    first.unlink()
    days_judged(pipe)
    assert pipe.values("select event_name from staging.stg_events") == ["y"]
    assert pipe.reasons("raw_event") == {}


def test_the_events_of_a_user_are_staged_once_the_user_appears(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write(
        "raw_event.csv",
        events("e1,u1,x,2021-02-01", "e2,u3,x,2021-02-02", "e3, u3 ,x,2021-02-03"),
    )
    settle(pipe)
    assert pipe.reasons("raw_event") == {"unknown_reference: user_id": 2}
    pipe.write("raw_user.csv", users(ANN, CEE))
    assert days_judged(pipe) == 2
    assert event_ids(pipe) == ["e1", "e2", "e3"]
    assert pipe.stale_days() == [DAY_2, DAY_3]


@pytest.mark.parametrize("rolled", [[DAY_1, DAY_2, DAY_3], [DAY_2], []])
def test_the_events_of_a_user_who_disappears_are_rejected(
    pipe: Pipeline, rolled: list[date]
) -> None:
    pipe.write("raw_user.csv", users(ANN, BOB))
    pipe.write(
        "raw_event.csv",
        events("e1,u1,x,2021-02-01", "e2,u2,x,2021-02-02", "e3,u2,x,2021-02-03"),
    )
    days_judged(pipe)
    pipe.roll(rolled)
    pipe.write("raw_user.csv", users(ANN))
    assert days_judged(pipe) == 2
    assert event_ids(pipe) == ["e1"]
    assert pipe.reasons("raw_event") == {"unknown_reference: user_id": 2}
    assert set(pipe.stale_days()) >= {DAY_2, DAY_3}


def test_a_user_who_disappears_from_a_day_that_is_stale_is_noticed(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN, BOB))
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01"))
    settle(pipe)
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-01", "e2,u2,x,2021-02-01"))
    days_judged(pipe)
    pipe.write("raw_user.csv", users(ANN))
    days_judged(pipe)
    assert event_ids(pipe) == ["e1"]


def test_targets_follow_the_users_though_their_file_stays(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("raw_campaign_target.csv", lines(TARGET_HEADER, "2021-01-01,u3,p,,"))
    pipe.load()
    assert pipe.counts("raw_campaign_target") == (0, 1, 0)
    pipe.write("raw_user.csv", users(ANN, CEE))
    pipe.load()
    assert pipe.counts("raw_campaign_target") == (1, 0, 0)


# Against an oracle in Python


def parsed_time(text: str) -> datetime | None:
    """The time that a text means, in UTC; None for none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.replace(tzinfo=None) - (moment.utcoffset() or moment.resolution)
    return moment if 1900 <= moment.year < 2200 else None


def broken_rule(row: list[str], is_event: bool, known: set[str]) -> str | None:
    """The first rule that the row breaks, column by column."""
    if len(row) != 4:
        return "malformed_row"
    for index, value in enumerate(row):
        if not value.strip() and (is_event or index != 1):
            return "missing_value"
        if index == 2 and not is_event and "@" not in value:
            return "invalid_email"
        if index == 3 and parsed_time(value) is None:
            return "unparseable_time"
    return "unknown_reference" if is_event and row[1].strip() not in known else None


def verdicts(rows: list[list[str]], is_event: bool, known: set[str]) -> Counter[str]:
    """What becomes of rows (in the order of files): reasons, `staged` and `repeated`."""
    first: dict[object, list[str]] = {}
    found: Counter[str] = Counter()
    for row in rows:
        fate = broken_rule(row, is_event, known)
        moment = parsed_time(row[3]) if fate is None else None
        key = (row[0].strip(), moment.date() if moment and is_event else None)
        if fate is not None:
            pass
        elif first.setdefault(key, row) is row:
            fate = "staged"
        else:
            fate = "repeated" if first[key] == row else "duplicate_key"
        found[fate] += 1
    return found


def outcome(pipe: Pipeline, table: str) -> Counter[str]:
    staged, _, repeated = pipe.counts(table)
    found = Counter({"staged": staged, "repeated": repeated})
    for reason, number in pipe.reasons(table).items():
        found[reason.partition(":")[0]] += number
    return found


def as_csv(header: str, rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header.split(","), *rows])
    return out.getvalue()


IDS = st.sampled_from(["1", "2", " 2", ""])
WORDS = st.sampled_from(["x", 'a "b", c', "two\nlines", "ü", ""])
MOMENTS = st.sampled_from(
    ["2021-02-01", "2021-02-01T23:30:00", "2021-02-02T01:00:00+02:00", "9999-12-31", "soon", ""]
)
EMAILS = st.sampled_from(["a@b.com", "A@B.com", "zoë@b.com", "nobody", ""])
MORE = st.lists(st.just("more"), max_size=1)
CELLS = {
    "user": [IDS, WORDS, EMAILS, MOMENTS],
    "event": [IDS, IDS, WORDS, MOMENTS],
}
USERS, EVENTS = (
    st.lists(st.tuples(st.tuples(*cells), MORE).map(lambda row: [*row[0], *row[1]]), max_size=6)
    for cells in CELLS.values()
)


# never shrunk: an example costs as much as a run
@settings(max_examples=5, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(USERS, EVENTS, EVENTS)
def test_rows_read_are_staged_rejected_or_repeated_as_python_counts_them(
    user_rows: list[list[str]], early: list[list[str]], late: list[list[str]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as root,
        opened(Path(root) / "source", Path(root) / "home") as pipe,
    ):
        pipe.write("raw_user.csv", as_csv(USER_HEADER, user_rows))
        pipe.write("raw_event/1.csv", as_csv(EVENT_HEADER, early))
        pipe.load("raw_user", "raw_event")
        known = set(pipe.values("select user_id from staging.stg_users"))
        assert outcome(pipe, "raw_user") == verdicts(user_rows, False, set())
        assert outcome(pipe, "raw_event") == verdicts(early, True, known)
        pipe.write("raw_event/2.csv", as_csv(EVENT_HEADER, late))
        pipe.load("raw_user", "raw_event")
        assert outcome(pipe, "raw_event") == verdicts([*early, *late], True, known)
