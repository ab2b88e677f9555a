"""`c360 crm conflicts` and `settle`, and lists of who opted out, through the doors people use."""

import json
from datetime import datetime

import pytest
from typer.testing import CliRunner

from benchmarks.bare import BarePipeline
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import keep_conflicts, settled
from c360_assets.activation.sync.ledger_rows import Acknowledged, Conflict
from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm import deliver_files
from c360_assets.cli import app
from c360_assets.crm_rules import CrmRules
from c360_assets.errors import ConfigError
from c360_assets.settings import Rules, Settings
from c360_assets_tests.pipeline import World

AT = datetime(2021, 12, 1)
EDITED = Conflict("contacts", "c_1", "firstname", "never_overwrite_human", "Ann", "Annie", "Anna")


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A ledger that knows one contact, of which somebody has written the name."""
    monkeypatch.setenv("C360_HOME", str(tmp_path))
    monkeypatch.setenv("C360_CRM", "file,hubspot")
    with Ledger(tmp_path / "crm" / LEDGER, "hubspot") as found:
        known = Acknowledged("contacts", "c_1", "17", {"firstname": "Ann"}, "hash", "create")
        found.settle([known], {}, "r1", AT)
        keep_conflicts(found, [EDITED], "r1", AT)
        yield found


def c360(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, ["crm", *arguments])
    assert done.exit_code == code, done.output
    return done


def test_conflicts_are_listed_and_settled(ledger):
    (shown,) = json.loads(c360("conflicts", "--json").stdout)["conflicts"]
    assert (shown["in_crm"], shown["wanted"]) == ("Annie", "Anna")
    assert "Annie" in c360("conflicts").stdout
    said = c360("settle", "contacts", "c_1", "firstname", "--theirs", "--by", "sam@jaffle.com")
    assert "will be Annie" in said.stdout
    assert settled(ledger, "contacts", ["c_1"])["c_1"]["firstname"].value == "Annie"
    assert ledger.known("contacts", ["c_1"])["c_1"].hash == ""
    assert "hubspot and we agree" in c360("conflicts").stdout


def test_a_decision_has_to_say_whose_value_it_is(ledger):
    assert "--ours or --theirs" in c360("settle", "contacts", "c_1", "firstname", code=2).stderr
    assert "no open conflict" in c360("settle", "contacts", "c_9", "--ours", code=2).stderr


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Settings:
    """Ann, and Bob who had another address before."""
    world = World(tmp_path_factory.mktemp("published")).write(
        raw_user="""
            id,name,email,created_at
            1,Ann,ann@acme.com,2021-01-01
            2,Bob,bob@acme.com,2021-01-02
            3,Bobby,bobby@home.net,2021-01-03
        """,
        merged_user="old_email,new_email\nbobby@home.net,bob@acme.com",
    )
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days())
    pipeline.publish()
    return world.settings


def test_who_opted_out_under_any_address_is_in_no_crm_file(published, tmp_path):
    (published.source_dir / "optouts.csv").write_text("email\n Bobby@HOME.net \n")
    rules = Rules(crm=CrmRules(suppression=("optouts.csv",)))
    settings = published.model_copy(update={"rules": rules})
    deliver_files(settings, "run1")
    text = (settings.crm_dir / "latest" / "contacts.csv").read_text()
    assert "ann@acme.com" in text
    assert "bob" not in text.lower()


def test_a_list_of_opt_outs_that_is_missing_stops_the_files_too(published):
    rules = Rules(crm=CrmRules(suppression=("missing.csv",)))
    with pytest.raises(ConfigError, match="nothing is sent"):
        deliver_files(published.model_copy(update={"rules": rules}), "run2")
