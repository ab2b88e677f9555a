"""The files that keep what was known when: what a run writes, and what a new warehouse reads."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from c360_assets.warehouse import profile_archive
from c360_assets.warehouse.profile_changes import HISTORY, PROFILE_DAYS

KNOWN = datetime(2030, 1, 1, 12, 30, 15, 250_000)
LATER = datetime(2030, 1, 2)
KEY = "client_customer_id varchar, valid_from date, as_known_at timestamp"
COLUMNS = (
    "client_customer_id varchar, valid_from date, valid_to date, as_known_at timestamp,"
    " known_until timestamp, A bigint, row_hash ubigint"
)
Row = tuple[object, ...]


def warehouse(columns: str = COLUMNS) -> duckdb.DuckDBPyConnection:
    """An empty table of intervals with its bookkeeping, and empty temp tables of a run."""
    connection = duckdb.connect()
    connection.execute("create schema marts; create schema ops")
    connection.execute(f"create table {HISTORY} ({columns})")
    connection.execute(f"create table {PROFILE_DAYS} (profile_date date, profiled_at timestamp)")
    connection.execute("create table ops.profile_batches (file varchar, as_known_at timestamp)")
    connection.execute("create table ops.profile_span (first_day date, last_day date)")
    connection.execute(f"create temp table added ({columns})")
    connection.execute(f"create temp table superseded ({KEY})")
    connection.execute(f"create temp table ended ({KEY}, valid_to date)")
    connection.execute("create temp table profiled (profile_date date, profiled_at timestamp)")
    return connection


def put(connection: duckdb.DuckDBPyConnection, table: str, *rows: Row) -> None:
    connection.execute(f"delete from {table}")
    for row in rows:
        connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)


def rows(connection: duckdb.DuckDBPyConnection, table: str = HISTORY) -> list[Row]:
    return connection.execute(f"select * from {table} order by all").fetchall()


def two_runs(folder: Path) -> duckdb.DuckDBPyConnection:
    """One run that states two customers, and one that ends a row and supersedes the other."""
    connection = warehouse()
    first, second = date(2021, 3, 1), date(2021, 3, 2)
    put(
        connection,
        "added",
        ("a", first, None, KNOWN, None, 1, 11),
        ("b'b", first, None, KNOWN, None, 2, 12),
    )
    put(connection, "profiled", (first, KNOWN))
    profile_archive.write_batch(connection, folder, KNOWN, "run-one-of-two")
    put(
        connection,
        "added",
        ("a", second, None, LATER, None, 3, 13),
        ("b'b", first, None, LATER, None, 4, 14),
    )
    put(connection, "superseded", ("b'b", first, KNOWN))
    put(connection, "ended", ("a", first, KNOWN, second))
    put(connection, "profiled", (second, LATER))
    profile_archive.write_batch(connection, folder, LATER, "run-two-of-two")
    return connection


def test_a_run_that_did_nothing_writes_no_file(tmp_path):
    assert profile_archive.write_batch(warehouse(), tmp_path / "x", KNOWN, "run") is None
    assert not (tmp_path / "x").exists()


def test_the_file_of_a_run_is_named_by_its_time_and_run_and_noted(tmp_path):
    connection = two_runs(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "20300101T123015250000-run-one--0.parquet",
        "20300102T000000000000-run-two--0.parquet",
    ]
    assert [row[0] for row in rows(connection, "ops.profile_batches")] == names


def test_the_parts_of_one_run_are_files_of_their_own(tmp_path):
    connection = warehouse()
    for part in range(2):
        put(connection, "added", (f"u{part}", date(2021, 3, 1), None, KNOWN, None, part, part))
        path = profile_archive.write_batch(connection, tmp_path, KNOWN, "run")
        assert path == tmp_path / f"20300101T123015250000-run-{part}.parquet"
    anew = warehouse()
    assert profile_archive.catch_up(anew, tmp_path) == (2, set())
    assert [row[0] for row in rows(anew)] == ["u0", "u1"]


def test_a_new_warehouse_reads_what_was_known_when(tmp_path):
    two_runs(tmp_path)
    anew = warehouse()
    assert profile_archive.catch_up(anew, tmp_path) == (2, set())
    first, second = date(2021, 3, 1), date(2021, 3, 2)
    assert rows(anew) == [
        ("a", first, second, KNOWN, None, 1, 11),
        ("a", second, None, LATER, None, 3, 13),
        ("b'b", first, None, KNOWN, LATER, 2, 12),
        ("b'b", first, None, LATER, None, 4, 14),
    ]
    assert rows(anew, PROFILE_DAYS) == [(first, KNOWN), (second, LATER)]
    assert rows(anew, "ops.profile_span") == [(first, second)]
    # what was read is known from then on
    assert profile_archive.catch_up(anew, tmp_path) == (0, set())
    assert len(rows(anew)) == 4
    assert len(list(tmp_path.iterdir())) == 2


def test_a_new_warehouse_without_files_has_nothing_to_read(tmp_path):
    anew = warehouse()
    assert profile_archive.catch_up(anew, tmp_path / "missing") == (0, set())
    assert rows(anew) == rows(anew, "ops.profile_span") == []


def test_columns_that_came_or_went_since_are_told(tmp_path):
    two_runs(tmp_path)
    anew = warehouse(COLUMNS.replace("A bigint", "B varchar"))
    assert profile_archive.catch_up(anew, tmp_path) == (2, {"B"})
    assert {row[5] for row in rows(anew)} == {None}


def test_a_value_that_does_not_fit_its_new_type_is_none(tmp_path):
    two_runs(tmp_path)
    anew = warehouse(COLUMNS.replace("A bigint", "A date"))
    assert profile_archive.catch_up(anew, tmp_path) == (2, set())
    assert {row[5] for row in rows(anew)} == {None}


def test_what_the_warehouse_does_not_know_is_set_aside(tmp_path):
    connection = two_runs(tmp_path)
    kept = sorted(tmp_path.iterdir())
    (tmp_path / "20300103T000000000000-deadbeef.parquet").write_bytes(kept[0].read_bytes())
    (tmp_path / "20300103T000000000000-deadbeef.unfinished").write_bytes(b"half a file")
    (tmp_path / "notes.txt").write_text("not ours")
    assert profile_archive.catch_up(connection, tmp_path) == (0, set())
    aside = tmp_path / profile_archive.SET_ASIDE
    assert sorted(tmp_path.iterdir()) == [*kept, tmp_path / "notes.txt", aside]
    assert [path.name for path in aside.iterdir()] == ["20300103T000000000000-deadbeef.parquet"]


def test_an_unfinished_file_is_no_part_of_what_is_read(tmp_path):
    two_runs(tmp_path)
    (tmp_path / "20300103T000000000000-deadbeef.unfinished").write_bytes(b"half a file")
    assert profile_archive.catch_up(warehouse(), tmp_path)[0] == 2
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_folder_with_a_quote_in_its_name_is_read_and_written(tmp_path):
    folder = tmp_path / "it's here"
    two_runs(folder)
    anew = warehouse()
    assert profile_archive.catch_up(anew, folder)[0] == 2
    assert len(rows(anew)) == 4


def test_a_damaged_file_stops_the_run_and_is_kept(tmp_path):
    two_runs(tmp_path)
    damaged = sorted(tmp_path.iterdir())[0]
    damaged.write_bytes(b"no parquet")
    with pytest.raises(duckdb.Error, match=damaged.name):
        profile_archive.catch_up(warehouse(), tmp_path)
    assert damaged.exists()
