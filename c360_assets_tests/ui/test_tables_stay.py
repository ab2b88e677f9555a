"""What stands in a table on a page stays the same element, so that no click or focus is lost.

A browser clicks only what was pressed and let go on one element: a link that is drawn anew in
between is not clicked, and the keyboard loses its place.
"""

import pytest
from playwright.sync_api import Browser, expect

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import NARROW, WIDE, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]
LINKS = {
    "/queue": {
        WIDE: ".q-table tbody a[href^='/queue?']",
        NARROW: ".c-card-row a[href^='/queue?']",
    },
    "/contacts/{contact}": {
        WIDE: ".c-profile tbody a[href*='attribute=']",
        NARROW: ".c-profile .c-card-row a[href*='attribute=']",
    },
}
CASES = [(path, width) for path, widths in LINKS.items() for width in widths]


@pytest.fixture(scope="module")
def contact(built_demo: World) -> str:
    first = built_demo.rows("select contact_id from marts.contacts order by contact_id limit 1")[0]
    return str(first["contact_id"])


@pytest.mark.parametrize(("path", "width"), CASES)
def test_a_link_of_a_table_stays_while_the_table_is_drawn_anew(
    demo_url: str, contact: str, browser: Browser, path: str, width: int
) -> None:
    with window(browser, width) as there:
        page = there.open(demo_url + path.format(contact=contact)).page
        link = page.locator(LINKS[path][width]).first
        link.focus()
        before = link.element_handle()
        # Quasar draws its tables anew when the theme changes
        page.locator(".c-theme").click(force=True)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        link.focus()
        page.locator(".c-theme").evaluate("button => button.click()")
        expect(page.locator("body.body--dark")).to_have_count(0)
        assert before.evaluate("link => link.isConnected")
        assert before.evaluate("link => document.activeElement === link")


@pytest.mark.parametrize("path", LINKS)
def test_the_server_sends_no_table_twice(
    demo_url: str, contact: str, browser: Browser, path: str
) -> None:
    with window(browser) as there:
        sent: list[str] = []
        there.page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: sent.append(str(frame))),
        )
        there.open(demo_url + path.format(contact=contact))
        # an answer to what the browser told on loading has come by then
        there.page.wait_for_timeout(500)
        assert [frame[:200] for frame in sent if "nicegui-table" in frame] == []


def test_what_was_opened_in_a_profile_stays_open_and_belongs_to_its_attribute(
    demo_url: str, contact: str, browser: Browser
) -> None:
    with window(browser) as there:
        page = there.open(f"{demo_url}/contacts/{contact}").page
        profile = page.locator(".c-profile")
        opened = profile.locator("tr", has=page.locator("code", has_text="number_of_orders")).first
        name = opened.locator("summary code").inner_text()
        opened.locator("summary").click()
        page.locator(".c-theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(profile.locator("details[open] summary code")).to_have_text([name])
        page.get_by_label("Find an attribute").fill("sessions")
        expect(profile.get_by_text("number_of_orders")).to_have_count(0)
        expect(profile.locator("details[open]")).to_have_count(0)
