from __future__ import annotations

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.errors import SourceError
from c360_assets.sources.text_files import csv_header, unique_names
from c360_assets_tests.sources.helpers import (
    ANN,
    BOB,
    USER_HEADER,
    Pipeline,
    events,
    lines,
    opened,
    users,
)

NEW_YEAR = "2021-01-01"


def names(pipe: Pipeline) -> list[str]:
    return pipe.values("select user_name from staging.stg_users order by user_id")


def lost(pipe: Pipeline, table: str = "raw_user") -> list[tuple[str, int, str]]:
    """File, line and text of the lines that are no rows."""
    rows = pipe.rows(
        "select source_file, row_json from ops.rejected_rows"
        " where source_table = ? and reason = 'malformed_row' order by source_file, source_row",
        table,
    )
    found = [(name, json.loads(text)) for name, text in rows]
    return [(name, int(kept["line"]), kept["text"]) for name, kept in found]


def user_as_json(number: int) -> str:
    row = {"id": number, "name": f"N{number}", "email": "a@acme.com", "created_at": NEW_YEAR}
    return json.dumps(row)


GOOD_CSV = {
    "plain": users(ANN, BOB),
    "with a byte order mark": "\ufeff" + users(ANN, BOB),
    "with a mark and a quoted header": "\ufeff" + users(ANN, BOB).replace("id", '"id"', 1),
    "with CRLF": users(ANN, BOB).replace("\n", "\r\n"),
    "with CR alone": users(ANN, BOB).replace("\n", "\r"),
    "with CRLF and LF mixed": users(ANN).replace("\n", "\r\n") + BOB + "\n",
    "without a line break at its end": users(ANN, BOB).rstrip("\n"),
    "with blank lines": "\n\n" + users(ANN, "", BOB, "", ""),
    "with a header in capitals and spaces": users(ANN, BOB).replace(
        USER_HEADER, " ID , Name,EMAIL , Created_At"
    ),
    "with more columns than needed": lines(USER_HEADER + ",more", ANN + ",1", BOB + ",2"),
    "with all values quoted": lines(
        *('"' + row.replace(",", '","') + '"' for row in (USER_HEADER, ANN, BOB))
    ),
    "with spaces round the values": lines(
        USER_HEADER, " u1 , Ann , ann@acme.com , 2021-01-01 ", BOB
    ),
}


@pytest.mark.parametrize("content", GOOD_CSV.values(), ids=GOOD_CSV)
def test_csv_may_be_written_in_many_ways(pipe: Pipeline, content: str) -> None:
    pipe.write("raw_user.csv", content)
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 0, 0)
    assert names(pipe) == ["Ann", "Bob"]


def test_quoted_values_hold_commas_quotes_and_line_breaks(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users('u1,"Lee, ""Ann""\nB.",ann@acme.com,2021-01-01', BOB))
    pipe.load("raw_user")
    assert names(pipe) == ['Lee, "Ann"\nB.', "Bob"]


def test_text_of_any_script_is_kept(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users("ü1,Zoë 李 🦆,zoe@acme.com,2021-01-01"))
    pipe.load("raw_user")
    assert pipe.rows("select user_id, user_name from staging.stg_users") == [("ü1", "Zoë 李 🦆")]


def test_empty_text_is_no_value(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users('u1,"",a@acme.com,2021-01-01', "u2,,b@acme.com,2021-01-01"))
    pipe.load("raw_user")
    assert names(pipe) == [None, None]


@pytest.mark.parametrize("content", [USER_HEADER, USER_HEADER + "\n"])
def test_a_header_alone_is_an_empty_table(pipe: Pipeline, content: str) -> None:
    pipe.write("raw_user.csv", content)
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (0, 0, 0)


def test_the_first_of_two_columns_of_one_name_counts(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", lines(f"{USER_HEADER},ID,id_2,source_file", f"{ANN},x,y,z"))
    pipe.load("raw_user")
    assert pipe.rows("select id, source_file, source_row from raw.raw_user") == [
        ("u1", "raw_user.csv", 1)
    ]


@pytest.mark.parametrize(
    ("given", "unique"),
    [
        (["id", "ID", "id_2"], ["id", "ID_2", "id_2_2"]),
        (["", " ", "a "], ["column_1", "column_2", "a"]),
        (["source_row"], ["source_row_2"]),
    ],
)
def test_column_names_are_made_unique(given: list[str], unique: list[str]) -> None:
    assert unique_names(given) == unique


def test_json_lines_may_order_case_and_nest_their_keys_as_they_like(pipe: Pipeline) -> None:
    pipe.write(
        "raw_user.jsonl",
        "\ufeff"
        + user_as_json(1)
        + '\r\n\n{"ID": 2, "email": "b@acme.com", "created_at": "2021-01-01",'
        + ' "name": {"first": "B"}}',
    )
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 0, 0)
    assert names(pipe) == ["N1", '{"first":"B"}']


def test_a_folder_may_mix_formats_and_columns(pipe: Pipeline) -> None:
    pipe.write("raw_user/a.csv", users(ANN))
    other_order = lines("created_at,email,phone,id,name", "2021-01-01,b@b.com,5,u2,B")
    pipe.write("raw_user/b.csv.gz", other_order)
    pipe.write("raw_user/c.jsonl", user_as_json(3))
    pipe.write_parquet(
        "raw_user/d.parquet", "select 4 as id, 'D' as name, 'd@d.com' as email, now() as created_at"
    )
    pipe.load("raw_user")
    rows = pipe.rows("select user_id, user_name, phone from staging.stg_users order by user_id")
    assert rows == [("3", "N3", None), ("4", "D", None), ("u1", "Ann", None), ("u2", "B", "5")]


def test_parquet_files_of_one_folder_may_differ_in_types(pipe: Pipeline) -> None:
    identities = ["7", "'e'", "uuid '00000000-0000-0000-0000-000000000001'", "date '2021-01-01'"]
    pipe.write("raw_user.csv", users("7,Cee,c@acme.com,2021-01-01"))
    for number, identity in enumerate(identities):
        user, moment = ("7", "timestamp '2021-02-01'") if number % 2 else ("'7'", "'2021-02-01'")
        pipe.write_parquet(
            f"raw_event/{number}.parquet",
            f"select {identity} as event_id, {user} as user_id,"
            f" 'x' as event_name, {moment} as timestamp",
        )
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_event") == (4, 0, 0)


@pytest.mark.parametrize(
    ("sql", "staged"),
    [
        ("timestamp '2021-01-01 10:00'", datetime(2021, 1, 1, 10)),
        ("timestamptz '2021-01-01 10:00+02'", datetime(2021, 1, 1, 8)),
        ("timestamp_ns '2021-01-01 10:00'", datetime(2021, 1, 1, 10)),
        ("date '2021-01-01'", datetime(2021, 1, 1)),
        ("'2021-01-01T10:00:00+02:00'", datetime(2021, 1, 1, 8)),
        ("'2021-01-01 10:00:00'", datetime(2021, 1, 1, 10)),
    ],
)
def test_parquet_may_hold_times_of_any_type(pipe: Pipeline, sql: str, staged: datetime) -> None:
    pipe.write_parquet(
        "raw_user.parquet", f"select 1 as id, 'A' as name, 'a@b.com' as email, {sql} as created_at"
    )
    pipe.load("raw_user")
    assert pipe.rows("select user_id, created_at from staging.stg_users") == [("1", staged)]


@pytest.mark.parametrize(
    "sql", ["timestamp 'infinity'", "date 'infinity'", "date '5000000-01-01'", "1609459200", "true"]
)
def test_parquet_times_that_are_none_are_rejected(pipe: Pipeline, sql: str) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write_parquet(
        "raw_event.parquet",
        f"select 1 as event_id, 'u1' as user_id, 'x' as event_name, {sql} as timestamp",
    )
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_event") == (0, 1, 0)
    assert pipe.reasons("raw_event") == {"unparseable_time: timestamp": 1}
    assert pipe.stale_days() == []


@pytest.mark.parametrize(
    ("sql", "price"),
    [
        ("12", "12"),
        ("12.345::decimal(10, 3)", "12.35"),
        ("12.5::double", "12.5"),
        ("'$1,234.50'", "1234.5"),
        ("1e30::double", None),
        ("'nan'::double", None),
    ],
)
def test_parquet_may_hold_amounts_of_any_type(pipe: Pipeline, sql: str, price: str | None) -> None:
    select = f"select 1 as product_id, 'P' as name, {sql} as price"
    pipe.write_parquet("raw_product.parquet", select)
    pipe.load("raw_product")
    expected = [] if price is None else [Decimal(price)]
    assert pipe.values("select price from staging.stg_products") == expected
    assert pipe.counts("raw_product") == (len(expected), 1 - len(expected), 0)


def test_a_parquet_file_may_have_columns_named_like_the_engines_own(pipe: Pipeline) -> None:
    pipe.write_parquet(
        "raw_user.parquet",
        "select 1 as id, 'A' as name, 'a@b.com' as email, now() as created_at,"
        " 'mine' as filename, 'mine' as source_file",
    )
    pipe.load("raw_user")
    assert pipe.values("select source_file from raw.raw_user") == ["raw_user.parquet"]


def test_names_of_files_may_hold_the_marks_of_patterns_and_quotes(pipe: Pipeline) -> None:
    pipe.write("raw_user/it's [1]*.csv", users(ANN))
    pipe.write_parquet("raw_gaggle/it's [1]*.parquet", "select 1 id, 'x' as name, now() created_at")
    pipe.load("raw_user", "raw_gaggle")
    assert pipe.values("select source_file from raw.raw_gaggle") == ["raw_gaggle/it's [1]*.parquet"]
    assert names(pipe) == ["Ann"]


# Times and numbers in text


def test_times_are_utc_whatever_the_zone_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {
        "2021-01-01T00:30:00+02:00": datetime(2020, 12, 31, 22, 30),
        "2021-01-01 00:30:00-05": datetime(2021, 1, 1, 5, 30),
        "2021-01-01T00:30:00Z": datetime(2021, 1, 1, 0, 30),
        "2021-01-01 00:30:00.123456": datetime(2021, 1, 1, 0, 30, 0, 123456),
        "2021-01-01": datetime(2021, 1, 1),
        "1900-01-01": datetime(1900, 1, 1),
        "2199-12-31": datetime(2199, 12, 31),
    }
    monkeypatch.setenv("TZ", "America/New_York")
    with opened(tmp_path / "source", tmp_path / "home") as pipe:
        pipe.write("raw_user.csv", users(*(f"{text},A,a@b.com,{text}" for text in times)))
        pipe.load("raw_user")
        assert dict(pipe.rows("select user_id, created_at from staging.stg_users")) == times


def test_a_time_that_is_none_is_rejected_from_users_and_events(pipe: Pipeline) -> None:
    broken = [
        "infinity", "-infinity", "9999-12-31", "294000-01-01", "1899-12-31", "2200-01-01",
        "2021-02-30", "nonsense", "1609459200", "0044-03-15 (BC)",
    ]  # fmt: skip
    pipe.write("raw_user.csv", users(ANN, *(f"{text},B,b@b.com,{text}" for text in broken)))
    rows = [f"{text},u1,x,{text}" for text in broken]
    pipe.write("raw_event.csv", events(*rows, "e1,u1,x,2021-02-01"))
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_user") == (1, len(broken), 0)
    assert pipe.counts("raw_event") == (1, len(broken), 0)
    assert pipe.reasons("raw_event") == {"unparseable_time: timestamp": len(broken)}


def test_an_amount_is_a_number_with_or_without_dollar_and_thousands(pipe: Pipeline) -> None:
    amounts = {
        "$40,000": Decimal(40000),
        "40000": Decimal(40000),
        "$1,234,567.891": Decimal("1234567.89"),
        "12 ": Decimal(12),
        ".5": Decimal("0.5"),
        "+7": Decimal(7),
    }
    broken = ["1,5", "1.234,56", "40,00,000", "abc", "NaN", "(5)", "99999999999999999999"]
    header = "close_date,amount,deal_name,deal_stage,email"
    rows = (f'2021-01-01,"{text}","is {text}",Won,a@acme.com' for text in [*amounts, *broken])
    pipe.write("deals.csv", lines(header, *rows))
    pipe.load("deals")
    staged = dict(pipe.rows("select deal_name, amount from staging.stg_deals"))
    assert staged == {f"is {text}".strip(): amount for text, amount in amounts.items()}
    assert pipe.reasons("deals") == {"unparseable_number: amount": len(broken)}


def test_a_quantity_is_a_whole_number(pipe: Pipeline) -> None:
    texts = ["3", "3.0", "1,000", "3.7", "1e2", "1,5"]
    rows = (f'o,"is {text}","{text}"' for text in texts)
    pipe.write("raw_order_item.csv", lines("order_id,product_id,quantity", *rows))
    pipe.load("raw_order_item")
    assert dict(pipe.rows("select product_id, quantity from staging.stg_order_items")) == {
        "is 3": 3,
        "is 3.0": 3,
        "is 1,000": 1000,
    }
    assert pipe.reasons("raw_order_item") == {"unparseable_number: quantity": 3}


@pytest.mark.parametrize("kind", ["double", "float", "decimal(5, 2)"])
def test_a_broken_quantity_in_parquet_is_not_rounded(pipe: Pipeline, kind: str) -> None:
    pipe.write_parquet(
        "raw_order_item.parquet",
        f"select 'o' as order_id, n as product_id, q::{kind} as quantity"
        " from (values (1, 3.7), (2, 4)) as v(n, q)",
    )
    pipe.load("raw_order_item")
    assert pipe.rows("select product_id, quantity from staging.stg_order_items") == [("2", 4)]
    assert pipe.reasons("raw_order_item") == {"unparseable_number: quantity": 1}


# Missing tables and columns


def test_missing_optional_tables_and_columns_are_empty_ones(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.load()
    assert pipe.rows("select gaggle_id, phone, updated_at from staging.stg_users") == [(None,) * 3]
    assert pipe.rows("from staging.stg_events") == []
    assert pipe.rows("from staging.stg_deals") == []


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_missing_required_column_is_an_error_that_names_file_column_and_columns(
    pipe: Pipeline, suffix: str
) -> None:
    if suffix == "parquet":
        pipe.write_parquet("raw_user.parquet", "select 1 as id, 'x' as mail")
    else:
        content = {"csv": "id,mail\n1,x\n", "jsonl": '{"id": 1, "mail": "x"}\n'}[suffix]
        pipe.write(f"raw_user.{suffix}", content)
    with pytest.raises(
        SourceError,
        match=rf"raw_user\.{suffix} \(raw_user\) lacks name, email, created_at; it has id, mail",
    ):
        pipe.land()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("raw_user.csv", b"", "is empty"),
        ("raw_user.csv", b" \n\n", "is empty"),
        ("raw_user.jsonl", b"", "is empty"),
        ("raw_user.parquet", b"", "no readable Parquet"),
        ("raw_user.parquet", b"PAR1 nonsense PAR1", "no readable Parquet"),
        ("raw_user.csv", bytes(range(256)), "is a binary file"),
        ("raw_user.csv", users(ANN).encode("utf-16"), "is a binary file"),
        ("raw_user.csv", "id,naïve\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_an_error(
    pipe: Pipeline, name: str, content: bytes, message: str
) -> None:
    pipe.write(name, content)
    with pytest.raises(SourceError, match=message):
        pipe.land()


def test_a_damaged_gzip_file_is_an_error(pipe: Pipeline) -> None:
    path = pipe.write("raw_user.csv.gz", users(ANN))
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(SourceError, match=r"raw_user\.csv\.gz cannot be read"):
        pipe.land()


def test_a_header_that_never_ends_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id,"name' + "x" * 20_000_000)
    with pytest.raises(SourceError, match=r"x\.csv.*header"):
        csv_header(path)
    path.write_text("\n" * 5)
    with pytest.raises(SourceError, match="is empty"):
        csv_header(path)


def test_unreadable_files_of_a_folder_are_reported_and_the_others_load(pipe: Pipeline) -> None:
    pipe.write("raw_user/a.csv", users(ANN, BOB))
    pipe.write("raw_user/b.parquet", b"PAR1 nonsense PAR1")
    pipe.write("raw_user/c.parquet", b"garbage")
    pipe.write("raw_user/d.csv", b"")
    pipe.write("raw_user/e.jsonl", b"")
    pipe.write("raw_user/f.csv.gz", users(ANN)).write_bytes(b"no gzip")
    landed = pipe.land()
    assert [problem.partition(":")[0] for problem in landed.unreadable] == [
        "raw_user/b.parquet", "raw_user/c.parquet", "raw_user/d.csv", "raw_user/e.jsonl",
        "raw_user/f.csv.gz",
    ]  # fmt: skip
    pipe.stage("raw_user")
    assert names(pipe) == ["Ann", "Bob"]
    assert pipe.counts("raw_user") == (2, 5, 0)
    assert pipe.reasons("raw_user") == {"unreadable_file": 5}
    files = pipe.values("select source_file from ops.rejected_rows order by source_file")
    assert files[0] == "raw_user/b.parquet"


def test_an_unreadable_file_fails_the_claim_until_it_is_mended(pipe: Pipeline) -> None:
    from c360_assets.assets import raw

    pipe.write("raw_user/a.csv", users(ANN))
    pipe.write("raw_user/b.parquet", b"garbage")
    pipe.load("raw_user")
    asset = next(
        asset for asset in raw.build_raw_assets(pipe.settings) if asset.key.path[-1] == "raw_user"
    )
    (spec,) = (s for s in asset.check_specs if s.name == "every_file_is_readable")
    assert not spec.blocking
    claim = Claim(
        spec.name,
        "",
        "select 1 from ops.source_files where source_table = 'raw_user' and problem is not null",
    )
    assert pipe.failing_claims("raw_user", [claim]) == ["every_file_is_readable"]
    (pipe.source / "raw_user/b.parquet").unlink()
    pipe.load("raw_user")
    assert pipe.failing_claims("raw_user", [claim]) == []
    assert pipe.counts("raw_user") == (1, 0, 0)


# Lines that are no rows


@pytest.mark.parametrize(
    "line",
    [
        "u9,x",
        "u9,x,y@z.com,2021-01-01,more",
        'u9,"x,y@z.com,2021-01-01',
        'u9,"x"y,y@z.com,2021-01-01',
        "   ",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_is_no_row_is_kept_apart_and_the_rest_loads(
    pipe: Pipeline, line: str, end: str
) -> None:
    pipe.write("raw_user.csv", users(ANN, line, BOB).replace("\n", end))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 1, 0)
    assert names(pipe) == ["Ann", "Bob"]
    assert lost(pipe) == [("raw_user.csv", 3, line)]


def test_a_quote_that_is_not_closed_costs_its_own_line_alone(pipe: Pipeline) -> None:
    rows = [f"u{n},N{n},n{n}@acme.com,2021-01-01" for n in range(3000)]
    rows[10] = 'x1,"Open,x@acme.com,2021-01-01'
    rows[20] = 'u20,"Two\nlines",n20@acme.com,2021-01-01'
    rows[1500] = 'x2,Fine,x@acme.com,"2021-01-01'
    pipe.write("raw_user.csv", users(*rows))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2998, 2, 0)
    assert lost(pipe) == [("raw_user.csv", 12, rows[10]), ("raw_user.csv", 1503, rows[1500])]
    assert pipe.values("select user_name from staging.stg_users where user_id = 'u20'") == [
        "Two\nlines"
    ]


def test_bytes_that_are_no_utf8_cost_their_line_alone(pipe: Pipeline) -> None:
    content = users(ANN, "u9,Z?,z@acme.com,2021-01-01", BOB).encode().replace(b"Z?", b"Z\xff")
    pipe.write("raw_user.csv", content)
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 1, 0)
    assert [line for _, line, _ in lost(pipe)] == [3]


def test_mixed_line_breaks_and_a_bad_line_are_no_trouble_together(pipe: Pipeline) -> None:
    content = users(ANN).replace("\n", "\r\n").encode() + b'u9,\xff\n\nu8,"x\r\n' + BOB.encode()
    pipe.write("raw_user.csv.gz", content)
    pipe.load("raw_user")
    assert names(pipe) == ["Ann", "Bob"]
    assert [line for _, line, _ in lost(pipe)] == [3, 5]


def test_a_line_of_twenty_million_characters_is_kept_apart(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN, f"u9,{'x' * 20_000_000},x@acme.com,2021-01-01", BOB))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 1, 0)
    assert pipe.reasons("raw_user") == {"malformed_row": 1}


def test_json_lines_that_are_no_objects_are_kept_apart_with_their_text(pipe: Pipeline) -> None:
    broken = ['{"id": 9, "name": null', "[1]", '"x"', "null", "not json"]
    pipe.write("raw_user.jsonl", lines(user_as_json(1), *broken, "", user_as_json(2)))
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (2, 5, 0)
    assert lost(pipe) == [("raw_user.jsonl", n, text) for n, text in enumerate(broken, start=2)]


def test_a_json_file_without_any_object_is_an_empty_table_of_broken_lines(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.jsonl", "oops\n")
    pipe.write("raw_event/b.csv", events("e1,u1,x,2021-02-01"))
    pipe.write("raw_user.csv", users(ANN))
    pipe.load("raw_user", "raw_event")
    assert pipe.counts("raw_event") == (1, 1, 0)


# What changes, and what stays


def test_an_unchanged_text_file_is_not_parsed_again(pipe: Pipeline) -> None:
    path = pipe.write("raw_user.csv", users(ANN))
    pipe.land()
    (twin,) = pipe.landing_dir.glob("*/*")
    before = twin.stat().st_mtime_ns
    stamp = path.stat()
    landed = pipe.land()
    assert (landed.new_files, landed.rows_read) == (0, 1)
    assert twin.stat().st_mtime_ns == before
    assert path.stat() == stamp


def test_twins_of_replaced_and_removed_files_are_swept_and_others_stay(pipe: Pipeline) -> None:
    pipe.write("raw_user/a.csv", users(ANN))
    gone = pipe.write("raw_user/b.csv", users(BOB))
    pipe.land()
    assert pipe.sweep() == 0
    pipe.write("raw_user/a.csv", users(ANN.replace("Ann", "Anna")))
    gone.unlink()
    assert pipe.land().removed_files == 1
    assert len(list(pipe.landing_dir.glob("*/*"))) == 3
    assert pipe.sweep() == 2
    pipe.stage("raw_user")
    assert names(pipe) == ["Anna"]


def test_nothing_but_twins_is_left_in_the_landing_folder(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN, 'u9,"x', BOB))
    pipe.write("raw_gaggle.jsonl", '\ufeff{"id": 1, "name": "x", "created_at": "2021-01-01"}')
    pipe.load("raw_user", "raw_gaggle")
    assert {path.suffix for path in pipe.landing_dir.glob("*/*")} == {".parquet"}


def test_a_lost_twin_is_written_again(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.load("raw_user")
    shutil.rmtree(pipe.landing_dir)
    pipe.load("raw_user")
    assert pipe.counts("raw_user") == (1, 0, 0)


def test_a_source_folder_may_be_moved(tmp_path: Path) -> None:
    for number, name in enumerate(("here", "there")):
        with opened(tmp_path / name, tmp_path / "home") as pipe:
            if number == 0:
                pipe.write("raw_user/a.csv", users(ANN))
                pipe.write_parquet(
                    "raw_user/b.parquet",
                    "select 'u2' as id, 'Bob' as name, 'b@b.com' as email, now() as created_at",
                )
            pipe.load("raw_user")
            assert names(pipe) == ["Ann", "Bob"]
        if number == 0:
            (tmp_path / "there").rmdir() if (tmp_path / "there").exists() else None
            (tmp_path / "here").rename(tmp_path / "there")


def test_a_table_that_goes_takes_its_rows_along(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    path = pipe.write("raw_gaggle.csv", lines("id,name,created_at", "1,x,2021-01-01", "1,y,bad"))
    pipe.load("raw_user", "raw_gaggle")
    assert pipe.counts("raw_gaggle") == (1, 1, 0)
    path.unlink()
    pipe.load("raw_user", "raw_gaggle")
    assert pipe.counts("raw_gaggle") == (0, 0, 0)


def test_an_error_leaves_the_last_landed_state_as_it_was(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.load("raw_user")
    pipe.write("raw_user.csv", "id\n1\n")
    with pytest.raises(SourceError):
        pipe.land()
    assert pipe.values("select id from raw.raw_user") == ["u1"]
    assert contracts.table("raw_user").is_required
