"""The published copy: whole or not at all, readable by anyone, swapped under nobody's feet."""

import json
import os
import signal
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from c360_assets.contracts.model import Table, columns
from c360_assets.warehouse.publish import KEPT_VERSIONS, current_database, publish
from c360_assets.warehouse.session import SAFE_CONFIG

AT = datetime(2021, 12, 1, 5)
PEOPLE = Table(
    name="people",
    layer="marts",
    grain="One row per person, whatever they're called.",
    columns=columns("""
        id     BIGINT        not null -- the person's number
        emails VARCHAR[]              -- addresses
        worth  DECIMAL(38,2)          -- money
        day    DATE                   -- a day
        at     TIMESTAMP              -- a time
    """),
    key=("id",),
)
NOTES = Table("notes", "ops", "One row per note.", columns("note VARCHAR -- the note"))
TABLES = (PEOPLE, NOTES)
# Everything by which a publication touches the disk, but for the writing of the files' content.
STEPS = ("mkdir", "chmod", "rename", "symlink", "remove", "rmdir")

# Publishes version `second`; the process is killed by itself before its n-th step (0: never).
PUBLISHER = f"""
import os, signal, sys
from datetime import datetime
from pathlib import Path
import duckdb
from c360_assets_tests.warehouse.test_publish import TABLES, filled
from c360_assets.warehouse.publish import publish

home, kill_at, steps = Path(sys.argv[1]), int(sys.argv[2]), 0

def count(event, arguments):
    global steps
    if event.removeprefix("os.") in {STEPS!r} and str(home / "published") in str(arguments[0]):
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

connection = filled("second")
sys.addaudithook(count)
publish(connection, TABLES, home / "published", "second", datetime(2021, 12, 2))
print(steps)
"""


def filled(note: str) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with both tables; `notes` is a view, as big tables are."""
    connection = duckdb.connect()
    connection.execute("create schema marts; create schema ops")
    connection.execute(
        "create table marts.people as select 1::bigint as id, ['a@x', 'b''s@x'] as emails,"
        " 12.34::decimal(38,2) as worth, date '2021-12-01' as day,"
        " timestamp '2021-12-01 05:06:07.123456' as at"
        " union all select 2, [], null, null, null"
    )
    connection.execute(f"create view ops.notes as select '{note}' as note")
    return connection


def published(folder: Path, note: str = "first", at: datetime = AT):
    with filled(note) as connection:
        return publish(connection, TABLES, folder, note, at)


def read(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(current_database(folder)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def note_of(folder: Path) -> str:
    return read(folder, "select note from ops.notes")[0][0]


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "versions").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


def test_the_copy_holds_the_tables_as_they_are_in_the_warehouse(folder):
    version = published(folder)
    with filled("first") as connection:
        expected = connection.execute("select * from marts.people order by id").fetchall()
    assert read(folder, "select * from marts.people order by id") == expected
    assert note_of(folder) == "first"
    assert version.rows == {"marts.people": 2, "ops.notes": 1}


def test_a_view_of_the_warehouse_is_a_table_in_the_copy(folder):
    published(folder)
    assert read(folder, "select count(*) from duckdb_views() where not internal") == [(0,)]


def test_parquet_twins_equal_the_tables(folder):
    published(folder)
    for table in TABLES:
        twin = folder / "current" / "parquet" / f"{table.qualified_name}.parquet"
        both = (
            read(folder, f"from {table.qualified_name} order by all"),
            read(folder, f"from '{twin}' order by all"),
        )
        assert both[0] == both[1]
        types = [
            [row[:2] for row in read(folder, f"describe from {source}")]
            for source in (table.qualified_name, f"'{twin}'")
        ]
        assert types[0] == types[1]


@pytest.mark.parametrize("cluster_by", [("person",), ()], ids=["sorted", "as it comes"])
def test_rows_that_are_looked_up_together_lie_together(tmp_path, cluster_by):
    visits = Table(
        name="visits",
        layer="marts",
        grain="One row per visit.",
        columns=columns("person BIGINT -- who\nday BIGINT -- when"),
        cluster_by=cluster_by,
    )
    connection = duckdb.connect(config=SAFE_CONFIG)
    connection.execute(
        "create schema marts; create table marts.visits as"
        " select i % 1000 as person, i // 1000 as day from range(500000) as t (i)"
    )
    publish(connection, (visits,), tmp_path, "first", AT)
    groups_with_somebody = (
        "select count(*) from (select rowid // 122880 from marts.visits group by all"
        " having 500 between min(person) and max(person))"
    )
    with duckdb.connect(str(current_database(tmp_path)), read_only=True) as reader:
        assert reader.execute("select count(*) from marts.visits").fetchall() == [(500_000,)]
        found = reader.execute(groups_with_somebody).fetchall()[0][0]
        assert found <= 2 if cluster_by else found == 5
    parquet = tmp_path / "current" / "parquet" / "marts.visits.parquet"
    found = duckdb.execute(
        "select count(distinct row_group_id) from parquet_metadata(?) where path_in_schema ="
        " 'person' and 500 between stats_min_value::bigint and stats_max_value::bigint",
        [str(parquet)],
    ).fetchall()[0][0]
    assert found <= 2 if cluster_by else found >= 4


def test_the_contracts_words_are_carried_as_comments(folder):
    published(folder)
    tables = dict(read(folder, "select table_name, comment from duckdb_tables()"))
    assert tables == {table.name: table.grain for table in TABLES}
    found = read(
        folder,
        "select column_name, comment from duckdb_columns() where table_name = 'people' order by 1",
    )
    assert found == sorted((column.name, column.description) for column in PEOPLE.columns)


def test_the_manifest_tells_the_run_the_time_and_the_rows(folder):
    version = published(folder)
    manifest = json.loads((folder / "current" / "manifest.json").read_text())
    assert manifest == {
        "run_id": "first",
        "published_at": "2021-12-01T05:00:00Z",
        "rows": {"marts.people": 2, "ops.notes": 1},
    }
    files = [path for path in version.folder.rglob("*") if path.is_file()]
    assert version.size_bytes == sum(path.stat().st_size for path in files)
    assert len(files) == 1 + 1 + len(TABLES)


def test_every_file_is_read_only(folder):
    version = published(folder)
    modes = {stat.S_IMODE(p.stat().st_mode) for p in version.folder.rglob("*") if p.is_file()}
    assert modes == {0o444}


def test_no_write_ahead_log_is_left_beside_the_copy(folder):
    version = published(folder)
    assert not list(version.folder.glob("*.wal"))


def test_publishing_again_swaps_the_link_and_keeps_a_version_back(folder):
    notes = [f"note{n}" for n in range(4)]
    for n, note in enumerate(notes):
        published(folder, note, AT + timedelta(hours=n))
        assert note_of(folder) == note
    assert len(versions(folder)) == KEPT_VERSIONS
    assert [name.partition("-")[2] for name in versions(folder)] == notes[-KEPT_VERSIONS:]


def test_a_clock_that_goes_back_does_not_prune_the_newest_copy(folder):
    for n in range(3):
        published(folder, f"note{n}", AT - timedelta(hours=n))
        assert note_of(folder) == f"note{n}"


def test_a_reader_of_an_old_version_is_not_disturbed(folder):
    published(folder, "note0")
    with duckdb.connect(str(current_database(folder)), read_only=True) as reader:
        for n in range(1, 4):
            published(folder, f"note{n}", AT + timedelta(hours=n))
        assert not any("note0" in name for name in versions(folder)), "it is pruned by now"
        assert reader.execute("select note from ops.notes").fetchall() == [("note0",)]
        assert reader.execute("select count(*) from marts.people").fetchall() == [(2,)]


def test_readers_may_be_many(folder):
    published(folder)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
    script += "print(c.sql('from ops.notes'))"
    with duckdb.connect(str(current_database(folder)), read_only=True):
        command = [sys.executable, "-c", script, str(current_database(folder))]
        assert "first" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_failure_leaves_the_previous_version_and_the_next_success_tidies_up(folder):
    published(folder)
    missing = Table("missing", "marts", "One row per nothing.", columns("id BIGINT -- number"))
    with filled("second") as connection:
        with pytest.raises(Exception, match="missing"):
            publish(connection, (NOTES, missing), folder, "second", AT + timedelta(hours=1))
        assert note_of(folder) == "first"
        publish(connection, TABLES, folder, "second", AT + timedelta(hours=2))
    assert note_of(folder) == "second"
    assert not [name for name in versions(folder) if name.startswith(".")]


def test_a_path_with_a_quote_is_fine(tmp_path):
    folder = tmp_path / "it's here"
    published(folder)
    assert note_of(folder) == "first"


def run_publisher(home: Path, kill_at: int) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", PUBLISHER, str(home), str(kill_at)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root}
    )


@pytest.mark.slow
def test_killed_before_any_step_the_previous_version_or_the_new_one_stands_whole(tmp_path):
    published(tmp_path / "rehearsal" / "published")
    rehearsal = run_publisher(tmp_path / "rehearsal", kill_at=0)
    assert rehearsal.returncode == 0, rehearsal.stderr
    steps = int(rehearsal.stdout)
    assert steps >= 10
    seen = []
    for kill_at in range(1, steps + 1):
        folder = tmp_path / f"killed{kill_at}" / "published"
        published(folder)
        killed = run_publisher(folder.parent, kill_at)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        seen.append(note_of(folder))
        assert read(folder, "select count(*) from marts.people") == [(2,)]
        assert json.loads((folder / "current" / "manifest.json").read_text())["run_id"] == seen[-1]
        published(folder, "third", AT + timedelta(days=9))
        assert note_of(folder) == "third"
        assert len(versions(folder)) <= KEPT_VERSIONS
    assert seen == sorted(seen), "once the new one is there, it stays"
    assert "first" in seen


@pytest.fixture(scope="module")
def older_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DuckDB 1.4 in it; the test is skipped where it cannot be had."""
    target = tmp_path_factory.mktemp("duckdb_1_4")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "0", "--target", str(target)]
    try:
        done = subprocess.run(
            [*command, "duckdb==1.4.*"], capture_output=True, text=True, check=False, timeout=120
        )
    except subprocess.TimeoutExpired:
        pytest.skip("DuckDB 1.4 could not be fetched in two minutes")
    if done.returncode != 0:
        pytest.skip(f"DuckDB 1.4 could not be fetched: {done.stderr.strip()[-200:]}")
    return target


@pytest.mark.slow
def test_a_client_of_duckdb_1_4_reads_the_copy(folder, older_duckdb):
    published(folder)
    script = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print(duckdb.__version__)
print(connection.execute("select * from marts.people order by id").fetchall())
print(sorted(connection.execute("select comment from duckdb_tables()").fetchall()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(current_database(folder))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(older_duckdb)},
    )
    assert done.returncode == 0, done.stderr
    version, people, comments = done.stdout.splitlines()
    assert version.startswith("1.4.")
    assert people == str(read(folder, "select * from marts.people order by id"))
    assert comments == str(sorted([(PEOPLE.grain,), (NOTES.grain,)]))


def test_the_file_says_that_it_is_written_for_older_clients(folder):
    published(folder)
    tags = read(folder, "select tags from duckdb_databases() where not internal")
    assert tags[0][0]["storage_version"].startswith("v1.2")
