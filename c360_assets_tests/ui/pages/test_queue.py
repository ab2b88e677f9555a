"""`/queue` in a browser: filters, one ticket, the download; and what is hostile shown as text."""

import csv
import io
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import NARROW, WIDE, fetched, served, window

pytestmark = pytest.mark.slow
on_the_demo = pytest.mark.xdist_group("built_demo")
hostile = pytest.mark.xdist_group("ui_queue_hostile")


@on_the_demo
def test_the_queue_is_filtered_and_a_ticket_opened(demo_url, built_demo, browser):
    waiting = built_demo.rows("select * from marts.support_queue order by queue_rank")
    paying = [row for row in waiting if row["is_paying"]]
    with window(browser) as there:
        page = there.open(f"{demo_url}/queue").page
        figures = page.locator(".c-figure-value")
        expect(figures.nth(0)).to_have_text(str(len(waiting)))
        expect(figures.nth(1)).to_have_text(str(len(paying)))
        first = page.locator(".q-table tbody tr").first
        expect(first).to_contain_text(waiting[0]["reason"])
        page.get_by_label("Paying companies alone").check()
        page.get_by_label("Days waiting, at least").fill("2")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url("**paying=1**")
        left = [row for row in paying if row["waiting_hours"] >= 48]
        expect(page.locator(".c-figure-value").nth(0)).to_have_text(str(len(left)))
        expect(page.get_by_label("Paying companies alone")).to_be_checked()
        expect(page.get_by_label("Days waiting, at least")).to_have_value("2")
        first = page.locator(".q-table tbody tr").first
        person = first.get_by_role("link", name=left[0]["user_name"])
        assert (person.get_attribute("href") or "").startswith("/contacts/")
        first.get_by_role("link", name=left[0]["subject"]).click()
        page.wait_for_url(f"**/queue?*ticket={left[0]['ticket_id']}")
        back = page.get_by_role("link", name="Back to the queue").get_attribute("href") or ""
        assert "paying=1" in back
        assert "days=2" in back
        assert "ticket=" not in back
        expect(page.locator("h1")).to_have_text(f"Ticket {left[0]['ticket_id']}")
        why = page.locator(".c-panel", has=page.get_by_role("heading", name="Why it has rank"))
        together = why.locator("tr", has_text="together").locator("td").first
        expect(together).to_have_text(f"{left[0]['priority']:,.2f}")
        expect(page.locator(".c-advice li").first).to_be_visible()
        page.get_by_role("link", name="The whole person").click()
        page.wait_for_url("**/contacts/**")


@on_the_demo
def test_a_filter_without_tickets_says_what_would_bring_some(demo_url, browser):
    with window(browser, NARROW) as there:
        page = there.open(f"{demo_url}/queue?text=no+ticket+says+this&segment=At+Risk").page
        expect(page.get_by_text("No open ticket is like that.")).to_be_visible()
        expect(page.get_by_label("Segment")).to_have_value("At Risk")
        page.get_by_role("link", name="Clear the filters").click()
        expect(page.locator(".c-card-row").first).to_be_visible()


@on_the_demo
def test_a_ticket_that_there_is_not_is_not_there(demo_url):
    answer = fetched(demo_url, "/queue?ticket=T-none")
    assert answer.status_code == 404
    assert "T-none" in answer.text


@on_the_demo
def test_the_queue_is_downloaded_as_it_is_filtered(demo_url, built_demo):
    answer = httpx.get(f"{demo_url}/download/queue.csv?paying=1", timeout=30)
    ids = [row["ticket_id"] for row in csv.DictReader(io.StringIO(answer.text))]
    wanted = built_demo.rows(
        "select ticket_id from marts.support_queue where is_paying order by queue_rank"
    )
    assert ids == [row["ticket_id"] for row in wanted]


NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{7*7}}",
    "javascript:alert(3)",
    "../..?a=b&c#d%41",
    "O'Neil 🧀 שלום",
    "y" * 300,
)


@pytest.fixture(scope="module")
def hostile_url(tmp_path_factory) -> Iterator[str]:
    def quoted(text: str) -> str:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'

    users = [f"u{n},{quoted(text)},u{n}@acme.com,2021-01-01" for n, text in enumerate(NASTY)]
    tickets = [
        f"{quoted(text)},u{n}@acme.com,2021-03-0{n + 1},{quoted(text)},open"
        for n, text in enumerate(NASTY)
    ]
    world = World(tmp_path_factory.mktemp("ui_queue_hostile"), as_of="2021-03-31 12:00:00").write(
        raw_user="\n".join(["id,name,email,created_at", *users]),
        raw_ticket="\n".join(["ticket_id,email,created_at,subject,status", *tickets]),
    )
    world.build_everything().publish()
    with served(world.settings) as url:
        yield url


@hostile
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_hostile_tickets_are_shown_as_text_and_open(hostile_url, browser: Browser, width):
    with window(browser, width) as there:
        # nothing of it may run, be fetched, or widen the page: `check` looks
        page = there.open(f"{hostile_url}/queue?queue_sort=queue_rank").page
        shown = page.locator(".q-table__container").inner_text()
        for text in NASTY:
            assert text in shown
        links = page.locator(".q-table__container a[href^='/queue?'][href*='ticket=']")
        expect(links).to_have_count(len(NASTY))
        assert page.locator(".q-table__container a").evaluate_all(
            "all => all.every(a => a.getAttribute('href').startsWith('/'))"
        )
        # each opens on its own page; on a phone two are enough
        for text in NASTY if width == WIDE else NASTY[1:3]:
            page.locator(".q-table__container").get_by_role(
                "link", name=text, exact=True
            ).first.click()
            expect(page.locator("h1")).to_have_text(f"Ticket {text}")
            expect(page.locator(".c-subject")).to_have_text(text)
            there.check()
            page.go_back()
        assert page.locator("img[src=x]").count() == 0


@hostile
def test_hostile_filters_are_shown_as_text(hostile_url, browser: Browser):
    with window(browser) as there:
        page = there.page
        for text in NASTY:
            there.open(str(httpx.URL(f"{hostile_url}/queue", params={"text": text})))
            expect(page.get_by_label("Text", exact=True)).to_have_value(text)
            expect(page.locator(".c-figure-value").first).to_have_text("1")
            there.check()
        there.open(str(httpx.URL(f"{hostile_url}/queue", params={"segment": NASTY[0]})))
        expect(page.get_by_label("Segment")).to_have_value(NASTY[0])
        expect(page.get_by_text("No open ticket is like that.")).to_be_visible()
