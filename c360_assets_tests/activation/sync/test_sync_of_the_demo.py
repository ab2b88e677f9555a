"""The demo's 5,774 contacts from the published copy to HubSpot, by the asset and the command."""

import json
from collections import Counter

import dagster as dg
import pytest
from typer.testing import CliRunner

from c360_assets.assets.crm_job import sync_job
from c360_assets.cli import app
from c360_assets.crm_rules import CrmRules, DestinationRules
from c360_assets.definitions import build_defs
from c360_assets.settings import Rules, Settings
from c360_assets_tests.pipeline import instance_at

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]


@pytest.fixture
def settings(built_demo, hubspot, tmp_path, monkeypatch) -> Settings:
    """The built demo with a CRM, and a home of its own for what this test writes."""
    monkeypatch.setenv("HUBSPOT_TOKEN", hubspot.token)
    (tmp_path / "published").symlink_to(built_demo.settings.published_dir)
    rules = Rules(crm=CrmRules(hubspot=DestinationRules(base_url=hubspot.url)))
    return Settings(
        home=tmp_path, source=built_demo.settings.source_dir, crm="hubspot", rules=rules
    )


def test_a_first_sync_takes_sixty_upserts_of_contacts_and_the_next_one_none(
    settings, hubspot, built_demo
):
    with sync_job(settings, "hubspot") as job:
        job.create_fields()
    before = len(hubspot.calls())
    with instance_at(settings) as instance:
        job_def = build_defs(settings).resolve_job_def("everything")
        for expected in (True, False):
            result = job_def.execute_in_process(
                instance=instance, asset_selection=[dg.AssetKey("crm_sync")]
            )
            assert result.success
            checks = {c.check_name: c.passed for c in result.get_asset_check_evaluations()}
            assert set(checks.values()) == {True}
            made = Counter(call.path for call in hubspot.calls()[before:])
            before = len(hubspot.calls())
            assert made["/crm/v3/objects/contacts/batch/upsert"] == (58 if expected else 0)
            assert any("batch" in path for path in made) is expected
    contacts = built_demo.by("marts.contacts", "contact_id")
    held = {c["c360_contact_id"]: c for c in hubspot.records("contacts").values()}
    assert len(held) == len(contacts) == 5774
    for key, values in held.items():
        assert values["email"] == contacts[key]["email"]
        assert values["c360_orders"] == str(contacts[key]["number_of_orders"])
        assert values["c360_lifecycle_stage"]


def test_the_command_shows_the_plan_and_sends_nothing(settings, hubspot, tmp_path, monkeypatch):
    config = tmp_path / "c360.toml"
    config.write_text(f'[crm.hubspot]\nbase_url = "{hubspot.url}"\n')
    for name, value in {
        "C360_HOME": tmp_path,
        "C360_SOURCE": settings.source_dir,
        "C360_CRM": "hubspot",
        "C360_CONFIG": config,
    }.items():
        monkeypatch.setenv(name, str(value))
    runner = CliRunner()
    assert runner.invoke(app, ["crm", "prepare"]).exit_code == 0
    done = runner.invoke(app, ["crm", "plan", "--records", "2", "--json"])
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert plan["objects"]["contacts"]["create"] == 5774
    assert plan["missing_fields"] == {}
    assert len(plan["records"]["contacts"]) == 2
    assert hubspot.records("contacts") == {}
    assert "nothing" in runner.invoke(app, ["crm", "rejected"]).stdout
