"""Files that no run makes again: each without one person, and otherwise as it was."""

import json
from datetime import datetime

import duckdb

from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CrmObject
from c360_assets.erasure.copies import (
    drop_older_versions,
    forget_in_deliveries,
    forget_in_history,
    remove_warehouse,
)

PEOPLE = CrmObject("contacts", ("user_id",), "select * from people", "people")


def deliver(folder, *rows: tuple[str, str], at: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table people (user_id varchar, email varchar)")
        connection.executemany("insert into people values (?, ?)", rows)
        FileDestination(folder).deliver(connection, [PEOPLE], f"run{at}", datetime(2021, 1, at))


def test_history_files_keep_everybody_else_and_what_is_nobodys(tmp_path):
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select * from (values ('added', '1'), ('added', '2'), ('profiled', null))"
            f" as t (action, client_customer_id)) to '{tmp_path}/a.parquet' (format parquet);"
            f"copy (select 'added' as action, '1' as client_customer_id) to '{tmp_path}/b.parquet'"
        )
        untouched = (tmp_path / "b.parquet").read_bytes()
        assert forget_in_history(tmp_path, {"2"}) == 1
        rows = connection.execute(f"from read_parquet('{tmp_path}/a.parquet')").fetchall()
    assert sorted(rows, key=str) == [("added", "1"), ("profiled", None)]
    assert (tmp_path / "b.parquet").read_bytes() == untouched
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet", "b.parquet"}


def test_deliveries_say_that_somebody_is_gone_and_no_more_of_them(tmp_path):
    deliver(tmp_path, ("1", "ann@acme.com"), ("2", "bob@acme.com"), at=1)
    deliver(tmp_path, ("1", "ann@new.com"), at=2)
    assert forget_in_deliveries(tmp_path, {"2"}, {"bob@acme.com"}) == []
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"bob@" not in path.read_bytes(), path
    lines = (tmp_path / "latest" / "changes.jsonl").read_text().splitlines()
    assert {"object": "contacts", "change": "gone", "key": {"user_id": "2"}} in map(
        json.loads, lines
    )
    assert any("ann@new.com" in line for line in lines)
    # and the next delivery goes on from this one
    deliver(tmp_path, ("1", "ann@new.com"), at=3)
    assert (tmp_path / "latest" / "changes.jsonl").read_text() == ""


def test_a_delivery_of_before_is_told_to_hold_them(tmp_path):
    deliver(tmp_path, ("2", "bob@acme.com"), at=1)
    assert forget_in_deliveries(tmp_path, {"2"}, {"bob@acme.com"}) == ["contacts.csv"]


def test_an_address_that_ends_like_theirs_is_left_alone(tmp_path):
    deliver(tmp_path, ("3", "jobob@acme.com"), at=1)
    assert forget_in_deliveries(tmp_path, {"2"}, {"bob@acme.com"}) == []
    assert "jobob@acme.com" in (tmp_path / "latest" / "changes.jsonl").read_text()


def test_a_folder_without_deliveries_is_left_alone(tmp_path):
    assert forget_in_deliveries(tmp_path / "none", {"2"}, {"bob@acme.com"}) == []
    assert not (tmp_path / "none").exists()


def test_the_warehouse_and_older_versions_are_removed(tmp_path):
    database = tmp_path / "warehouse.duckdb"
    database.touch()
    remove_warehouse(database)
    remove_warehouse(database)
    assert not database.exists()
    for name in ("old", "new"):
        (tmp_path / "versions" / name).mkdir(parents=True)
    (tmp_path / "current").symlink_to("versions/new")
    assert drop_older_versions(tmp_path) == 1
    assert (tmp_path / "current").resolve().is_dir()
