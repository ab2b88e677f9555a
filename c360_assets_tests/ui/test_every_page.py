"""Each page in a real browser, wide and narrow, light and dark, on the demo."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import NARROW, WIDE, Window, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PATHS = (
    *("/", "/?q=ann", "/segments", "/kpis", "/review", "/review/history", "/sync", "/queue"),
    *("/contacts/{contact}", "/accounts/{account}", "/gaggles/{gaggle}"),
)


@pytest.fixture(scope="module")
def there(built_demo: World) -> dict[str, str]:
    """A person who was merged, with orders; their company and gaggle."""
    row = built_demo.rows(
        """
        select c.contact_id as contact, c.corporate_email as account, c.gaggle_id as gaggle
        from marts.contacts as c
        where c.corporate_email is not null and c.gaggle_id is not null and c.number_of_orders > 0
        order by c.number_of_users desc, c.contact_id limit 1
        """
    )[0]
    return {name: str(value) for name, value in row.items()}


def is_usable(shown: Window) -> None:
    """No barrier that axe-core knows (WCAG 2.2 AA, so contrast, too), one heading, no trouble."""
    found = Axe().run(shown.page, options={"runOnly": list(RULES)})
    problems = [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in found.response["violations"]
    ]
    assert problems == []
    assert shown.page.locator("h1").count() == 1
    assert shown.page.locator(".c-trouble").all_inner_texts() == []


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole_at_both_widths_light_and_dark_and_asks_nobody_else(
    demo_url: str, there: dict[str, str], browser: Browser, path: str
) -> None:
    with window(browser) as shown:
        for scheme, width in (("light", WIDE), ("dark", NARROW)):
            shown.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            shown.page.set_viewport_size({"width": width, "height": 900})
            shown.open(demo_url + path.format(**there)).settle()
            is_usable(shown)
            shown.check()
