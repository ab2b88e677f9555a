"""The start page and its search, in a browser."""

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import NARROW, fetched, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("home_page")]
PEOPLE = "id,name,email,gaggle_id,created_at\n" + "".join(
    f"{n},Ann Number{n},ann{n}@acme.com,g1,2021-01-01\n" for n in range(1, 41)
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Forty people of one name, one of whom had another address."""
    made = World(tmp_path_factory.mktemp("home_page")).write(
        raw_user=PEOPLE + "90,Ann Old,old@else.com,g1,2021-01-02\n91,,no_name@acme.com,,2021-01-02",
        raw_gaggle="id,name,created_at\ng1,Annies,2021-01-01",
        merged_user="old_email,new_email\nold@else.com,ann7@acme.com\nann1@acme.com,ann1@acme.com",
    )
    made.build_everything().publish()
    return made


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    with served(world.settings) as made:
        yield made


def contact_id(world: World, email: str) -> str:
    rows = world.rows(f"select contact_id from identity.user_identity where email = '{email}'")
    return str(rows[0]["contact_id"])


def test_the_start_page_tells_how_things_stand(url: str, browser: Browser) -> None:
    with window(browser, NARROW) as there:
        there.open(url)
        page = there.page
        # no Dagster has ever run here, and looking makes none
        expect(page.get_by_text("Dagster has run nothing here yet.")).to_be_visible()
        people = page.locator(".c-figure").filter(has_text="People").first
        expect(people).to_contain_text("41")
        decisions = page.locator("section").filter(has_text="Merge decisions that wait")
        expect(decisions).to_contain_text("merged_user.csv, row 2")
        expect(decisions).to_contain_text("refused")
        expect(page.get_by_text("Every raw row keeps the contract.")).to_be_visible()
        expect(page.get_by_role("link", name="Files")).to_have_attribute("href", "/sync?to=file")


def test_a_search_is_walked_through_by_keyboard_and_page_by_page(
    url: str, browser: Browser
) -> None:
    with window(browser) as there:
        there.open(url)
        page = there.page
        page.keyboard.press("/")
        page.keyboard.type("ann")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Found for “ann”")
        expect(page.get_by_role("heading", name="People (40)")).to_be_visible()
        expect(page.get_by_role("heading", name="Gaggles (1)")).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.locator("#search").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        second = page.locator(".c-result-title a").nth(1)
        expect(second).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(page.locator(".c-result-title a").first).to_be_focused()

        page.get_by_role("link", name="All 40 people").click()
        expect(page.locator(".c-result")).to_have_count(25)
        page.get_by_role("link", name="Next").click()
        expect(page.locator(".c-result")).to_have_count(15)
        expect(page.get_by_text("26 to 40 of 40 people")).to_be_visible()
        assert "page=2" in page.url


def test_an_exact_address_old_or_new_leads_there_at_once(world: World, url: str) -> None:
    seven = contact_id(world, "ann7@acme.com")
    for text in ("ann7@acme.com", " ANN7@acme.com ", "old@else.com", seven):
        answer = fetched(url, f"/?q={text}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/contacts/{seven}")


def test_what_is_not_exactly_somebody_is_listed(url: str) -> None:
    listed = fetched(url, "/?q=acme.com")
    assert listed.status_code == 200
    assert "exactly this" in listed.text
    assert fetched(url, "/?q=ann7@acme.com&all=1").status_code == 200
    assert "with all of these words" in fetched(url, "/?q=nobody at all").text
    assert "(no name)" in fetched(url, "/?q=no_name&all=1").text


def test_a_search_for_blanks_is_the_start_page(url: str) -> None:
    assert "What is there" in fetched(url, "/?q=%20%20").text


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_loopback_is_served_on_ipv6_as_well(world: World, host: str) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with served(world.settings, "--host", host) as made:
        assert made.startswith("http://[::1]:")
        assert fetched(made, "/?q=ann7@acme.com").status_code == 303
