"""Who is faster than the line or the server: nothing of what they do is lost or turned back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from nicegui import Client, core, ui
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as BrowserPage
from starlette.requests import Request

from c360_assets.ui.copies import Copies, SlowQuestionError
from c360_assets.ui.data.queue import Filters
from c360_assets.ui.page import Page
from c360_assets.ui.pages.queue import TICKETS
from c360_assets.ui.parts import table
from c360_assets.ui.parts.table import Loaded, State, sliced
from c360_assets.ui.security.users import Role
from c360_assets.ui.security.visitors import Visitor
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]
TICKET = ".q-table tbody a[href^='/queue?']"
REQUEST = Request({"type": "http", "path": "/queue", "headers": []})
# from now on the page hears no word of the server
DEAF = "() => { window.socket.io.engine.transport.ws.onmessage = () => {}; }"


# --- answers of tables ---------------------------------------------------------------------------


@dataclass
class Late(Page):
    """A page on a busy server: a table hears nothing before the gate of its order is open."""

    gates: dict[str | None, asyncio.Event] = field(default_factory=dict)
    went: list[str] = field(default_factory=list)

    async def ask(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        found = await super().ask(function, *given, **named)
        state = next(each for each in given if isinstance(each, State))
        if state.sort in self.gates:
            await self.gates[state.sort].wait()
        if state.sort == "subject_or_id":
            raise SlowQuestionError("this took longer than 15 seconds")
        return found

    def go(self, **changes: str | None) -> None:
        self.went.append(self.url(**changes))


@pytest.fixture
def late(built_demo: World, tmp_path: Path) -> Late:
    """The queue of a home of its own on the demo's published copy."""
    (tmp_path / "published").symlink_to(built_demo.settings.published_dir)
    settings = built_demo.settings.model_copy(update={"home": tmp_path})
    copies = Copies(settings)
    visitor = Visitor("ann", Role.VIEWER, "", False, lambda is_activity: Role.VIEWER)
    return Late(settings, copies.current(), visitor, "/queue", {}, copies)


def with_the_queue(page: Late, act: Callable[[table._Shown], Awaitable[None]]) -> None:
    """Let `act` use the table of the queue."""

    async def whole() -> None:
        core.loop = asyncio.get_running_loop()
        state, parameters = State.of(TICKETS, {}), Filters().parameters
        listing = TICKETS.linked("subject_or_id", lambda row: page.url(ticket=row["ticket_id"]))
        first = sliced(page.copy, TICKETS, state, parameters)
        with Client(ui.page("/queue"), request=REQUEST) as client:
            shown = table._Shown(page, Loaded(listing, parameters, state, first))
            shown.build(download=False)
            await act(shown)
        client.delete()

    asyncio.run(whole())


async def answered(shown: table._Shown, column: str, page: int = 1) -> None:
    """What Quasar's table asks for is answered."""
    pagination = {"sortBy": column, "descending": False, "page": page, "rowsPerPage": 25}
    with shown.table.client:
        await shown._answer(SimpleNamespace(args={"pagination": pagination}))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """NiceGUI's loop is put back after each test."""
    monkeypatch.setattr(core, "loop", core.loop)


def test_an_answer_that_is_overtaken_by_a_later_one_is_not_shown(late: Late) -> None:
    async def act(shown: table._Shown) -> None:
        late.gates = {"who": asyncio.Event(), "company": asyncio.Event()}
        asked = [asyncio.create_task(answered(shown, name)) for name in late.gates]
        await asyncio.sleep(0)
        late.gates["company"].set()
        await asked[1]
        rows = shown.table.rows
        late.gates["who"].set()
        await asked[0]
        assert shown.table.rows == rows
        assert shown.table.pagination["sortBy"] == "company"
        assert shown.table.props["loading"] is False
        assert late.query == {"queue_sort": "company"}

    with_the_queue(late, act)


def test_the_links_of_rows_keep_the_order_and_page_that_the_rows_have(late: Late) -> None:
    async def act(shown: table._Shown) -> None:
        await answered(shown, "who", page=2)
        for row in shown.table.rows:
            assert "queue_sort=who&queue_page=2&ticket=" in row["subject_or_id_href"]

    with_the_queue(late, act)


def test_a_table_that_gets_no_answer_does_not_wait_for_ever_and_stays_what_it_was(
    late: Late,
) -> None:
    async def act(shown: table._Shown) -> None:
        await answered(shown, "who")
        rows = shown.table.rows
        with pytest.raises(SlowQuestionError):
            await answered(shown, "subject_or_id")
        assert shown.table.props["loading"] is False
        assert shown.table.rows == rows
        assert shown.table.pagination["sortBy"] == "who"
        assert late.query == {"queue_sort": "who"}

    with_the_queue(late, act)


def test_an_open_table_shows_nobody_who_is_to_be_hidden_by_now(late: Late) -> None:
    async def act(shown: table._Shown) -> None:
        await answered(shown, "who")
        rows = shown.table.rows
        erased = late.settings.home_dir / "erasure"
        erased.mkdir()
        (erased / "tombstones.jsonl").touch()
        await answered(shown, "who", page=2)
        assert shown.table.rows == rows
        assert late.went == ["/queue?queue_sort=who&queue_page=2"]

    with_the_queue(late, act)


# --- in a browser --------------------------------------------------------------------------------


def test_the_slider_follows_the_hand_and_not_the_line(demo_url: str, browser: Browser) -> None:
    with window(browser) as there:
        page = there.open(f"{demo_url}/segments?by=day").page
        slider = page.locator("#time-slider")
        at = int(slider.get_attribute("aria-valuenow") or 0)
        page.evaluate(DEAF)
        slider.locator("[tabindex]").focus()
        for _ in range(10):
            page.keyboard.press("ArrowLeft")
        expect(slider).to_have_attribute("aria-valuenow", str(at - 10))


def arrived(page: BrowserPage, **wanted: str) -> dict[str, str]:
    """The query of the page's URL, once it has these parameters."""
    page.wait_for_url(lambda url: wanted.items() <= query_of(url).items(), timeout=30_000)
    return query_of(page.url)


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_links_and_filters_keep_what_was_sorted_and_looked_for_meanwhile(
    demo_url: str, built_demo: World, browser: Browser
) -> None:
    contact = built_demo.rows("select min(contact_id) as id from marts.contacts")[0]["id"]
    with window(browser) as there:
        page = there.open(f"{demo_url}/contacts/{contact}").page
        page.get_by_label("Find an attribute").fill("orders")
        arrived(page, find="orders")
        page.get_by_role("link", name="Day before").click()
        page.wait_for_url("**day=**")
        assert arrived(page, find="orders").keys() == {"find", "day"}

        there.open(f"{demo_url}/segments?people_sort=email")
        page.locator(".q-table th.sortable").nth(2).click()
        arrived(page, people_sort="corporate_email")
        page.get_by_role("link", name="Money", exact=True).first.click()
        arrived(page, measure="money", people_sort="corporate_email")
        there.open(page.url)
        page.locator(".q-table th.sortable").nth(1).click()
        arrived(page, people_sort="email")
        page.get_by_label("Next page").click()
        arrived(page, people_page="2")
        page.get_by_label("Orders, at least").fill("2")
        page.get_by_label("Orders, at least").press("Enter")
        # other people are shown from their first page on
        assert arrived(page, orders="2", people_sort="email").get("people_page") is None
