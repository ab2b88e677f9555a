"""Companies and gaggles as they are served: on a small world, walked in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.data.test_account import SOURCE
from c360_assets_tests.ui.serving import NARROW, WIDE, fetched, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("account_pages")]
COLLEAGUES = 14


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The companies of the tests of figures, with more people than a page of a table has."""
    more = "\n".join(
        f"{number},Zoe {number},zoe{number}@acme.com,g1,2021-02-01"
        for number in range(100, 100 + COLLEAGUES)
    )
    users = "\n".join(line.strip() for line in SOURCE["raw_user"].strip().splitlines())
    world = World(tmp_path_factory.mktemp("account_pages"))
    world.write(**{**SOURCE, "raw_user": f"{users}\n{more}"}).build_everything().publish()
    with served(world.settings) as made:
        yield made


def test_a_company_is_walked_from_whom_to_call_to_its_deals(url: str, browser: Browser) -> None:
    with window(browser, WIDE) as there:
        page = there.open(f"{url}/accounts/OLD-acme.com.").page
        expect(page).to_have_url(re.compile(r"/accounts/acme\.com\?was=OLD-acme\.com\.$"))
        expect(page).to_have_title("acme.com · c360")
        expect(page.locator(".c-contact-merged")).to_contain_text("old-acme.com counts as this")
        figures = dict(
            each.inner_text().split("\n")[:2] for each in page.locator(".c-figure").all()
        )
        assert (figures["People"], figures["Gaggles"]) == (str(4 + COLLEAGUES), "2")
        assert (figures["First"], figures["Most active"]) == ("Ann First", "Bob Busy")
        assert (figures["Most orders"], figures["Amount won"]) == ("Cat Buyer", "$40,000")
        expect(page.locator(".c-calls li").first).to_contain_text("most orders here (2 orders)")
        # comes once the page is there; the weeks in which nothing happened are among them
        page.locator("#activity summary").click()
        expect(page.locator("#activity tbody tr")).to_have_count(6)
        expect(page.locator("#deals tbody tr").first).to_contain_text("$1,000")

        people = page.locator("#people")
        expect(people.locator("tbody tr")).to_have_count(10)
        expect(people.locator(".c-listing-head")).to_contain_text(f"{4 + COLLEAGUES} people")
        page.get_by_role("link", name="All in its gaggles").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"people=associated.*#people$"))
        expect(people.locator(".c-listing-head")).to_contain_text(f"{5 + COLLEAGUES} people")
        people.get_by_role("link", name="Bob Busy").click()
        expect(page.locator("h1")).to_have_text("Bob Busy")


def test_a_gaggle_is_walked_on_a_telephone(url: str, browser: Browser) -> None:
    with window(browser, NARROW, schemes=("dark",)) as there:
        page = there.open(f"{url}/gaggles/g4").page
        expect(page).to_have_title("Four · c360")
        expect(page.locator(".c-chip")).to_have_text("upgrade candidate no. 1")
        expect(page.locator("main#main")).to_contain_text("no company is in this gaggle")
        expect(page.locator(".c-card-row")).to_have_count(1)
        page = there.open(f"{url}/gaggles/g1").page
        expect(page.locator(".c-card-row")).to_have_count(10 + 1)
        page.locator("main#main").get_by_role("link", name="acme.com").first.click()
        expect(page.locator("h1")).to_have_text("acme.com")


@pytest.mark.parametrize("was", ["acme.com", "ACME.com", "hacked.com", "call 555"])
def test_a_link_cannot_make_a_company_say_what_nobody_decided(url: str, was: str) -> None:
    said = fetched(url, f"/accounts/acme.com?{httpx.QueryParams({'was': was})}")
    assert said.status_code == 200
    assert "c-contact-merged" not in said.text


@pytest.mark.parametrize("path", ["/accounts/gmail.com", "/accounts/a%2Fb", "/gaggles/g99"])
def test_what_there_is_not_is_told_with_the_search(url: str, path: str) -> None:
    answer = fetched(url, path)
    assert answer.status_code == 404
    assert "search at the top" in answer.text


@pytest.mark.parametrize(
    ("path", "people"),
    [
        ("account_people.csv?domain=acme.com", 4 + COLLEAGUES),
        ("account_people.csv?domain=acme.com&people=associated", 5 + COLLEAGUES),
        ("gaggle_people.csv?gaggle=g1", 3 + COLLEAGUES),
    ],
)
def test_downloads_have_every_row_of_the_choice(url: str, path: str, people: int) -> None:
    lines = httpx.get(f"{url}/download/{path}", timeout=30).text.splitlines()
    assert len(lines) == 1 + people
