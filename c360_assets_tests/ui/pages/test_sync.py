"""The sync monitor in a browser, beside a HubSpot account that people have worked in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import conflicts, settled
from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm_job import sync_job
from c360_assets.settings import Settings
from c360_assets.ui.security.access import users_folder
from c360_assets.ui.security.users import Role, Users
from c360_assets_tests.activation.emulators.hubspot import HubspotEmulator
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.hostile import ATTACK, table
from c360_assets_tests.ui.serving import NARROW, fetched, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sync_page")]
OPEN, GUARDED = "open.toml", "guarded.toml"


@pytest.fixture(scope="module")
def hubspot(shared_specs: Path) -> Iterator[HubspotEmulator]:
    """An account of one's own, which never makes anybody wait."""
    with HubspotEmulator(
        shared_specs / "hubspot", calls_per_window=100_000, searches_per_second=1_000
    ) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, hubspot: HubspotEmulator) -> Settings:
    """Three people, synced twice; between the two somebody edited Ann and deleted Bob."""
    world = World(tmp_path_factory.mktemp("sync_page"))
    folder = world.folder
    (folder / "source").mkdir()
    (folder / "source" / "raw_user.csv").write_text(
        table(
            ("id", "name", "email", "created_at"),
            ("1", f"Ann {ATTACK}", "ann@acme.com", "2021-01-01"),
            ("2", "Bob", "bob@acme.com", "2021-01-02"),
            ("3", "Cat", "cat@beta.com", "2021-01-03"),
        )
    )
    crm = f'[crm.hubspot]\nbase_url = "{hubspot.url}"\n'
    (folder / OPEN).write_text(crm)
    (folder / GUARDED).write_text(
        f'{crm}[ui]\ntrusted_proxies = ["127.0.0.1"]\nuser_header = "X-User"\n'
    )
    world.build_everything().publish()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBSPOT_TOKEN", hubspot.token)
        patch.setenv("C360_HOME", str(world.settings.home_dir))
        patch.setenv("C360_SOURCE", str(world.settings.source_dir))
        patch.setenv("C360_CRM", "file,hubspot")
        patch.setenv("C360_CONFIG", str(folder / OPEN))
        made = Settings.load()
        with sync_job(made, "hubspot") as job:
            job.create_fields()
            job.sync("first-run")
        there = {each["email"]: id_ for id_, each in hubspot.records("contacts").items()}
        hubspot.edit("contacts", there["ann@acme.com"], firstname=f"Annie {ATTACK}")
        hubspot.remove("contacts", there["bob@acme.com"])
        with Ledger(made.crm_dir / LEDGER, "hubspot") as ledger, ledger.transaction() as rows:
            # as if something else were wanted of everybody
            rows.execute("update records set hash = 'other' where object = 'contacts'")
        with sync_job(made, "hubspot") as job:
            job.sync("second-run")
    return made


def key_of(settings: Settings, email: str) -> str:
    with Ledger(settings.crm_dir / LEDGER, "hubspot") as ledger:
        return next(
            str(key)
            for key, payload in ledger.rows(
                "select key, payload from records where destination = ? and object = 'contacts'"
            )
            if email in payload
        )


def test_refused_rows_are_tried_again_conflicts_settled_and_the_plan_worked_out(
    settings: Settings, hubspot: HubspotEmulator, browser: Browser
) -> None:
    ann, bob = key_of(settings, "ann@acme.com"), key_of(settings, "bob@acme.com")
    environment = {"HUBSPOT_TOKEN": hubspot.token}
    with served(settings, environment=environment) as url, window(browser) as there:
        there.open(f"{url}/sync")
        page = there.page
        syncs = page.locator("section", has=page.get_by_role("heading", name="Last syncs"))
        expect(syncs).to_contain_text("c360 crm rollback --to hubspot second-run")
        expect(syncs).to_contain_text("not everything was taken")
        # what people wrote, and names, are text
        expect(page.get_by_text(f"Annie {ATTACK}", exact=True)).to_be_visible()
        assert page.evaluate("window.hacked") is None

        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").first.click()
        sheet = download.value.path().read_text()
        assert "\ncontacts," in sheet
        assert f"Annie {ATTACK}" in sheet.replace('""', '"')
        row = page.get_by_role("row").filter(has_text="firstname").filter(has_text=ann)
        expect(row.get_by_role("link")).to_have_attribute("href", f"/contacts/{ann}")
        row.get_by_role("button", name=re.compile("^Theirs")).click()
        expect(row).to_contain_text("the next sync carries it out")
        page.get_by_role("button", name=f"Try contacts {bob} again").click()
        expect(page.get_by_text("Noted")).to_be_visible()

        calls = len(hubspot.calls())
        page.get_by_role("button", name="Work out the plan").click()
        plan = page.locator("section", has=page.get_by_role("heading", name="The plan"))
        expect(plan.get_by_text("Rows to touch")).to_be_visible()
        of_contacts = plan.locator("tr", has=page.get_by_text("contacts", exact=True))
        # Ann was decided about and Bob is tried again; Cat is as she was
        expect(of_contacts.locator("td[data-label=Update]")).to_have_text("2")
        expect(of_contacts.locator("td[data-label=Unchanged]")).to_have_text("1")
        expect(plan.get_by_role("heading", name="Contacts, field by field")).to_be_visible()
        expect(plan).to_contain_text("left deleted, until somebody settles it")
        of_a_plan = len(hubspot.calls()) - calls
        assert of_a_plan > 0
        # who presses twice has it worked out once: it costs calls of the account
        plan.locator(".c-figure").first.evaluate("figure => (figure.id = 'before')")
        page.get_by_role("button", name="Work the plan out anew").dblclick()
        expect(page.locator("#before")).to_have_count(0)
        expect(plan.get_by_text("Rows to touch")).to_be_visible(timeout=30_000)
        expect(page.get_by_role("button", name="Work the plan out anew")).to_be_enabled()
        assert len(hubspot.calls()) == calls + 2 * of_a_plan
    with Ledger(settings.crm_dir / LEDGER, "hubspot") as ledger:
        decided = settled(ledger, "contacts", [ann])[ann]
        assert decided["firstname"].value == f"Annie {ATTACK}"
        assert [each.field for each in conflicts(ledger)] == ["*"]
        assert ledger.rejected("contacts")[bob].attempts == 0


def test_a_key_that_is_missing_is_told_in_words_where_the_plan_would_be(
    settings: Settings, browser: Browser
) -> None:
    with (
        served(settings, environment={"HUBSPOT_TOKEN": ""}) as url,
        window(browser, NARROW) as there,
    ):
        there.open(f"{url}/sync?to=hubspot&sort=-last_at&rejected_page=7")
        there.page.get_by_role("button", name="Work out the plan").click()
        expect(there.page.get_by_role("alert")).to_contain_text("HUBSPOT_TOKEN is not set")
        there.open(f"{url}/sync?to=file")
        expect(there.page.get_by_text("No files were delivered yet.")).to_be_visible()


def test_who_is_no_administrator_sees_the_rows_and_decides_nothing(settings: Settings) -> None:
    guarded = settings.model_copy(update={"config": settings.home_dir.parent / GUARDED})
    users = Users(users_folder(settings))
    users.add("ada", None, Role.ADMIN)
    users.add("rea", None, Role.REVIEWER)
    with served(guarded) as url:
        seen = {
            name: fetched(url, "/sync", headers={"X-User": name}).text
            for name in ("ada", "rea", "vera")
        }
    assert all("somebody deleted it in the CRM" in each for each in seen.values())
    assert {name: "Try all again" in each for name, each in seen.items()} == {
        **{"ada": True, "rea": False, "vera": False}
    }
    assert {name: "Work out the plan" in each for name, each in seen.items()} == {
        **{"ada": True, "rea": True, "vera": False}
    }
    assert "Only an administrator may decide here." in seen["vera"]


def test_a_destination_that_is_not_named_is_told_with_those_that_are(settings: Settings) -> None:
    with served(settings) as url:
        answer = fetched(url, "/sync?to=front")
    assert answer.status_code == 404
    assert "it names file, hubspot" in answer.text
