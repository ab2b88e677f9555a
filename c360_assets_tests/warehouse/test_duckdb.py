"""The DuckDB warehouse: transactions, whole-table replacement, one writing process at a time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from c360_assets.contracts.model import Table, columns
from c360_assets.errors import WarehouseBusyError, WarehouseError
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.queries import Query
from c360_assets.warehouse.tables import create_empty, replace_table, replace_view, row_count

PEOPLE = Table(
    name="people",
    layer="marts",
    grain="One row per person.",
    columns=columns("id BIGINT not null -- number\nname VARCHAR -- name"),
    key=("id",),
)
ONE = "select 1::bigint as id, 'Ann' as name"
TWO = "select n::bigint as id, 'Bob' as name from range(2) as r(n)"

# Holds the warehouse, says so, and waits to be told what to do next.
HOLDER = """
import sys
from c360_assets.warehouse.duckdb import Warehouse

warehouse = Warehouse(database=sys.argv[1], patience_seconds=float(sys.argv[2]))
with warehouse.transaction() as connection:
    connection.execute("create or replace table marts.people as select 7::bigint id, 'Eve' as name")
    connection.execute("create table marts.half_done as select 1 as one")
    print("holding", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


def attempt(warehouse: Warehouse, *statements: str, and_raise: Exception | None = None) -> None:
    """The statements in one transaction."""
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(statement)
        if and_raise:
            raise and_raise


def insert_in_two_transactions_at_once(warehouse: Warehouse) -> None:
    """The second one commits first; what the first one did then clashes with it."""
    with warehouse.transaction() as first:
        first.execute("insert into marts.unique_ids values (1, 'first')")
        attempt(warehouse, "insert into marts.unique_ids values (1, 'second')")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(database=str(tmp_path / "home" / "warehouse.duckdb"), patience_seconds=0.05)


@contextmanager
def holder(warehouse: Warehouse, patience: float = 0.0) -> Iterator["subprocess.Popen[str]"]:
    """Another process that runs HOLDER; ended with the block, if it is not by then."""
    command = [sys.executable, "-c", HOLDER, warehouse.database, str(patience)]
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def query(text: str) -> Query:
    return Query(name="people", layer="marts", text=text)


def names(warehouse: Warehouse) -> list[str]:
    with warehouse.reading() as connection:
        return [row[0] for row in connection.execute("select name from marts.people").fetchall()]


def given(warehouse: Warehouse) -> None:
    """The table `people` with Ann in it."""
    with warehouse.transaction() as connection:
        replace_table(connection, PEOPLE, query(ONE))


# --- transactions --------------------------------------------------------------------------------


def test_a_transaction_commits_all_of_it(warehouse):
    with warehouse.transaction() as connection:
        assert replace_table(connection, PEOPLE, query(TWO)) == 2
        connection.execute("create table marts.other as select 1 as one")
    with warehouse.reading() as connection:
        assert row_count(connection, PEOPLE) == 2
        assert connection.execute("select one from marts.other").fetchall() == [(1,)]


def test_an_error_of_the_engine_rolls_everything_back_and_says_that_nothing_changed(warehouse):
    given(warehouse)
    with pytest.raises(WarehouseError, match=r"(?s)no_such_table.*the previous tables stand"):
        attempt(warehouse, f"create or replace table marts.people as {TWO}", "from no_such_table")
    assert names(warehouse) == ["Ann"]


def test_any_other_error_rolls_back_too_and_stays_what_it_is(warehouse):
    given(warehouse)
    with pytest.raises(KeyError, match="mine"):
        attempt(warehouse, "drop table marts.people", and_raise=KeyError("mine"))
    assert names(warehouse) == ["Ann"]


def test_an_error_inside_a_string_of_statements_keeps_none_of_them(warehouse):
    given(warehouse)
    with pytest.raises(WarehouseError), warehouse.transaction() as connection:
        connection.execute("delete from marts.people; select error('stop')")
    assert names(warehouse) == ["Ann"]


def test_a_commit_that_the_engine_refuses_is_a_warehouse_error_and_changes_nothing(warehouse):
    warehouse.hold()
    with warehouse.transaction() as connection:
        connection.execute("create table marts.unique_ids (id integer primary key, who varchar)")
    with pytest.raises(WarehouseError):
        insert_in_two_transactions_at_once(warehouse)
    with warehouse.reading() as connection:
        found = connection.execute("select who from marts.unique_ids").fetchall()
    warehouse.let_go()
    assert found == [("second",)]


def test_the_machines_time_zone_changes_nothing(warehouse, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    with warehouse.reading() as connection:
        found = connection.execute(
            "select timestamptz '2021-06-01 12:00:00+02'::timestamp::varchar"
        ).fetchall()
    assert found == [("2021-06-01 10:00:00",)]


# --- replacing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["select error('halfway')", "selec 1", "select * from raw.nothing_there"]
)
def test_a_query_that_fails_leaves_the_previous_table(warehouse, text):
    given(warehouse)
    with pytest.raises(WarehouseError), warehouse.transaction() as connection:
        replace_table(connection, PEOPLE, query(text))
    assert names(warehouse) == ["Ann"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1::bigint as id", "name is missing, must be VARCHAR"),
        ("select 1::integer as id, 'x' as name", "id is INTEGER, must be BIGINT"),
        ("select 'a' as id, 1 as name", "id is VARCHAR, must be BIGINT; name is INTEGER, must be"),
    ],
)
def test_a_result_that_breaks_the_contract_is_refused_by_column_and_type(warehouse, text, words):
    given(warehouse)
    with (
        pytest.raises(WarehouseError, match=rf"marts\.people breaks the contract: {words}"),
        warehouse.transaction() as connection,
    ):
        replace_table(connection, PEOPLE, query(text))
    assert names(warehouse) == ["Ann"]


def test_a_column_beyond_the_contract_is_let_through(warehouse):
    with warehouse.transaction() as connection:
        assert replace_table(connection, PEOPLE, query(f"select *, 1 as extra from ({ONE})")) == 1


def test_a_view_takes_the_place_of_a_table_and_the_other_way_round(warehouse):
    given(warehouse)
    with warehouse.transaction() as connection:
        replace_view(connection, PEOPLE, query(TWO))
        assert row_count(connection, PEOPLE) == 2
    assert names(warehouse) == ["Bob", "Bob"]
    given(warehouse)
    assert names(warehouse) == ["Ann"]


def test_a_table_stays_where_the_view_that_replaces_it_fails(warehouse):
    given(warehouse)
    with pytest.raises(WarehouseError), warehouse.transaction() as connection:
        replace_view(connection, PEOPLE, query("select 1 as wrong"))
    assert names(warehouse) == ["Ann"]


def test_an_empty_table_is_made_only_where_there_is_none(warehouse):
    with warehouse.transaction() as connection:
        create_empty(connection, PEOPLE)
        assert row_count(connection, PEOPLE) == 0
        replace_table(connection, PEOPLE, query(ONE))
        create_empty(connection, PEOPLE)
    assert names(warehouse) == ["Ann"]


# --- one process at a time -----------------------------------------------------------------------


def test_while_held_every_connection_shares_the_open_file(warehouse):
    given(warehouse)
    warehouse.hold()
    with warehouse.reading() as one, warehouse.reading() as another:
        one.execute("create or replace table marts.shared as select 1 as one")
        assert another.execute("select one from marts.shared").fetchall() == [(1,)]
    warehouse.let_go()
    assert names(warehouse) == ["Ann"]


def test_held_twice_it_is_free_after_the_second_letting_go(warehouse):
    warehouse.hold()
    warehouse.hold()
    warehouse.let_go()
    with warehouse.transaction() as connection:
        replace_table(connection, PEOPLE, query(ONE))
    assert is_open(warehouse)
    warehouse.let_go()
    assert not is_open(warehouse)
    warehouse.let_go()  # one too many does no harm
    assert names(warehouse) == ["Ann"]


def is_open(warehouse: Warehouse) -> bool:
    """Whether this process has the file open: another way of opening it is refused then."""
    try:
        duckdb.connect(warehouse.database, config={"threads": 1}).close()
    except duckdb.ConnectionException:
        return True
    return False


def test_two_warehouses_on_one_file_in_one_process_do_not_wait_for_each_other(warehouse):
    warehouse.hold()
    given(Warehouse(database=warehouse.database, patience_seconds=0.05))
    assert names(warehouse) == ["Ann"]
    warehouse.let_go()


def test_a_file_that_is_no_database_is_a_warehouse_error_and_frees_the_lock(warehouse):
    path = Path(warehouse.database)
    path.parent.mkdir()
    path.write_text("this is no database, whatever its name says\n" * 1000)
    with pytest.raises(WarehouseError, match=r"(?s)cannot be opened.*remove it"):
        warehouse.hold()
    path.unlink()
    given(warehouse)


def test_a_second_process_gives_up_after_its_patience_and_says_so(warehouse):
    with holder(warehouse) as process:
        assert told(process) == "holding"
        with pytest.raises(WarehouseBusyError, match="written by another process for 0 s"):
            warehouse.hold()
        with pytest.raises(WarehouseBusyError), warehouse.reading():
            pass


def test_a_second_process_waits_and_goes_on_once_the_first_is_done(warehouse):
    given(warehouse)
    warehouse.hold()
    with holder(warehouse, patience=120) as process:
        assert names(warehouse) == ["Ann"]
        warehouse.let_go()
        assert told(process) == "holding"
        process.communicate("go on\n")
        assert process.returncode == 0
    assert names(warehouse) == ["Eve"]


def test_a_killed_holder_frees_the_lock_and_leaves_every_table_whole(warehouse):
    given(warehouse)
    with holder(warehouse) as process:
        assert told(process) == "holding"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(warehouse) == ["Ann"]
    with warehouse.reading() as connection:
        rows = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
    assert rows == [("people",)]


def test_a_program_that_takes_no_lock_is_named_as_the_one_to_close(warehouse):
    given(warehouse)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", script, warehouse.database]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert told(other) == "1"
        with pytest.raises(WarehouseError, match="Close other programs that have it open"):
            warehouse.hold()
        other.communicate("\n")
    assert names(warehouse) == ["Ann"]


def test_a_warehouse_of_another_release_is_refused_with_the_remedy(tmp_path):
    warehouse = Warehouse(database=str(tmp_path / "w.duckdb"))
    with warehouse.transaction() as connection:
        connection.execute("update ops.layout set version = 'older'")
    refused = pytest.raises(WarehouseError, match=r"another release of c360.*remove it")
    with refused, warehouse.reading():
        pass
    (tmp_path / "w.duckdb").unlink()
    with warehouse.reading() as connection:
        assert connection.execute("select count(*) from ops.source_files").fetchall() == [(0,)]
