"""`c360 forget`, from the command to the last byte: tables, copies, CRM, and no way back."""

import json

import pytest
from typer.testing import CliRunner

from c360_assets.cli import app
from c360_assets.erasure import copies
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.slow

USERS = """
    id,name,email,created_at
    1,Ann,ann@acme.com,2021-01-01
    2,Robert Tables,bob@acme.com,2021-01-02
    3,Bobby,bobby@home.net,2021-01-03
"""


@pytest.fixture
def c360(tmp_path, hubspot, monkeypatch):
    """The command on a small source, with files and HubSpot as CRMs."""
    world = World(tmp_path).write(
        raw_user=USERS,
        merged_user="old_email,new_email\nbobby@home.net,bob@acme.com",
        raw_event="event_id,user_id,event_name,timestamp\n"
        "e1,1,click,2021-02-01\ne2,2,click,2021-02-01\ne3,3,click,2021-02-02",
        raw_order="order_id,user_id,created_at,order_cost\no1,1,2021-02-01,10\no2,2,2021-02-01,20",
        raw_ticket="ticket_id,email,created_at,subject,status\n"
        "t1,bob@acme.com,2021-02-01,Where is it?,open",
    )
    config = tmp_path / "c360.toml"
    config.write_text(f'[crm.hubspot]\nbase_url = "{hubspot.url}"\n')
    for name, value in {
        "C360_HOME": world.settings.home_dir,
        "C360_SOURCE": world.settings.source_dir,
        "C360_CONFIG": config,
        "C360_CRM": "file",
        "HUBSPOT_TOKEN": hubspot.token,
    }.items():
        monkeypatch.setenv(name, str(value))

    def run(*arguments: str, code: int = 0):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, f"{done.output}\n{done.exception!r}"
        return done

    run.world, run.home = world, world.settings.home_dir
    run("run")
    run("crm", "prepare", "--to", "hubspot")
    monkeypatch.setenv("C360_CRM", "file,hubspot")
    run("run", "--select", "crm_sync")
    return run


def test_a_forgotten_person_is_nowhere_and_does_not_come_back(c360, hubspot, monkeypatch):
    assert len(hubspot.records("contacts")) == 2
    # without its key HubSpot cannot be asked: the rest is done, and told so
    monkeypatch.delenv("HUBSPOT_TOKEN")
    first = c360("forget", "bobby@home.net", "--yes", "--by", "dpo@acme.com", "--json", code=1)
    receipt = json.loads(first.stdout)
    assert not receipt["is_complete"]
    assert "HUBSPOT_TOKEN" in receipt["crm"]["hubspot"]["why"]
    assert receipt["rows_removed"]["marts.contacts"] == 1
    assert receipt["rows_left"] == {}
    assert receipt["still_in_files_of_the_source"] == {
        "merged_user.csv": 1,
        "raw_ticket.csv": 1,
        "raw_user.csv": 2,
    }
    assert len(hubspot.records("contacts")) == 2
    (note,) = (c360.home / "erasure" / "pending").iterdir()
    assert note.stat().st_mode & 0o077 == 0
    # the second try does what is left, whichever of their addresses it is told
    monkeypatch.setenv("HUBSPOT_TOKEN", hubspot.token)
    second = json.loads(c360("forget", "bobby@home.net", "--yes", "--json").stdout)
    assert second["is_complete"]
    told = ("receipt", "begun_at", "by", "addresses", "accounts", "rows_removed", "run_id")
    assert {name: second[name] for name in told} == {name: receipt[name] for name in told}
    assert second["history_files_rewritten"] == receipt["history_files_rewritten"] == 1
    assert len(second["crm"]["hubspot"]["erased"]) == 1
    assert not note.exists()
    assert [c["email"] for c in hubspot.records("contacts").values()] == ["ann@acme.com"]
    for path in c360.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            for text in (b"bob@acme.com", b"bobby@home.net", b"robert tables"):
                assert text not in content, path
    # under another id they are kept out, and everything still holds
    c360.world.write(raw_user=USERS + "    9,Bob,bob@acme.com,2021-03-01\n")
    c360("run")
    assert [c["email"] for c in hubspot.records("contacts").values()] == ["ann@acme.com"]
    assert c360("explain", "bob@acme.com", code=1)
    # until somebody lifts it
    c360("forget", "bob@acme.com", "--lift")
    c360("run")
    assert "c_9" in c360("explain", "bob@acme.com").stdout


def test_a_try_that_was_cut_off_is_done_in_full_after_another_run(c360, hubspot, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(copies, "forget_in_history", die)
        c360("forget", "bob@acme.com", "--yes", code=130)
    c360("run")
    receipt = json.loads(c360("forget", "bobby@home.net", "--yes", "--json").stdout)
    assert receipt["is_complete"]
    assert receipt["rows_removed"]["marts.contacts"] == 1
    # the run in between wrote that their profiles ended
    assert receipt["history_files_rewritten"] == 2
    assert len(receipt["addresses"]) == 2
    assert [c["email"] for c in hubspot.records("contacts").values()] == ["ann@acme.com"]
    for path in c360.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            for text in (b"bob@acme.com", b"bobby@home.net", b"robert tables"):
                assert text not in content, path


def test_without_a_published_copy_it_is_said_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("C360_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("C360_SOURCE", str(tmp_path))
    done = CliRunner().invoke(app, ["forget", "x@y.zz", "--yes"])
    assert done.exit_code != 0
    assert "no published copy yet; run" in done.stderr
    assert not (tmp_path / "home" / "erasure").exists()


def test_nobody_is_forgotten_by_mistake(c360):
    assert "nobody in the published copy" in c360("forget", "x@y.zz", "--yes", code=2).stderr
    assert "nobody with the address" in c360("forget", "x@y.zz", "--lift", code=2).stderr
    assert not (c360.home / "erasure" / "tombstones.jsonl").exists()
