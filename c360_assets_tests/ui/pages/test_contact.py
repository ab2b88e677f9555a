"""Customer 360 as it is served: who is led where, what is hidden, what a browser makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from c360_assets.ui import links
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.data.conftest import FEW_PEOPLE
from c360_assets_tests.ui.hostile import ATTACK, hostile_world
from c360_assets_tests.ui.serving import NARROW, WIDE, fetched, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("contact_pages")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages on few people, of whom Hal opted out."""
    world = World(tmp_path_factory.mktemp("contact_pages")).write(**FEW_PEOPLE)
    world.build_everything().publish()
    config = world.folder / "c360.toml"
    config.write_text('[crm]\nsuppression = ["optouts.csv"]\n', encoding="utf-8")
    crm = {"config": config, "crm": "hubspot,file"}
    with served(world.settings.model_copy(update=crm)) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("c_2", "/contacts/c_1?was=c_2"),
        ("2", "/contacts/c_1"),
        ("ann.old@gmail.com", "/contacts/c_1"),
    ],
)
def test_former_ids_accounts_and_addresses_lead_to_the_persons_page(
    url: str, text: str, location: str
) -> None:
    answer = httpx.get(url + links.contact(text), headers={"accept": "text/html"}, timeout=30)
    assert (answer.status_code, answer.headers["location"]) == (307, location)


def test_what_the_url_says_beside_goes_along(url: str) -> None:
    answer = httpx.get(f"{url}/contacts/2?day=2021-02-04", timeout=30)
    assert answer.headers["location"] == "/contacts/c_1?day=2021-02-04"


@pytest.mark.parametrize("text", ["c_99", "hal@secret.org", "a/b", "100%", "javascript:alert(1)"])
def test_whom_nobody_knows_is_not_there_and_the_search_is_told(url: str, text: str) -> None:
    answer = fetched(url, links.contact(text))
    assert answer.status_code == 404
    assert "with the search at the top" in answer.text


def test_of_who_opted_out_the_page_shows_figures_and_nothing_personal(url: str) -> None:
    page = fetched(url, "/contacts/c_10")
    assert page.status_code == 200
    assert "This person opted out: personal data is not shown." in page.text
    assert "Person c_10" in page.text
    for personal in ("hal@secret.org", "Hal'", "Hal<", '"Hal"', "Hal's own words"):
        assert personal not in page.text


def test_downloads_are_of_that_person_alone(url: str) -> None:
    text = httpx.get(f"{url}/download/contact_addresses.csv?contact=c_1", timeout=30).text
    head, *rows = text.splitlines()
    assert head.startswith("row_id,user_id,email,")
    assert [row.split(",")[:3] for row in rows] == [
        ["1", "1", "ann@acme.com"],
        ["2", "2", "ann.old@gmail.com"],
    ]
    refused = httpx.get(f"{url}/download/contact_addresses.csv?contact=c_99", timeout=30)
    assert refused.status_code == 400


def test_the_page_is_walked_by_mouse_and_keyboard(url: str, browser: Browser) -> None:
    with window(browser, WIDE) as there:
        page = there.open(f"{url}/contacts/c_2").page
        expect(page).to_have_url(f"{url}/contacts/c_1?was=c_2")
        expect(page.locator("h1")).to_have_text("Ann Old")
        expect(page.locator(".c-contact-merged")).to_have_text(
            "c_2 was merged into this person on 2021-02-07 by Jo (same phone): "
            "merged_user.csv, row 1."
        )
        expect(page.locator("#addresses tbody tr")).to_have_count(2)
        # what the CRM holds comes once the page is there
        expect(page.locator("#crm h3")).to_have_text(["hubspot: contacts", "file"])
        expect(page.locator("#crm")).to_contain_text("there is no ledger")

        page.get_by_label("Find an attribute").press_sequentially("number_of_tickets")
        expect(page.locator("#profile [role=status]")).to_have_text(re.compile(r"^6 of 2\d\d"))
        expect(page).to_have_url(re.compile("find=number_of_tickets"))
        rows = page.locator("#profile tbody tr:not(.c-profile-group)")
        expect(rows).to_have_count(1)
        rows.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(rows.locator("details")).to_contain_text("made from ticketscount(*)")

        rows.get_by_role("link", name="1: history of NUMBER_OF_TICKETS", exact=True).click()
        expect(page).to_have_url(re.compile("find=.*attribute=NUMBER_OF_TICKETS"))
        expect(page.locator("#history h2")).to_have_text("History of NUMBER_OF_TICKETS")
        expect(page.locator("#history svg")).to_be_visible()
        expect(page.get_by_label("Find an attribute")).to_have_value("number_of_tickets")

        page.locator("#profile").get_by_label("Day", exact=True).fill("2021-02-03")
        page.locator("#profile").get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("day=2021-02-03"))
        expect(page.locator("#profile")).to_contain_text("at the end of 2021-02-03")
        first = page.locator("#profile tbody tr:not(.c-profile-group) td").first
        expect(first).to_have_text("0")


def test_a_telephone_shows_the_profile_as_cards(url: str, browser: Browser) -> None:
    with window(browser, NARROW, schemes=("dark",)) as there:
        page = there.open(f"{url}/contacts/c_1?find=stage&attribute=NOPE").page
        expect(page.locator("#profile .c-card-row")).to_have_count(1)
        expect(page.locator("#profile .c-card-row dd")).to_have_text("New")
        expect(page.locator("#history")).to_contain_text("There is no attribute 'NOPE'")
        assert page.locator("h1").count() == 1


def test_names_and_ids_that_attack_are_text(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = hostile_world(tmp_path_factory.mktemp("hostile_contact"))
    (row,) = world.rows("select contact_id from marts.contacts where email = 'ann@acme.com'")
    with served(world.settings) as url, window(browser, WIDE) as there:
        path = links.contact(row["contact_id"])
        page = there.open(f"{url}{path}?attribute=USER_NAME&find=name").page
        expect(page.locator("h1")).to_have_text(f"Ann {ATTACK}")
        expect(page.locator("#profile")).to_contain_text(ATTACK)
        expect(page.locator("#history svg")).to_be_visible()
        expect(page.locator("#crm h3")).to_have_count(1)
        assert page.evaluate("window.hacked") is None
        assert page.locator("main script, main [onerror], main [onload]").count() == 0
        there.open(f"{url}/contacts/{'c_' + 'x' * 300}?day=;&attribute=*&was={ATTACK[:40]}")
        assert page.evaluate("window.hacked") is None
        # the browser itself tells the console of the answer 404
        there.problems = [each for each in there.problems if "404" not in each]
