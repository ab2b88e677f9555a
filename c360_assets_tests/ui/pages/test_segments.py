"""The page of segments in a browser: on the demo, and on names that are attacks."""

import csv
import io
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from c360_assets.settings import RfmBand, RfmRules, Rules
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.hostile import ATTACK, LONG, table
from c360_assets_tests.ui.serving import NARROW, Window, served, window

HOSTILE_SEGMENT = f"{ATTACK} > %'"


def settle(page: Page) -> None:
    """Wait until the parts that come later are there."""
    expect(page.locator(".c-later")).to_have_count(2)
    Window(page).settle()


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def rows_of(page: Page) -> int:
    return number(page.locator("#people .c-listing-head .c-note").inner_text())


def query_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def go(page: Page, text: str, *, exact: bool = False) -> None:
    """Follow a link, and wait for the page behind it."""
    before = page.url
    page.get_by_role("link", name=text, exact=exact).first.click()
    page.wait_for_function("before => location.href !== before", arg=before)
    page.wait_for_load_state("networkidle")
    settle(page)


@pytest.mark.slow
@pytest.mark.xdist_group("built_demo")
def test_cells_segments_and_movements_lead_to_as_many_people_as_they_say(
    demo_url: str, browser: Browser
) -> None:
    with window(browser) as there:
        page = there.open(f"{demo_url}/segments").page
        settle(page)
        customers = number(page.locator(".c-figure-value").first.inner_text())
        assert rows_of(page) == customers
        cells = page.locator(".c-heat-value").all_inner_texts()[:25]
        assert sum(map(number, cells)) == customers

        cell = page.get_by_role("link", name=re.compile("recency 5, frequency 5: "))
        in_cell = number(cell.inner_text())
        go(page, "recency 5, frequency 5: ")
        assert query_of(page)["cell"] == "r5f5"
        assert rows_of(page) == in_cell
        scores = page.locator("#people tbody tr").first.locator("td").all_inner_texts()[4:6]
        assert scores == ["5", "5"]

        in_segment = number(page.locator("tr:has(th.c-segment) td").first.inner_text())
        go(page, "Champions", exact=True)
        assert query_of(page)["segment"] == "Champions"
        assert rows_of(page) == in_segment

        flow = page.locator("#moves .c-table a").first
        moved = number(flow.inner_text())
        flow.click()
        page.wait_for_url("**moved=*")
        settle(page)
        assert rows_of(page) == moved


@pytest.mark.slow
@pytest.mark.xdist_group("built_demo")
def test_an_hour_of_the_past_is_reached_by_keyboard_by_link_and_by_field(
    demo_url: str, browser: Browser
) -> None:
    with window(browser) as there:
        page = there.open(f"{demo_url}/segments?by=day").page
        settle(page)
        page.locator("#time-slider [tabindex]").focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**at=*")
        settle(page)
        last = query_of(page)["at"]
        assert last.endswith("T00")
        heading = page.get_by_role("heading", name="Everybody:")
        expect(heading).to_contain_text(last.replace("T", " "))
        # the keyboard is where it was
        assert page.evaluate("!!document.activeElement.closest('#time-slider')")

        page.get_by_label("Hour (UTC)").fill("2021-11-15T13:00")
        page.get_by_role("button", name="Go").click()
        page.wait_for_url("**at=2021-11-15T13**")
        settle(page)
        assert query_of(page)["by"] == "day"
        then = number(page.locator(".c-figure-value").first.inner_text())
        assert 0 < then == rows_of(page)
        expect(page.locator("figure.c-chart svg").first).to_contain_text("chosen")

        go(page, "The day before")
        assert query_of(page)["at"] == "2021-11-15T00"
        assert number(page.locator(".c-figure-value").first.inner_text()) < then
        page.go_back()
        settle(page)
        expect(heading).to_contain_text("2021-11-15 13:00")


@pytest.mark.slow
@pytest.mark.xdist_group("built_demo")
def test_the_file_has_the_people_that_the_page_lists(demo_url: str, browser: Browser) -> None:
    query = "at=2021-11-15T13&cell=r5f5&orders=12&text=.com&people_sort=email"
    with window(browser, NARROW, ["dark"]) as there:
        page = there.open(f"{demo_url}/segments?{query}&measure=money&cohorts=orders").page
        settle(page)
        listed = rows_of(page)
        first = page.locator("#people .c-card-row").first.inner_text()
        href = page.get_by_role("link", name="Download CSV").get_attribute("href")
        # a phone shows the list of segments whole
        assert page.locator(".c-scroll:has(th.c-segment)").first.evaluate(
            "it => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight"
        )
    answer = httpx.get(demo_url + str(href), timeout=30)
    assert answer.status_code == 200
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(found) == listed > 1
    assert found[0]["email"] in first
    assert {(row["recency_score"], row["frequency_score"]) for row in found} == {("5", "5")}
    assert min(int(row["frequency"]) for row in found) >= 12
    assert all(".com" in row["email"] + row["corporate_email"] for row in found)
    emails = [row["email"] for row in found]
    assert emails == sorted(emails)


@pytest.fixture(scope="module")
def hostile_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Customers and segments whose names are attacks."""
    bands = (
        RfmBand(max_recency_score=3, max_frequency_score=5, segment=HOSTILE_SEGMENT),
        RfmBand(max_recency_score=5, max_frequency_score=5, segment=LONG),
    )
    world = World(
        tmp_path_factory.mktemp("hostile_segments"), rules=Rules(rfm=RfmRules(grid=bands))
    )
    world.write(
        raw_user=table(
            ("id", "name", "email", "created_at"),
            ("1", ATTACK, "ann@acme.com", "2021-01-01"),
            ("2", LONG, "ben@acme.com", "2021-01-01"),
            ("3", "مرحبا 👩‍👩‍👧", "rtl@beta.com", "2021-01-01"),
        ),
        raw_event=table(
            ("event_id", "user_id", "event_name", "timestamp"),
            ("e1", "1", "order_placed", "2021-03-01 10:00"),
            ("e2", "2", "order_placed", "2021-03-02 10:00"),
            ("e3", "3", "order_placed", "2021-03-03 10:00"),
            ("e4", "3", "order_placed", "2021-03-04 10:00"),
        ),
    )
    world.build_everything().publish()
    with served(world.settings) as url:
        yield url


@pytest.mark.slow
@pytest.mark.xdist_group("hostile_segments")
@pytest.mark.parametrize("width", [1440, NARROW])
def test_segments_and_people_with_hostile_names_are_text(
    hostile_url: str, browser: Browser, width: int
) -> None:
    attack = quote(HOSTILE_SEGMENT, safe="")
    paths = {
        "/segments": 3,
        f"/segments?segment={attack}": 2,
        f"/segments?moved=prospects%3E{attack}&span=7d": 2,
        f"/segments?text={quote(ATTACK)}": 1,
        f"/segments?at={attack}&cell={attack}&moved={quote(ATTACK)}&from={attack}&days=%00": 3,
    }
    with window(browser, width) as there:
        for path, people in paths.items():
            page = there.open(hostile_url + path).page
            settle(page)
            assert rows_of(page) == people, path
            assert page.evaluate("window.hacked") is None, path
            assert page.locator("main#main img, main#main script").count() == 0, path
            there.check()
        page.locator("summary").first.click()
        named = page.locator(".c-data th", has_text=HOSTILE_SEGMENT).first
        expect(named).to_have_text(HOSTILE_SEGMENT)
        # without amounts there is no money to choose, and the page says why
        assert page.get_by_text("No order has an amount").count() == 1
        assert page.get_by_role("link", name="Money", exact=True).count() == 0
