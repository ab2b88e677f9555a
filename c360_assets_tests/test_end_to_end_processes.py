"""Whole runs in processes of their own: killed ones, five at once, Dagster's own servers."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from c360_assets import contracts
from c360_assets.instance import prepare_dagster_home
from c360_assets.warehouse.publish import current_database
from c360_assets_tests.pipeline import RANGE_END, RANGE_START, World
from c360_assets_tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_SECONDS = 800.0
BEFORE = {
    "raw_user": """
        id,name,email,gaggle_id,created_at
        1,Ann,ann@acme.com,g1,2021-01-01
        2,Bob,bob@gmail.com,g1,2021-01-02
        3,Cat,cat@gmail.com,g2,2021-01-03
    """,
    "raw_gaggle": "id,name,created_at\ng1,One,2021-01-01\ng2,Two,2021-01-01",
    "raw_event": """
        event_id,user_id,event_name,timestamp
        e1,1,login,2021-02-01 10:00:00
        e2,1,order_placed,2021-02-02 10:00:00
        e3,3,order_placed,2021-02-02 11:00:00
    """,
}
AFTER = {
    "raw_user": BEFORE["raw_user"].rstrip() + "\n        4,Dan,dan@beta.com,g2,2021-01-04",
    "raw_gaggle": BEFORE["raw_gaggle"] + "\ng3,Three,2021-01-03",
    "raw_event": BEFORE["raw_event"].rstrip() + "\n        e4,4,order_placed,2021-02-02 12:00:00",
    "merged_user": "old_email,new_email\nbob@gmail.com,ann@acme.com",
}

# Makes the assets named (all, if none is); is killed at the end of its n-th transaction, before the
# commit (0: never).
RUNNER = """
import os, signal, sys
from contextlib import contextmanager
import dagster as dg
from c360_assets.definitions import build_defs
from c360_assets.instance import prepare_dagster_home
from c360_assets.settings import Settings
from c360_assets.warehouse.duckdb import Warehouse

kill_at, names, begun = int(sys.argv[1]), sys.argv[2:], 0
transaction = Warehouse.transaction

@contextmanager
def deadly(self):
    global begun
    begun += 1
    with transaction(self) as connection:
        yield connection
        if begun == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

Warehouse.transaction = deadly
settings = Settings.load()
prepare_dagster_home(settings)
with dg.DagsterInstance.get() as instance:
    job = build_defs(settings).resolve_job_def("everything")
    chosen = [dg.AssetKey(name) for name in names] or None
    result = job.execute_in_process(
        instance=instance, raise_on_error=False, asset_selection=chosen
    )
print(result.run_id, begun)
sys.exit(0 if result.success else 1)
"""


def environment(world: World) -> dict[str, str]:
    settings = world.settings
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
    return kept | {
        "C360_HOME": str(settings.home_dir),
        "C360_SOURCE": str(settings.source_dir),
        "DAGSTER_HOME": str(settings.dagster_home),
        "PYTHONPATH": str(ROOT),
    }


# what salespeople rely on, without what tells of time and the published copy
IDENTITY_AND_MARTS = tuple(
    sorted(
        {table.asset for table in contracts.ALL_TABLES if table.layer != "ops"}
        - {table.asset for table in (*contracts.TIME_TABLES, *contracts.CANDIDATE_TABLES)}
    )
)


def start(world: World, kill_at: int = 0, assets: Sequence[str] = ()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(kill_at), *assets],
        env=environment(world),
        cwd=world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tables_of(world: World) -> dict[str, list[dict[str, Any]]]:
    """What salespeople rely on, row by row."""
    tables = [t for t in contracts.ALL_TABLES if t.asset in IDENTITY_AND_MARTS]
    names = [t.qualified_name for t in tables if t.layer in ("identity", "marts")]
    names += ["staging.stg_users", "staging.stg_gaggles", "staging.user_event_totals"]
    return {name: world.rows(f"from {name} order by all") for name in names}


@pytest.mark.xdist_group("killed_runs")
def test_a_run_killed_at_any_step_leaves_every_table_whole_and_the_next_run_succeeds(tmp_path):
    expected = tables_of(World(tmp_path / "expected").write(**AFTER).build())
    world = World(tmp_path / "killed").write(**BEFORE).build()
    before = tables_of(world)
    assert all(before[name] != expected[name] for name in ("marts.contacts", "marts.gaggle_facts"))
    world.write(**AFTER)
    # among the raw tables, the staged ones and the marts
    for kill_at in (3, 17, 28, 34):
        process = start(world, kill_at, IDENTITY_AND_MARTS)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == -signal.SIGKILL, errors[-2000:]
        for name, rows in tables_of(world).items():
            assert rows in (before[name], expected[name]), f"{name} is torn after step {kill_at}"
    last = start(world, assets=IDENTITY_AND_MARTS)
    _, errors = last.communicate(timeout=DEADLINE_SECONDS)
    assert last.returncode == 0, errors[-2000:]
    assert tables_of(world) == expected


@pytest.mark.xdist_group("five_runs")
def test_five_runs_at_once_wait_for_each_other_and_none_fails(tmp_path):
    world = World(tmp_path).write(**AFTER)
    # one of them publishes what all of them write
    runs = [start(world)] + [start(world, assets=IDENTITY_AND_MARTS) for _ in range(4)]
    ended = [(run.communicate(timeout=DEADLINE_SECONDS), run.returncode) for run in runs]
    for (_, errors), code in ended:
        assert code == 0, errors[-3000:]
    assert len({out.split()[0] for (out, _), _ in ended}) == 5
    expected = tables_of(World(tmp_path / "expected").write(**AFTER).build())
    assert tables_of(world) == expected
    with duckdb.connect(str(current_database(world.settings.published_dir)), read_only=True) as c:
        assert c.execute("select count(*) from marts.contacts").fetchall() == [(3,)]


# --- the web server and the daemon ---------------------------------------------------------------

REPOSITORY = "{repositoriesOrError{... on RepositoryConnection{nodes{name location{name}}}}}"
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


class Server:
    """`dagster dev` with a home of its own; asked by GraphQL."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log
        self.deadline = time.monotonic() + DEADLINE_SECONDS

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert not answer.get("errors"), answer
        data: dict[str, Any] = answer["data"]
        return data

    def pause(self) -> None:
        """Half a second, unless the server has ended; no longer than the deadline."""
        assert time.monotonic() < self.deadline, self.log.read_text()[-3000:]
        try:
            self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"dagster dev ended:\n{self.log.read_text()[-3000:]}")

    def repository(self) -> dict[str, Any]:
        """The one repository, once the server has loaded it."""
        while True:
            try:
                nodes = self.ask(REPOSITORY)["repositoriesOrError"]["nodes"]
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                nodes = []
            if nodes:
                found: dict[str, Any] = nodes[0]
                return found
            self.pause()

    def status_when_done(self, run_id: str) -> str:
        while True:
            status: str = self.ask(STATUS, id=run_id)["runOrError"]["status"]
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            self.pause()


@contextmanager
def dagster_dev(world: World) -> Iterator[Server]:
    """Both servers in a process group of their own, which is ended with the block."""
    port, log = free_port(), world.folder / "dagster.log"
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=ROOT,
            env=environment(world),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(process, port, log)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.xdist_group("dagster_dev")
def test_web_server_and_daemon_take_a_run_from_the_queue_to_its_success(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")  # put back what preparing the home sets
    world = World(tmp_path).write(**AFTER)
    prepare_dagster_home(world.settings)
    with dagster_dev(world) as server:
        repository = server.repository()
        tags = {RANGE_START: "2021-02-01", RANGE_END: "2021-02-02"}
        launched = server.ask(
            LAUNCH,
            params={
                "selector": {
                    "repositoryName": repository["name"],
                    "repositoryLocationName": repository["location"]["name"],
                    "jobName": "everything",
                },
                "runConfigData": {},
                "executionMetadata": {
                    "tags": [{"key": key, "value": value} for key, value in tags.items()]
                },
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        assert server.status_when_done(launched["run"]["runId"]) == "SUCCESS"
    path = str(current_database(world.settings.published_dir))
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.execute(
            "select sum(number_of_events)::int, sum(number_of_orders)::int from marts.contacts"
        ).fetchall()
    assert found == [(4, 3)]
