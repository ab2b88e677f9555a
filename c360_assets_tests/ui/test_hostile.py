"""What comes from data is text on every page, whatever it is."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.hostile import ATTACK, GAGGLE_ID, hostile_world
from c360_assets_tests.ui.serving import NARROW, WIDE, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hostile_pages")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return hostile_world(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    with served(world.settings) as made:
        yield made


def test_an_attack_in_any_text_is_shown_as_text(world: World, url: str, browser: Browser) -> None:
    contact = world.rows("select contact_id from marts.contacts where email = 'ann@acme.com'")
    person = f"/contacts/{contact[0]['contact_id']}"
    paths = (
        *(f"/?q={quote(ATTACK)}", "/?q=ann", person, f"{person}?q={quote(ATTACK)}"),
        *("/accounts/acme.com", f"/gaggles/{quote(GAGGLE_ID, safe='')}"),
        *("/segments", f"/segments?segment={quote(ATTACK)}", "/segments?cell=r5f5"),
        *("/kpis", f"/kpis?kpi={quote(ATTACK)}", "/kpis?kpi=revenue"),
        *("/review", f"/review/history?key={quote(ATTACK)}", "/review/history"),
        *("/queue", f"/queue?ticket={quote(ATTACK)}", f"/queue?text={quote(ATTACK)}", "/sync"),
        *(f"/contacts/{quote(ATTACK, safe='')}", f"/{quote(ATTACK, safe='')}"),
    )
    # tables are cards on a phone, and made by another template
    small = [(path, NARROW) for path in (person, "/accounts/acme.com", "/queue", "/review/history")]
    with window(browser) as there:
        for path, width in [*((path, WIDE) for path in paths), *small]:
            there.page.set_viewport_size({"width": width, "height": 900})
            there.open(url + path).settle()
            assert there.page.evaluate("window.hacked") is None, path
            inside = "main#main script, main#main [onerror], main#main [onload]"
            assert there.page.locator(inside).count() == 0, path
            # answers that say that there is no such thing are told to the console by the browser
            there.problems = [each for each in there.problems if not re.search("404|400", each)]
        there.open(url + person)
        assert ATTACK in there.page.locator("h1").inner_text()
