"""Marketing impact and timeline of a person in a browser: choices, links, and hostile texts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.data.conftest import FEW_PEOPLE
from c360_assets_tests.ui.hostile import ATTACK, table
from c360_assets_tests.ui.serving import NARROW, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("contact_marketing_pages")]
# what is sent to Ann on the second of February is an attack in every text
CAMPAIGN = (
    *("10", "101", "7", ATTACK, "1", ATTACK, "2", ATTACK, ATTACK, ATTACK, ATTACK, "1"),
    "2021-02-02",
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    world = World(tmp_path_factory.mktemp("contact_marketing"))
    header, *rest = FEW_PEOPLE["raw_campaign"].strip().splitlines()
    others = [line.strip().split(",") for line in rest if not line.strip().startswith("10,101,")]
    campaigns = table(header.strip().split(","), CAMPAIGN, *others)
    tickets = FEW_PEOPLE["raw_ticket"].replace(
        ",Help,closed", f',"{ATTACK.replace(chr(34), chr(34) * 2)}",closed'
    )
    world.write(**{**FEW_PEOPLE, "raw_campaign": campaigns, "raw_ticket": tickets})
    world.build_everything().publish()
    with served(world.settings) as made:
        yield made


def query(page: Page) -> dict[str, str]:
    return {name: each[0] for name, each in parse_qs(urlsplit(page.url).query).items()}


def test_kpis_and_days_are_chosen_in_the_url_and_back_takes_back(
    url: str, browser: Browser
) -> None:
    with window(browser) as there:
        there.open(f"{url}/contacts/c_1")
        impact = there.page.locator("#marketing")
        impact.get_by_role("link", name="Tickets", exact=True).click()
        there.page.wait_for_url("**kpis=orders%2Cnet_sales%2Ctickets**")
        expect(impact.locator(".c-figure")).to_have_count(3)
        expect(impact.locator("a[aria-current=true]")).to_have_text(
            ["Orders", "Net sales", "Tickets", "All time"]
        )
        impact.get_by_label("From", exact=True).fill("2021-02-03")
        impact.get_by_label("To", exact=True).fill("2021-02-06")
        impact.get_by_role("button", name="Show").click()
        there.page.wait_for_url("**from=2021-02-03**")
        assert query(there.page) == {
            "kpis": "orders,net_sales,tickets",
            "from": "2021-02-03",
            "to": "2021-02-06",
        }
        expect(impact.locator(".c-figure").first).to_contain_text("1 in these days")
        there.page.go_back()
        expect(impact.locator(".c-figure").first).not_to_contain_text("in these days")
        there.page.go_back()
        expect(impact.locator(".c-figure")).to_have_count(2)


def test_the_chart_tells_at_the_mouse_what_was_sent_as_text_and_stays_drawn(
    url: str, browser: Browser
) -> None:
    with window(browser) as there:
        there.open(f"{url}/contacts/c_1?from=2021-02-01&to=2021-02-03&kpis=orders")
        curve = there.page.locator('#marketing svg path[stroke="var(--series-1)"]')
        expect(curve).not_to_have_count(0)
        # the middle of three days is the second, on which the campaign was
        chart = there.page.locator("#marketing [role=img]")
        chart.hover()
        expect(chart).to_contain_text("2021-02-02")
        expect(chart).to_contain_text(ATTACK)
        expect(curve).not_to_have_count(0)
        assert there.page.evaluate("window.hacked") is None
        assert there.page.locator("main#main script, main#main [onerror]").count() == 0


def test_a_day_of_a_campaign_leads_to_what_happened_then(url: str, browser: Browser) -> None:
    with window(browser) as there:
        there.open(f"{url}/contacts/c_1")
        days = there.page.locator("#marketing").get_by_label("Days of campaigns")
        days.get_by_role("link", name="2021-02-02").focus()
        there.page.keyboard.press("Enter")
        there.page.wait_for_url("**before=2021-02-02**")
        first = there.page.locator("#timeline .c-entry").first
        expect(first).to_contain_text("2021-02-02")
        expect(first).to_contain_text(ATTACK)
        expect(first.get_by_role("button")).to_have_attribute(
            "aria-label", "Where this comes from: marts.campaign_targets"
        )


def test_the_timeline_is_filtered_by_links_and_goes_on_to_older_ones(
    url: str, browser: Browser
) -> None:
    with window(browser, NARROW, ("dark",)) as there:
        there.open(f"{url}/contacts/c_1")
        timeline = there.page.locator("#timeline")
        timeline.get_by_role("link", name="Orders 3").click()
        there.page.wait_for_url("**kinds=orders**")
        expect(timeline.locator(".c-entry")).to_have_count(3)
        timeline.get_by_role("link", name="Tickets 1").click()
        there.page.wait_for_url("**kinds=orders%2Ctickets**")
        expect(timeline.locator(".c-entry")).to_have_count(4)
        expect(timeline).to_contain_text(ATTACK)
        timeline.get_by_label("Up to the end of").fill("2021-02-01")
        timeline.get_by_role("button", name="Show").click()
        there.page.wait_for_url("**before=2021-02-01**")
        expect(timeline.locator(".c-entry")).to_have_count(1)
        timeline.get_by_role("link", name="Newest").click()
        expect(timeline.locator(".c-entry")).to_have_count(4)
        assert query(there.page) == {"kinds": "orders,tickets"}
        assert there.page.evaluate("window.hacked") is None


def test_campaigns_are_sorted_in_place_and_can_be_taken_along(url: str, browser: Browser) -> None:
    with window(browser) as there:
        there.open(f"{url}/contacts/c_1")
        campaigns = there.page.locator("#campaigns")
        campaigns.get_by_role("columnheader", name="Campaign", exact=True).click()
        there.page.wait_for_url("**contact_campaigns_sort=plan_id**")
        expect(campaigns.locator("tbody tr").first).to_contain_text(ATTACK)
        download = campaigns.get_by_role("link", name="Download CSV")
        # the file is in the order that is on screen
        expect(download).to_have_attribute("href", re.compile("contact_campaigns_sort=plan_id"))
        target = download.get_attribute("href")
    answer = httpx.get(f"{url}{target}", timeout=30)
    assert answer.status_code == 200
    rows = list(csv.DictReader(answer.text.splitlines()))
    plans = [row["plan_id"] for row in rows]
    assert plans == sorted(plans)
    assert {(row["execution_date"], row["treatment"]) for row in rows} == {
        ("2021-02-20", "Excluded"),
        ("2021-02-12", "Sent"),
        ("2021-02-10", "Control group"),
        ("2021-02-02", "Sent"),
    }


def test_a_download_without_a_person_says_what_is_missing(url: str) -> None:
    answer = httpx.get(f"{url}/download/contact_campaigns.csv?contact=c_99", timeout=30)
    assert answer.status_code == 400
    assert "c_99" in answer.text
