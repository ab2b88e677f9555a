"""The whole round, with Dagster's daemon and a browser: two become one, and two again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from c360_assets.instance import prepare_dagster_home
from c360_assets_tests.pipeline import World
from c360_assets_tests.resolution.conftest import TABLES
from c360_assets_tests.test_end_to_end_processes import ROOT, Server, environment
from c360_assets_tests.ui.review_world import TWICE, newest
from c360_assets_tests.ui.serving import Window, served, window

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("review_round"),
]
DEADLINE_SECONDS = 500.0
CONFIG = "[sensors]\nsettle_seconds = 0\ninterval_seconds = 5\n"
OLD, NEW = "eva10.long10+news@acme10.com", "eva10.long10@acme10.com"


def run_everything(world: World) -> None:
    """The first run, by `c360 run`."""
    done = subprocess.run(
        [sys.executable, "-m", "c360_assets.cli", "run"],
        env=environment(world),
        cwd=world.folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@contextmanager
def daemon(world: World) -> Iterator[Server]:
    """Dagster's daemon, with its sensors, in a process group that is ended with the block."""
    log = world.folder / "daemon.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"],
            cwd=ROOT,
            env=environment(world),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(process, 0, log)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def contact_ids(world: World) -> dict[str, str]:
    """The contact of each of the two addresses, as published by now."""
    found = newest(world).rows("review/contacts", addresses=[OLD, NEW])
    return {row["email"]: row["contact_id"] for row in found}


def wait_until(server: Server, is_so: Callable[[], bool]) -> None:
    server.deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        server.pause()


def person_at(there: Window, url: str, contact_id: str) -> str:
    """The id that the page of an id is about in the end."""
    there.open(f"{url}/contacts/{quote(contact_id, safe='')}")
    return urlsplit(there.page.url).path.removeprefix("/contacts/")


def test_two_people_become_one_by_a_key_and_two_again_by_an_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # put back what preparing the home sets
    config = tmp_path / "c360.toml"
    config.write_text(CONFIG)
    monkeypatch.setenv("C360_CONFIG", str(config))
    users = "\n".join(["id,name,email,gaggle_id,created_at,phone", *TWICE])
    world = World(tmp_path).write(
        **{**TABLES, "raw_user": users, "merged_user": "old_email,new_email"}
    )
    prepare_dagster_home(world.settings)
    run_everything(world)
    with daemon(world) as server:
        before = contact_ids(world)
        assert len(set(before.values())) == 2
        with (
            served(world.settings, environment={"C360_CONFIG": str(config)}) as url,
            window(browser) as there,
        ):
            page = there.open(f"{url}/review?pair={quote(f'{OLD}~{NEW}')}").page
            page.keyboard.press("a")
            page.wait_for_url("**/review?after=*")
            (file,) = world.settings.merges_dir.glob("merged_user_*.csv")
            assert f"{OLD},{NEW},merge," in file.read_text()
            arrived = page.get_by_text("In the data since")
            expect(arrived).to_be_visible(timeout=DEADLINE_SECONDS * 1000)

            (one,) = set(contact_ids(world).values())
            assert one in before.values()
            for contact_id in before.values():
                assert person_at(there, url, contact_id) == one
            expect(page.get_by_text(OLD, exact=True).first).to_be_visible()
            expect(page.get_by_text(NEW, exact=True).first).to_be_visible()

            there.open(f"{url}/review/history?key={quote(OLD)}")
            page.get_by_role("link", name="Undo").click()
            page.wait_for_url("**/review/history?*undo=*")
            there.open(page.url)
            page.get_by_role("button", name="Undo it").click()
            expect(page.get_by_text("Take this decision back?")).not_to_be_visible()
            wait_until(server, lambda: contact_ids(world) == before)

            for contact_id in before.values():
                assert person_at(there, url, contact_id) == contact_id
            there.open(f"{url}/review/history?key={quote(OLD)}&decision=merge")
            expect(page.get_by_role("cell", name="undone", exact=True)).to_be_visible()
            # what was decided once is not suggested again, and the page says what was said
            there.open(f"{url}/review?pair={quote(f'{OLD}~{NEW}')}")
            expect(page.get_by_text("This pair is not open")).to_be_visible()
            expect(page.get_by_text("took back").first).to_be_visible()
            expect(page.get_by_text("Outcome: undone.").first).to_be_visible()
