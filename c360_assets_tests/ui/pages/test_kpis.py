"""`/kpis` in a browser: the demo's figures, and what is hostile in the data shown as text."""

import csv
import io
from collections.abc import Iterator
from urllib.parse import quote, unquote_plus

import httpx
import pytest
from playwright.sync_api import Browser, expect

from c360_assets.ui.data.kpi_list import KPIS
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import NARROW, fetched, served, window

pytestmark = pytest.mark.slow
on_the_demo = pytest.mark.xdist_group("built_demo")
hostile = pytest.mark.xdist_group("ui_kpis_hostile")
NOVEMBER = "from=2021-11-01&to=2021-11-30"


@on_the_demo
def test_the_dashboard_shows_november_against_the_days_before(demo_url, built_demo, browser):
    revenue, earlier = (
        built_demo.rows(
            "select sum(sales_total) as s from marts.fct_orders"
            " where created_at >= ?::date and created_at < ?::date + 1",
            *period,
        )[0]["s"]
        for period in (("2021-11-01", "2021-11-30"), ("2021-10-02", "2021-10-31"))
    )
    customers = built_demo.rows(
        "select count(distinct user_id) as n from marts.fct_orders"
        " where created_at >= '2021-11-01' and created_at < '2021-12-01'"
    )[0]["n"]
    with window(browser) as there:
        page = there.open(f"{demo_url}/kpis?{NOVEMBER}").page
        chosen = page.locator(".c-tile-on")
        expect(chosen.locator(".c-figure-value")).to_have_text(f"${revenue:,.0f}")
        hint = chosen.locator(".c-figure-hint")
        expect(hint).to_contain_text(f"{revenue / earlier - 1:+.1%}")
        expect(hint).to_contain_class("c-good")
        # people are counted once the page is there
        tile = page.locator(".c-tile", has=page.get_by_text("Customers", exact=True))
        expect(tile.locator(".c-figure-value")).to_have_text(f"{customers:,}")
        expect(page.locator(".c-tile")).to_have_count(len(KPIS))
        expect(page.locator("h2")).to_contain_text(
            ["Period", "Key figures", "Revenue by day", "Revenue by country", "Funnel", "Days"]
        )
        expect(page.locator(".c-chart svg").first).to_be_visible()
        expect(page.locator(".c-funnel-step")).to_have_count(4)
        # a figure leads to its own trend, and the view begins there
        tile.locator("a").click()
        page.wait_for_url("**kpi=customers**")
        expect(page.get_by_role("heading", name="Customers by day")).to_be_in_viewport()
        expect(page.get_by_role("heading", name="Customers by country")).to_be_visible()
        page.get_by_role("link", name="By week").click()
        expect(page.get_by_role("heading", name="Customers by week")).to_be_visible()
        expect(page.get_by_role("link", name="By week")).to_have_attribute("aria-current", "true")


@on_the_demo
def test_a_click_on_a_country_shows_it_alone_and_says_what_is_not_known_of_it(demo_url, browser):
    with window(browser, NARROW) as there:
        page = there.open(f"{demo_url}/kpis?{NOVEMBER}").page
        page.get_by_role("link", name="Canada", exact=True).click()
        page.wait_for_url("**country=Canada**")
        expect(page.locator(".c-chip", has_text="Canada")).to_be_visible()
        expect(page.get_by_text("Not known by country:")).to_contain_text("sessions, conversion")
        assert page.locator(".c-tile", has=page.get_by_text("Sessions", exact=True)).count() == 0
        expect(page.get_by_text("Visits are not known by country")).to_be_visible()
        assert "from=2021-11-01" in page.url
        page.get_by_role("link", name="Show everything").click()
        expect(
            page.locator(".c-tile", has=page.get_by_text("Sessions", exact=True))
        ).to_be_visible()


@on_the_demo
def test_other_days_are_chosen_in_a_form_and_keep_the_rest(demo_url, browser):
    with window(browser) as there:
        page = there.open(f"{demo_url}/kpis?{NOVEMBER}&kpi=orders&kpi_days_page=2").page
        page.get_by_label("From", exact=True).fill("2021-09-01")
        page.get_by_label("To", exact=True).fill("2021-09-10")
        # what the server changes meanwhile leaves alone what was typed
        page.get_by_role("button", name="Next page").last.click()
        page.wait_for_function("location.search.includes('kpi_days_page=3')")
        expect(page.locator("tbody tr", has_text="2021-11-10").last).to_be_visible()
        expect(page.get_by_label("From", exact=True)).to_have_value("2021-09-01")
        page.get_by_role("button", name="Show these days").click()
        page.wait_for_url("**from=2021-09-01&to=2021-09-10**")
        assert "kpi=orders" in page.url
        assert "kpi_days_page" not in page.url
        expect(page.get_by_text("nothing to compare with").first).to_be_visible()
        expect(page.get_by_text("of the 10 days before")).to_contain_text("none has data")
        assert page.locator(".c-figure-hint", has_text="▲").count() == 0
        page.get_by_role("link", name="Last 7 days").click()
        page.wait_for_url("**from=2021-11-25&to=2021-12-01**")


@on_the_demo
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=never", "is no day, so"),
        ("from=2021-12-01&to=2022-01-15", "1 of the 46 days chosen"),
        ("from=2020-01-01&to=2020-01-31&grain=week", "There is no data of these days."),
        ("country=Canada&promo=x", "only the country counts here"),
    ],
)
def test_what_a_url_cannot_have_is_told(demo_url, query, words):
    answer = fetched(demo_url, f"/kpis?{query}")
    assert answer.status_code == 200
    assert words in answer.text


@on_the_demo
def test_a_country_that_no_day_has_is_not_there(demo_url):
    answer = fetched(demo_url, "/kpis?country=Atlantis")
    assert answer.status_code == 404
    assert "Atlantis" in answer.text


@on_the_demo
def test_days_and_splits_are_downloaded_as_they_are_shown(demo_url, built_demo):
    def rows(name: str, query: str) -> list[dict[str, str]]:
        answer = httpx.get(f"{demo_url}/download/{name}.csv?{query}", timeout=30)
        assert answer.status_code == 200
        return list(csv.DictReader(io.StringIO(answer.text)))

    days = rows("kpi_days", f"{NOVEMBER}&country=Canada&kpi_days_sort=kpi_date")
    wanted = built_demo.rows(
        "select kpi_date, orders from marts.kpi_daily where dimension = 'country'"
        " and dimension_value = 'Canada' and kpi_date between '2021-11-01' and '2021-11-30'"
        " order by 1"
    )
    assert [(day["kpi_date"], day["orders"]) for day in days] == [
        (str(row["kpi_date"]), str(row["orders"])) for row in wanted
    ]
    split = rows("kpi_split_orders", f"{NOVEMBER}&kpi=orders&by=promo")
    wanted = built_demo.rows(
        "select coalesce(promo_id, '(none)') as promo, count(*) as n from marts.fct_orders"
        " where created_at >= '2021-11-01' and created_at < '2021-12-01' group by 1"
    )
    assert {row["dimension_value"]: float(row["value"]) for row in split} == {
        row["promo"]: row["n"] for row in wanted
    }


NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{7*7}}",
    "javascript:alert(3)",
    "a/b?c=d&e#f%41",
    "O'Neil \\ Söhne 🧀",
    "שלום עולם",
    "x" * 300,
)


@pytest.fixture(scope="module")
def hostile_url(tmp_path_factory) -> Iterator[str]:
    def quoted(text: str) -> str:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'

    world = World(tmp_path_factory.mktemp("ui_kpis_hostile"), as_of="2021-03-31 23:30:00").write(
        raw_user="id,name,email,created_at\nu1,Ann,ann@acme.com,2021-01-01",
        raw_address="\n".join(
            [
                "address_id,address,zipcode,state,country",
                *(f"a{n},x,1,y,{quoted(text)}" for n, text in enumerate(NASTY)),
            ]
        ),
        raw_product="\n".join(
            [
                "product_id,name,price",
                *(f"{quoted(text)},{quoted(text)},{n + 1}" for n, text in enumerate(NASTY)),
            ]
        ),
        raw_order="\n".join(
            [
                "order_id,user_id,created_at,order_cost,address_id",
                *(f"o{n},u1,2021-03-2{n},10,a{n}" for n in range(len(NASTY))),
            ]
        ),
        raw_order_item="\n".join(
            [
                "order_id,product_id,quantity",
                *(f"o{n},{quoted(text)},1" for n, text in enumerate(NASTY)),
            ]
        ),
    )
    world.build_everything().publish()
    with served(world.settings) as url:
        yield url


@hostile
@pytest.mark.parametrize("dimension", ["country", "product"])
def test_hostile_values_are_shown_as_text_and_lead_to_themselves(
    hostile_url, browser: Browser, dimension
):
    with window(browser) as there:
        # nothing of it may run, be fetched, or widen the page: `check` looks
        page = there.open(f"{hostile_url}/kpis?by={dimension}&kpi=revenue").page
        cells = page.locator(".c-kpi-split .q-table tbody a")
        expect(cells).to_have_count(len(NASTY))
        assert set(cells.all_text_contents()) == set(NASTY)
        links = [link.get_attribute("href") or "" for link in cells.all()]
        assert all(link.startswith("/kpis?") for link in links)
        given = [unquote_plus(link.split(f"{dimension}=")[1].split("&")[0]) for link in links]
        assert set(given) == set(NASTY)
        assert page.locator("img[src=x]").count() == 0


@hostile
@pytest.mark.parametrize("text", NASTY)
def test_a_hostile_filter_is_shown_as_text(hostile_url, browser: Browser, text):
    there = fetched(hostile_url, f"/kpis?product={quote(text, safe='')}")
    assert there.status_code == 200
    assert "<script>alert(1)" not in there.text
    assert "<img src=x" not in there.text
    missing = fetched(hostile_url, f"/kpis?country={quote(text + '!', safe='')}")
    assert missing.status_code == 404
    assert "<script>alert(1)" not in missing.text


@hostile
def test_a_hostile_filter_runs_nothing_in_a_browser(hostile_url, browser: Browser):
    with window(browser, NARROW) as there:
        for text in (*NASTY[:3], NASTY[-1]):
            page = there.open(f"{hostile_url}/kpis?product={quote(text, safe='')}").page
            expect(page.locator(".c-chip")).to_have_text(text)
            there.check()
