"""The file destination: whole deliveries, exact changes, honest types."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.activation.destinations.base import Delivery, Destination
from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CRM_OBJECTS, CrmObject
from c360_assets.errors import ContractError, DeliveryError
from c360_assets_tests.activation.sync.crm_small import Person, Small

NOON = datetime(2021, 12, 1, 12, 0, tzinfo=UTC)
CONTACTS = CrmObject("contacts", ("user_id",), "select * from contacts", "people")
COMPANIES = CrmObject("companies", ("domain",), "select * from companies;\n", "companies")
TYPES = """
    select '1' as id, 'a' as text, '' as empty, 7::bigint as whole,
        170141183460469231::hugeint as huge, 1.50::decimal(18, 2) as money, 1e-10::double as ratio,
        true as yes, date '2021-02-03' as day, time '10:11:12' as clock,
        timestamp '2021-02-03 04:05:06' as moment, timestamp '2021-02-03 04:05:06.07' as precise,
        timestamptz '2021-02-03 04:05:06+02' as zoned, ['a,b', 'c"d'] as words,
        'x'::enum('x', 'y') as mood, '7d1a4c1e-0000-4000-8000-000000000000'::uuid as token
    union all
    select '2', null, null, null, null, null, 'nan'::double,
        null, null, null, null, null, null, null, null, null
    union all
    select '3', 'NULL', '', -9007199254740993, -1, -0.05, '-infinity'::double,
        false, null, null, null, null, null, [], null, null
"""


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create table contacts (user_id varchar, email varchar, orders bigint)")
    connection.execute("insert into contacts values ('2', 'b@x.io', 5), ('1', 'a@x.io', 0)")
    connection.execute("create table companies (domain varchar, is_paying boolean)")
    connection.execute("insert into companies values ('x.io', true)")
    yield connection
    connection.close()


def deliver(
    connection: Any, folder: Path, *objects: CrmObject, run: str = "run", **options: Any
) -> Delivery:
    chosen = objects or (CONTACTS, COMPANIES)
    return FileDestination(folder, **options).deliver(connection, chosen, run, NOON)


def changes(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "latest" / "changes.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.split("\n")[:-1]]


def counts(delivery: Delivery) -> list[tuple[str, int, int, int, int, int]]:
    return [(o.name, o.rows, o.new, o.changed, o.gone, o.unchanged) for o in delivery.objects]


def read_cells(path: Path) -> list[list[str | None]]:
    """RFC 4180, written out by hand: a quoted cell is text, an empty bare one is null."""
    text, rows, row, position = path.read_bytes().decode("utf-8"), [], [], 0
    while position < len(text):
        cell: str | None
        if text[position] == '"':
            cell, position = "", position + 1
            while text[position] != '"' or text[position : position + 2] == '""':
                cell += text[position]
                position += 2 if text[position] == '"' else 1
            position += 1
        else:
            end = position
            while text[end] not in ",\n":
                assert text[end] not in '"\r'
                end += 1
            cell, position = text[position:end] or None, end
        row.append(cell)
        if text[position] == "\n":
            rows.append(row)
            row = []
        position += 1
    return rows


PARSERS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": Decimal,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
    "array": json.loads,
}


def read_typed(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read an object as any Data Package tool would: by schema.json alone."""
    package = json.loads((folder / "latest" / "schema.json").read_text(encoding="utf-8"))
    resource = next(r for r in package["resources"] if r["name"] == name)
    fields = resource["schema"]["fields"]
    header, *rows = read_cells(folder / "latest" / resource["path"])
    assert header == [f["name"] for f in fields]
    return [
        {
            f["name"]: None if cell is None else PARSERS[f["type"]](cell)
            for f, cell in zip(fields, row, strict=True)
        }
        for row in rows
    ]


def apply_changes(
    records: dict[str, dict[str, Any]], lines: Sequence[dict[str, Any]], key: str
) -> dict[str, dict[str, Any]]:
    result = {k: dict(v) for k, v in records.items()}
    for line in lines:
        identity = line["key"][key]
        if line["change"] == "new":
            assert identity not in result
            result[identity] = line["record"]
        elif line["change"] == "gone":
            assert result.pop(identity) == line["record"]
        else:
            for name, values in line["fields"].items():
                assert result[identity].get(name) == values["old"] != values["new"]
                result[identity][name] = values["new"]
    return result


def test_first_delivery_is_all_new_and_sorted_by_key(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    delivery = deliver(warehouse, tmp_path)
    assert counts(delivery) == [("contacts", 2, 2, 0, 0, 0), ("companies", 1, 1, 0, 0, 0)]
    assert (tmp_path / "latest" / "contacts.csv").read_text() == (
        "user_id,email,orders\n1,a@x.io,0\n2,b@x.io,5\n"
    )
    assert changes(tmp_path)[0] == {
        "object": "contacts",
        "change": "new",
        "key": {"user_id": "1"},
        "record": {"user_id": "1", "email": "a@x.io", "orders": 0},
    }
    assert delivery.objects[0].path == Path(delivery.location) / "contacts.csv"
    assert (tmp_path / "latest").resolve() == Path(delivery.location).resolve()


def test_the_file_destination_is_a_destination(tmp_path: Path) -> None:
    destination: Destination = FileDestination(tmp_path)
    assert destination.name == "file"


def test_unchanged_data_delivers_the_same_bytes_and_no_changes(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    before = (tmp_path / "latest" / "contacts.csv").read_bytes()
    delivery = deliver(warehouse, tmp_path)
    assert delivery.number_of_changes == 0
    assert counts(delivery)[0] == ("contacts", 2, 0, 0, 0, 2)
    assert (tmp_path / "latest" / "changes.jsonl").read_bytes() == b""
    assert (tmp_path / "latest" / "contacts.csv").read_bytes() == before


def test_changes_name_old_and_new_values_in_key_order(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    warehouse.execute("update contacts set email = null where user_id = '2'")
    warehouse.execute("delete from contacts where user_id = '1'")
    warehouse.execute("insert into contacts values ('3', '#c', 1)")
    delivery = deliver(warehouse, tmp_path)
    assert counts(delivery)[0] == ("contacts", 2, 1, 1, 1, 0)
    lines = (tmp_path / "latest" / "changes.jsonl").read_text().splitlines()
    assert lines == [
        '{"object":"contacts","change":"gone","key":{"user_id":"1"},'
        '"record":{"user_id":"1","email":"a@x.io","orders":0}}',
        '{"object":"contacts","change":"changed","key":{"user_id":"2"},'
        '"fields":{"email":{"old":"b@x.io","new":null}}}',
        '{"object":"contacts","change":"new","key":{"user_id":"3"},'
        '"record":{"user_id":"3","email":"#c","orders":1}}',
    ]


def test_every_type_survives_csv_and_schema(tmp_path: Path) -> None:
    kinds = CrmObject("kinds", ("id",), TYPES, "one of each")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Tokyo'")
        deliver(connection, tmp_path, kinds)
    first, nulls, third = read_typed(tmp_path, "kinds")
    assert first == {
        "id": "1",
        "text": "a",
        "empty": "",
        "whole": 7,
        "huge": 170141183460469231,
        "money": Decimal("1.50"),
        "ratio": Decimal("1e-10"),
        "yes": True,
        "day": date(2021, 2, 3),
        "clock": time(10, 11, 12),
        "moment": datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC),
        "precise": datetime(2021, 2, 3, 4, 5, 6, 70000, tzinfo=UTC),
        "zoned": datetime(2021, 2, 3, 2, 5, 6, tzinfo=UTC),
        "words": ["a,b", 'c"d'],
        "mood": "x",
        "token": "7d1a4c1e-0000-4000-8000-000000000000",
    }
    assert nulls["ratio"].is_nan()
    assert all(v is None for k, v in nulls.items() if k not in {"id", "ratio"})
    assert third["ratio"] == Decimal("-Infinity")
    assert (third["text"], third["empty"], third["words"]) == ("NULL", "", [])
    assert (third["whole"], third["money"]) == (-9007199254740993, Decimal("-0.05"))
    assert "2021-02-03T04:05:06Z" in (tmp_path / "latest" / "kinds.csv").read_text()


def test_every_type_is_valid_json_in_changes_and_unchanged_when_delivered_again(
    tmp_path: Path,
) -> None:
    kinds = CrmObject("kinds", ("id",), TYPES, "one of each")
    deliver(duckdb.connect(), tmp_path, kinds)
    record = changes(tmp_path)[0]["record"]
    assert record["money"] == Decimal("1.50")
    assert record["zoned"] == "2021-02-03T02:05:06Z"
    assert record["words"] == ["a,b", 'c"d']
    assert [line["record"]["ratio"] for line in changes(tmp_path)[1:]] == ["NaN", "-INF"]
    assert deliver(duckdb.connect(), tmp_path, kinds).number_of_changes == 0


def test_schema_is_a_data_package_with_keys_and_sizes(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    package = json.loads((tmp_path / "latest" / "schema.json").read_text())
    contacts = package["resources"][0]
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert contacts["schema"]["primaryKey"] == ["user_id"]
    assert contacts["schema"]["missingValues"] == [""]
    assert contacts["bytes"] == (tmp_path / "latest" / "contacts.csv").stat().st_size
    assert [f["type"] for f in contacts["schema"]["fields"]] == ["string", "string", "integer"]


def test_commas_quotes_line_breaks_and_unicode_survive(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    awkward = [
        'a,b;"c"',
        "line\nbreak",
        "carriage\rreturn",
        "é 漢 🦆 \u2028",
        " pad ",
        "#x",
        "\\",
        '"',
    ]
    warehouse.execute("delete from contacts")
    for number, text in enumerate(awkward):
        warehouse.execute("insert into contacts values (?, ?, 0)", [str(number), text])
    deliver(warehouse, tmp_path)
    assert [r["email"] for r in read_typed(tmp_path, "contacts")] == awkward
    assert [c["record"]["email"] for c in changes(tmp_path)[:-1]] == awkward
    with (tmp_path / "latest" / "contacts.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["email"] for row in csv.DictReader(stream)] == awkward


def test_formulas_are_true_by_default_and_escaped_on_request(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    risky = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "＝1", "a=1", "'t Hooft", "", None]
    warehouse.execute("delete from contacts")
    for number, text in enumerate(risky):
        warehouse.execute("insert into contacts values (?, ?, -5)", [f"{number:02}", text])
    deliver(warehouse, tmp_path / "true")
    assert [r["email"] for r in read_typed(tmp_path / "true", "contacts")] == risky
    deliver(warehouse, tmp_path / "safe", escape_formulas=True)
    records = read_typed(tmp_path / "safe", "contacts")
    expected = ["'" + t if t else t for t in risky[:8]] + risky[8:]
    assert [r["email"] for r in records] == expected
    assert {r["orders"] for r in records} == {-5}
    assert [c["record"]["email"] for c in changes(tmp_path / "safe")[:-1]] == risky
    package = json.loads((tmp_path / "safe" / "latest" / "schema.json").read_text())
    assert "c360:escaped_formulas" in package["resources"][0]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ("('1', 'z', 0)", r"'1' \(2 times\)"),
        ("(null, 'z', 0)", "1 rows with a null key"),
    ],
)
def test_duplicate_and_null_keys_are_refused_and_the_last_delivery_stands(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, rows: str, named: str
) -> None:
    before = deliver(warehouse, tmp_path)
    warehouse.execute(f"insert into contacts values {rows}")
    with pytest.raises(DeliveryError, match=named):
        deliver(warehouse, tmp_path)
    assert (tmp_path / "latest").resolve() == Path(before.location).resolve()
    assert [p.name for p in (tmp_path / "deliveries").iterdir()] == [Path(before.location).name]


def test_a_composite_key_identifies_records(tmp_path: Path) -> None:
    connection = duckdb.connect()
    pairs = CrmObject("pairs", ("a", "b"), "select * from pairs", "pairs")
    connection.execute(
        "create table pairs as select * from (values (1, 1, 'x'), (1, 2, 'y')) t(a, b, c)"
    )
    deliver(connection, tmp_path, pairs)
    connection.execute("update pairs set c = 'z' where b = 2")
    deliver(connection, tmp_path, pairs)
    assert [(c["key"], c["change"]) for c in changes(tmp_path)] == [({"a": 1, "b": 2}, "changed")]


def test_added_and_removed_columns_change_only_records_where_they_hold_something(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    warehouse.execute("alter table contacts add column plan varchar")
    warehouse.execute("update contacts set plan = 'pro' where user_id = '1'")
    assert counts(deliver(warehouse, tmp_path))[0] == ("contacts", 2, 0, 1, 0, 1)
    assert changes(tmp_path)[0]["fields"] == {"plan": {"old": None, "new": "pro"}}
    warehouse.execute("alter table contacts drop column plan")
    deliver(warehouse, tmp_path)
    assert [c["fields"] for c in changes(tmp_path)] == [{"plan": {"old": "pro", "new": None}}]


def test_a_wider_number_is_no_change_but_a_new_kind_of_value_is(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    warehouse.execute("alter table contacts alter orders type decimal(18, 2)")
    assert deliver(warehouse, tmp_path).number_of_changes == 0
    warehouse.execute("alter table contacts alter orders type varchar")
    assert counts(deliver(warehouse, tmp_path))[0] == ("contacts", 2, 0, 2, 0, 0)
    fields = changes(tmp_path)[0]["fields"]
    assert fields == {"orders": {"old": Decimal("0.00"), "new": "0.00"}}


def test_an_object_that_is_no_longer_delivered_is_gone_and_one_that_is_added_is_new(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    assert counts(deliver(warehouse, tmp_path, CONTACTS)) == [
        ("contacts", 2, 0, 0, 0, 2),
        ("companies", 0, 0, 0, 1, 0),
    ]
    assert [(c["object"], c["change"]) for c in changes(tmp_path)] == [("companies", "gone")]
    assert counts(deliver(warehouse, tmp_path))[1] == ("companies", 1, 1, 0, 0, 0)


def test_a_changed_key_is_refused(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(warehouse, tmp_path, CONTACTS)
    by_email = CrmObject("contacts", ("email",), CONTACTS.select, "people")
    with pytest.raises(DeliveryError, match="its key was \\(user_id VARCHAR\\)"):
        deliver(warehouse, tmp_path, by_email)


@pytest.mark.parametrize("file", [".state/contacts.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", ["removed", "truncated", "flipped"])
def test_a_damaged_last_delivery_is_refused_with_a_remedy(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, file: str, damage: str
) -> None:
    path = Path(deliver(warehouse, tmp_path).location) / file
    content = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 255]) + content[-8:])
    with pytest.raises(DeliveryError, match="restore it from a backup, or move"):
        deliver(warehouse, tmp_path)
    path.write_bytes(content)
    assert deliver(warehouse, tmp_path).number_of_changes == 0


def test_a_missing_last_delivery_or_link_is_refused(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path)
    last = Path(deliver(warehouse, tmp_path).location)
    (tmp_path / "latest").unlink()
    with pytest.raises(DeliveryError, match="latest is missing"):
        deliver(warehouse, tmp_path)
    (tmp_path / "latest").symlink_to(Path("deliveries") / last.name)
    last.rename(tmp_path / "elsewhere")
    with pytest.raises(DeliveryError, match="points to"):
        deliver(warehouse, tmp_path)
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").mkdir()
    with pytest.raises(DeliveryError, match="is no link"):
        deliver(warehouse, tmp_path)


def test_the_newest_five_deliveries_are_kept(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    names = [Path(deliver(warehouse, tmp_path, run=f"run{n}").location).name for n in range(7)]
    assert sorted(p.name for p in (tmp_path / "deliveries").iterdir()) == names[2:]


def test_two_deliveries_at_once_are_refused(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(DeliveryError, match=r"another delivery .* is under way"),
    ):
        deliver(warehouse, tmp_path)


@pytest.mark.parametrize(
    ("crm_object", "message"),
    [
        (CrmObject("lost", ("a",), "select a from nowhere", ""), "crm object lost cannot be read"),
        (CrmObject("keyless", ("a",), "select 1 as b", ""), "key column a is not in its SELECT"),
        (CrmObject("blob", ("a",), "select 1 as a, ''::blob as b", ""), "column b: type BLOB"),
    ],
)
def test_an_object_that_cannot_be_delivered_is_named(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, crm_object: CrmObject, message: str
) -> None:
    with pytest.raises(DeliveryError, match=message):
        deliver(warehouse, tmp_path, CONTACTS, crm_object)
    assert not (tmp_path / "latest").exists()


def test_objects_with_unsafe_names_or_no_key_cannot_be_made() -> None:
    with pytest.raises(ContractError, match="becomes a file name"):
        CrmObject("../etc", ("a",), "select 1 as a", "")
    with pytest.raises(ContractError, match="give a tuple"):
        CrmObject("contacts", (), "select 1 as a", "")


def test_no_objects_or_twice_the_same_are_refused(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError, match="no crm object"):
        FileDestination(tmp_path).deliver(warehouse, [], "run", NOON)
    with pytest.raises(DeliveryError, match="named twice: contacts"):
        deliver(warehouse, tmp_path, CONTACTS, CONTACTS)


def test_a_read_only_file_and_a_folder_with_odd_characters_will_do(tmp_path: Path) -> None:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table contacts as select '1' as user_id, 'a' as email")
    folder = tmp_path / "o'dd [x]*?{q} é"
    with duckdb.connect(str(path), read_only=True) as connection:
        deliver(connection, folder, CONTACTS)
        assert deliver(connection, folder, CONTACTS).number_of_changes == 0


class Interrupted(BaseException):
    """Stands for a kill that Python still sees."""


class FailingConnection:
    """The caller's connection, until the statement at which it dies."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, dies_at: str) -> None:
        self.connection, self.dies_at = connection, dies_at

    def execute(self, statement: str) -> Any:
        if self.dies_at in statement:
            raise duckdb.IOException("disk on fire")
        return self.connection.execute(statement)


def test_a_connection_that_dies_between_objects_replaces_nothing(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    before = deliver(warehouse, tmp_path)
    warehouse.execute("update contacts set orders = 9")
    with pytest.raises(DeliveryError, match=r"companies cannot be read: .*disk on fire"):
        deliver(FailingConnection(warehouse, "from companies"), tmp_path)
    assert (tmp_path / "latest").resolve() == Path(before.location).resolve()
    assert counts(deliver(warehouse, tmp_path))[0] == ("contacts", 2, 0, 2, 0, 0)


@pytest.mark.parametrize(
    ("error", "first"),
    [(OSError(28, "No space left on device"), False), (Interrupted(), True)],
    ids=["full disk", "interrupt of the first delivery"],
)
def test_a_failure_at_any_system_call_leaves_one_whole_delivery_in_force(
    warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    first: bool,
) -> None:
    survived = 0
    for dies_at in range(100):
        folder = tmp_path / str(dies_at)
        warehouse.execute("update contacts set orders = 0")
        if not first:
            deliver(warehouse, folder)
        warehouse.execute("update contacts set orders = 1")
        with monkeypatch.context() as patch:
            calls = _die_at_call(patch, dies_at, error)
            try:
                deliver(warehouse, folder)
            except (DeliveryError, Interrupted):
                survived += 1
        in_force = changes(folder) if (folder / "latest").exists() else []
        assert len(in_force) in ({0, 3} if first else {2, 3})
        after = deliver(warehouse, folder)
        seen_before = bool(in_force) and in_force[0].get("record", {"orders": 1})["orders"] == 1
        expected = 0 if seen_before else (3 if first else 2)
        assert after.number_of_changes == expected
        assert not list((folder / "deliveries").glob(".tmp-*"))
        if calls[0] <= dies_at:
            break
    assert survived > 8


def _die_at_call(patch: pytest.MonkeyPatch, dies_at: int, error: BaseException) -> list[int]:
    calls = [0]

    def failing(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] - 1 == dies_at:
                raise error
            return original(*args, **kwargs)

        return call

    for name in ("fsync", "rename", "symlink", "replace"):
        patch.setattr(os, name, failing(getattr(os, name)))
    return calls


KILLED = """
import os, sys, duckdb
from datetime import datetime
from pathlib import Path
from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CrmObject

folder, wait_at = Path(sys.argv[1]), sys.argv[2]

def wait():
    print("waiting", flush=True)
    sys.stdin.read()

class Connection:
    def __init__(self):
        self.real = duckdb.connect()
    def execute(self, statement):
        if wait_at == "between objects" and "'b'" in statement:
            wait()
        return self.real.execute(statement)

def before(name):
    original = getattr(os, name)
    def call(*args, **kwargs):
        if wait_at == name and (name != "rename" or "-second" in str(args[1])):
            wait()
        return original(*args, **kwargs)
    setattr(os, name, call)

for name in ("fsync", "rename", "symlink", "replace"):
    before(name)
objects = [
    CrmObject("contacts", ("user_id",), "select '1' as user_id, 2 as orders", ""),
    CrmObject("companies", ("domain",), "select 'b' as domain", ""),
]
FileDestination(folder).deliver(Connection(), objects, "second", datetime(2021, 12, 2))
"""


@pytest.mark.parametrize("moment", ["between objects", "fsync", "rename", "symlink", "replace"])
def test_a_killed_process_leaves_the_last_delivery_and_the_next_one_clears_up(
    tmp_path: Path, moment: str
) -> None:
    old = CrmObject("contacts", ("user_id",), "select '1' as user_id, 1 as orders", "")
    new = CrmObject("contacts", ("user_id",), "select '1' as user_id, 2 as orders", "")
    companies = CrmObject("companies", ("domain",), "select 'b' as domain", "")
    connection = duckdb.connect()
    before = deliver(connection, tmp_path, old, companies)
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), moment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"waiting\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert (tmp_path / "latest").resolve() == Path(before.location).resolve()
    assert read_typed(tmp_path, "contacts") == [{"user_id": "1", "orders": 1}]
    after = deliver(connection, tmp_path, new, companies)
    assert counts(after)[0] == ("contacts", 1, 0, 1, 0, 0)
    names = {p.name for p in (tmp_path / "deliveries").iterdir()}
    assert names == {Path(before.location).name, Path(after.location).name}
    assert {p.name for p in tmp_path.iterdir()} == {".lock", "deliveries", "latest"}


FIELDS = ("name", "orders", "spent", "seen", "paying")
TEXTS = st.none() | st.text(alphabet="ab,\"'\n\r#=é🦆 ", max_size=4)
ROWS = st.dictionaries(
    st.text(alphabet="abAé-10", min_size=1, max_size=2),
    st.fixed_dictionaries(
        {
            "name": TEXTS,
            "orders": st.none() | st.integers(-(2**63), 2**63 - 1),
            "spent": st.none() | st.decimals(-(10**10), 10**10, places=2),
            "seen": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
            "paying": st.none() | st.booleans(),
        }
    ),
    max_size=6,
)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(ROWS, min_size=2, max_size=3))
def test_changes_applied_to_the_previous_records_give_the_current_ones(
    versions: list[dict[str, dict[str, Any]]],
) -> None:
    crm_object = CrmObject("people", ("id",), "select * from people", "")
    replayed: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for version in versions:
            connection.execute(
                "create or replace table people (id varchar, name varchar, orders bigint, "
                "spent decimal(18, 2), seen timestamp, paying boolean)"
            )
            for key, row in version.items():
                connection.execute(
                    "insert into people values (?, ?, ?, ?, ?, ?)",
                    [key, *(row[name] for name in FIELDS)],
                )
            delivery = deliver(connection, Path(folder), crm_object)
            lines = changes(Path(folder))
            replayed = apply_changes(replayed, lines, "id")
            assert delivery.number_of_changes == len(lines)
            assert delivery.objects[0].unchanged == sum(
                1 for k in replayed if k not in {line["key"]["id"] for line in lines}
            )
            expected = {key: {"id": key, **row} for key, row in version.items()}
            assert {k: _typed(v) for k, v in replayed.items()} == _in_utc(expected)
            delivered = read_typed(Path(folder), "people")
            assert delivered == [_in_utc(expected)[k] for k in sorted(expected, key=str.encode)]
            order = [line["key"]["id"].encode() for line in lines]
            assert order == sorted(order)


def _typed(record: dict[str, Any]) -> dict[str, Any]:
    seen = record["seen"]
    return {**record, "seen": datetime.fromisoformat(seen) if seen else None}


def _in_utc(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        key: {**r, "seen": r["seen"].replace(tzinfo=UTC) if r["seen"] else None}
        for key, r in records.items()
    }


def test_each_object_of_c360_has_a_select_of_its_marts_with_its_key_first() -> None:
    assert [o.name for o in CRM_OBJECTS] == ["contacts", "companies", "gaggles"]
    for crm_object in CRM_OBJECTS:
        assert crm_object.select.startswith("-- one row per ")
        assert f"select\n    {_mart(crm_object)}.{crm_object.key[0]}," in crm_object.select


def _mart(crm_object: CrmObject) -> str:
    return crm_object.select.split("from marts.")[1].split()[0]


def test_contacts_without_an_order_are_delivered_without_a_segment(tmp_path: Path) -> None:
    people = [Person("1", "a@x.io", orders=2), Person("2", "b@x.io")]
    connection = Small(tmp_path, "", "", people).published()
    connection.execute(
        "insert into marts.rfm_segments by name select '1' as user_id, 'Champions' as rfm_segment,"
        " 5 as recency_score, 5 as frequency_score, 5 as monetary_score"
    )
    deliver(connection, tmp_path, CRM_OBJECTS[0])
    records = read_typed(tmp_path, "contacts")
    assert [r["rfm_segment"] for r in records] == ["Champions", None]
    assert list(records[0])[-5:] == [
        *("user_cohort", "rfm_segment", "recency_score", "frequency_score", "monetary_score"),
    ]
