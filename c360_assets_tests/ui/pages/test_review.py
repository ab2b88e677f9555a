"""Merge review in a browser: by mouse and keyboard, two reviewers, who may and who may not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, expect

from c360_assets.resolution.recording import LOCK
from c360_assets.ui.security.access import users_folder
from c360_assets.ui.security.users import Role, Users
from c360_assets.warehouse.published import published_file
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.review_world import HOSTILE, HOSTILE_NAME, THRICE, reviewed
from c360_assets_tests.ui.serving import NARROW, WIDE, Window, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("review_pages")]
PASSWORD = "correct horse battery staple"
PEOPLE = {"ann": Role.REVIEWER, "bob": Role.REVIEWER, "vera": Role.VIEWER}
PAIR = "eva{0}.long{0}+news@acme{0}.com~eva{0}.long{0}@acme{0}.com"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return reviewed(tmp_path_factory.mktemp("review_pages"), *HOSTILE, *THRICE)


@pytest.fixture(scope="module")
def users(world: World) -> Users:
    made = Users(users_folder(world.settings))
    for name, role in PEOPLE.items():
        made.add(name, PASSWORD, role)
    return made


@pytest.fixture(scope="module")
def url(world: World, users: Users) -> Iterator[str]:
    """The pages of a server that demands a login."""
    (world.settings.home_dir / "c360.toml").write_text('[ui]\nallowed_hosts = ["pages.test"]\n')
    with served(world.settings) as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_decided(world: World) -> Iterator[None]:
    yield
    for path in files(world):
        path.unlink()


def files(world: World) -> list[Path]:
    return sorted(world.settings.merges_dir.glob("merged_user_*.csv"))


def lock(world: World) -> FileLock:
    """While it is held every decision waits."""
    return FileLock(world.settings.home_dir / LOCK)


@contextmanager
def reviewer(browser: Browser, url: str, name: str, width: int = WIDE) -> Iterator[Window]:
    """A window of somebody who has logged in."""
    with window(browser, width) as there:
        there.page.goto(f"{url}/login")
        there.page.fill("#name", name)
        there.page.fill("#password", PASSWORD)
        there.page.keyboard.press("Enter")
        there.page.wait_for_url(f"{url}/")
        yield there


def press(there: Window, key: str) -> None:
    """Press a key as somebody who has seen the page."""
    there.page.locator("html[data-calm]").wait_for(state="attached")
    there.page.keyboard.press(key)


# two presses that no busy machine parts: the second one is never of the next page
TWICE_A = """() => {
    for (const type of ["keydown", "keyup", "keydown", "keyup"])
        document.body.dispatchEvent(
            new KeyboardEvent(type, {key: "a", code: "KeyA", bubbles: true, cancelable: true})
        );
}"""


def test_a_pair_is_skipped_approved_taken_back_and_rejected_by_keyboard(
    browser: Browser, url: str, world: World
) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        expect(page.get_by_text("eva10.long10+news@acme10.com").first).to_be_visible()
        press(there, "s")
        page.wait_for_url("**/review?after=1")
        there.open(page.url)
        press(there, "a")
        page.wait_for_url("**/review?after=2")
        (file,) = files(world)
        old, new = PAIR.format(11).split("~")
        assert file.read_text().splitlines()[1].startswith(f"{old},{new},merge,ann,")
        expect(page.get_by_text("Your last decision: ann merged")).to_be_visible()
        expect(page.get_by_text("Recorded. The sensor picks it up")).to_be_visible()
        expect(page.get_by_text("15 pairs open. Decided today: 1 (ann 1).")).to_be_visible()
        there.open(page.url)
        press(there, "u")
        page.wait_for_url("**/review?pair=*")
        assert len(files(world)) == 2
        expect(page.get_by_text(old, exact=True).first).to_be_visible()
        expect(page.get_by_text(f"ann took back {old} and {new}")).to_be_visible()
        there.open(page.url)
        press(there, "r")
        page.wait_for_url("**/review?after=2")
        last = files(world)[-1].read_text()
        assert f"{old},{new},never,ann," in last
        assert "suggestion rejected" in last


def test_keys_rest_while_somebody_types_and_a_reason_goes_into_the_file(
    browser: Browser, url: str, world: World
) -> None:
    reason = '=1+1 <img src=x onerror=alert(1)>, "quoted" — ärger'
    with reviewer(browser, url, "ann", NARROW) as there:
        page = there.open(f"{url}/review?pair={PAIR.format(12).replace('+', '%2B')}").page
        page.get_by_label("Reason").fill("as urar?")
        press(there, "a")
        assert page.get_by_label("Reason").input_value() == "as urar?a"
        page.get_by_label("Reason").fill(reason)
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url("**/review?after=3")
        (file,) = files(world)
        assert '"=1+1 <img src=x onerror=alert(1)>, ""quoted"" — ärger"' in file.read_text()
        there.open(f"{url}/review/history")
        expect(page.get_by_text(reason)).to_be_visible()


def test_two_presses_write_once(browser: Browser, url: str, world: World) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        page.evaluate(TWICE_A)
        page.wait_for_url("**/review?after=1")
        assert len(files(world)) == 1


def test_a_decision_that_could_not_be_written_is_told_whatever_the_reason(
    browser: Browser, url: str, world: World
) -> None:
    lock, database = world.settings.home_dir / LOCK, published_file(world.settings)
    lock.unlink(missing_ok=True)
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        lock.mkdir()
        try:
            press(there, "a")
            expect(page.get_by_role("alert")).to_contain_text(LOCK)
        finally:
            lock.rmdir()
        # nobody foresees that the copy is torn at this moment
        away = database.rename(database.with_suffix(".away"))
        try:
            database.write_bytes(b"torn")
            press(there, "a")
            expect(page.get_by_text("The server could not do this")).to_be_visible()
        finally:
            away.replace(database)
        assert files(world) == []
        press(there, "a")
        page.wait_for_url("**/review?after=1")


def test_a_press_that_goes_on_from_the_pair_before_decides_nothing_on_the_next(
    browser: Browser, url: str, world: World
) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.page
        page.add_init_script(
            """
            new MutationObserver(() => {
              // as soon as the pair is there, and before anybody can have seen it
              const button = document.querySelector(".c-review-approve");
              if (!button || window.pressed) return;
              window.pressed = true;
              document.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
              button.click();
            }).observe(document, { childList: true, subtree: true });
            """
        )
        there.open(f"{url}/review")
        assert page.evaluate("window.pressed")
        # what comes after it on the same socket is answered after it
        press(there, "?")
        expect(page.get_by_text("undo your last decision")).to_be_visible()
        assert files(world) == []
        with lock(world):
            press(there, "a")
            expect(page.get_by_text("Recording …")).to_be_visible()
            assert files(world) == []
        page.wait_for_url("**/review?after=1")
        assert len(files(world)) == 1


def test_who_decides_in_two_windows_hears_that_they_have_decided_already(
    browser: Browser, url: str, world: World
) -> None:
    with reviewer(browser, url, "ann") as there:
        there.open(f"{url}/review")
        other = there.page.context.new_page()
        other.goto(f"{url}/review")
        other.locator("html[data-calm]").wait_for(state="attached")
        press(there, "a")
        there.page.wait_for_url("**/review?after=1")
        other.keyboard.press("r")
        expect(other.get_by_role("alert")).to_contain_text("You have decided already")
        assert len(files(world)) == 1


def test_of_two_reviewers_the_second_hears_who_decided_what(
    browser: Browser, url: str, world: World
) -> None:
    with reviewer(browser, url, "ann") as ann, reviewer(browser, url, "bob") as bob:
        ann.open(f"{url}/review")
        bob.open(f"{url}/review")
        bob.page.get_by_label("Reason").fill("they are sisters")
        bob.page.get_by_role("button", name="Reject").click()
        bob.page.wait_for_url("**/review?after=1")
        press(ann, "a")
        told = ann.page.get_by_role("alert")
        expect(told).to_contain_text("Somebody else was faster")
        expect(told).to_contain_text("bob kept apart")
        expect(told).to_contain_text("they are sisters")
        assert len(files(world)) == 1
        ann.open(f"{url}/review?pair={PAIR.format(10).replace('+', '%2B')}")
        expect(ann.page.get_by_text("This pair is not open")).to_be_visible()
        expect(ann.page.get_by_text("bob kept apart")).to_be_visible()


def test_viewers_decide_nothing(browser: Browser, url: str, world: World) -> None:
    with reviewer(browser, url, "vera") as there:
        page = there.open(f"{url}/review").page
        expect(page.get_by_text("Decisions are for reviewers")).to_be_visible()
        assert page.get_by_role("button", name="Approve").count() == 0
        press(there, "a")
        expect(page.get_by_text("You may not decide")).to_be_visible()
        press(there, "r")
        # what comes after it on the same socket is answered after it
        press(there, "s")
        page.wait_for_url("**/review?after=1")
    assert files(world) == []


def with_role(users: Users, name: str, role: Role) -> None:
    """Another role in the file of users, as an editor writes it: logins go on."""
    said = json.loads(users.path.read_text())
    (found,) = (each for each in said["users"] if each["name"] == name)
    found["role"] = role
    # the server reads it all the time, and nobody gets in by half a file
    written = users.path.with_suffix(".written")
    written.write_text(json.dumps(said))
    written.replace(users.path)


def test_a_click_counts_by_the_role_of_now_and_from_the_window_of_the_page_alone(
    browser: Browser, url: str, world: World, users: Users
) -> None:
    sent: list[Any] = []

    def note(frame: str | bytes) -> None:
        if isinstance(frame, str) and frame.startswith('42["event"'):
            sent.append(json.loads(frame[2:])[1])

    emit = "message => window.socket.emit('event', message)"
    with reviewer(browser, url, "ann") as ann, reviewer(browser, url, "vera") as vera:
        ann.page.on("websocket", lambda socket: socket.on("framesent", note))
        ann.open(f"{url}/review")
        vera.open(f"{url}/review")
        with_role(users, "ann", Role.VIEWER)
        ann.page.get_by_role("button", name="Approve").click()
        expect(ann.page.get_by_role("alert")).to_contain_text("You may not decide")
        press(ann, "r")
        press(ann, "s")
        ann.page.wait_for_url("**/review?after=1")
        assert files(world) == []

        with_role(users, "ann", Role.REVIEWER)
        ann.open(f"{url}/review?pair={PAIR.format(13).replace('+', '%2B')}")
        with_role(users, "ann", Role.VIEWER)
        ann.page.get_by_role("button", name="Approve").click()
        expect(ann.page.get_by_role("alert")).to_contain_text("You may not decide")
        click = sent[-1]
        with_role(users, "ann", Role.REVIEWER)
        # the same message, from another visitor who came to know the ids of Ann's page
        vera.page.evaluate(emit, click)
        press(vera, "s")
        vera.page.wait_for_url("**/review?after=1")
        assert files(world) == []
        ann.page.evaluate(emit, click)
        ann.page.wait_for_url("**/review?after=4")
        assert len(files(world)) == 1


def test_who_is_removed_decides_nothing_on_an_open_page_and_is_shown_the_form(
    browser: Browser, url: str, world: World, users: Users
) -> None:
    users.add("cleo", PASSWORD, Role.REVIEWER)
    with reviewer(browser, url, "cleo") as there:
        page = there.open(f"{url}/review").page
        users.remove("cleo")
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url(f"{url}/login**")
        expect(page.get_by_label("Password")).to_be_visible()
        assert "eva10" not in page.content()
        assert files(world) == []
        # the browser writes that what it asked for was refused
        there.problems = [
            each for each in there.problems if "socket.io" not in each and "401" not in each
        ]


def test_scores_are_hidden_on_request_and_stay_so(browser: Browser, url: str) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        expect(page.get_by_text("How likely")).to_be_visible()
        page.get_by_role("link", name="Hide the scores").click()
        page.wait_for_url("**/review?blind=1")
        there.open(page.url)
        assert page.get_by_text("How likely").count() == 0
        assert page.get_by_text("Rank in the list").count() == 0
        press(there, "s")
        page.wait_for_url("**/review?blind=1&after=eva10*")
        there.open(page.url)
        assert "100.0%" not in page.content()


def test_who_is_kept_can_be_swapped(browser: Browser, url: str, world: World) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        page.get_by_role("link", name="Swap").click()
        page.wait_for_url("**/review?pair=*")
        there.open(page.url)
        press(there, "a")
        page.wait_for_url("**/review?after=1")
        (file,) = files(world)
        assert "\neva10.long10@acme10.com,eva10.long10+news@acme10.com,merge" in file.read_text()


def test_the_whole_plan_comes_later_and_the_keys_are_explained(browser: Browser, url: str) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        expect(page.get_by_text("2 now, 1 then")).to_be_visible()
        expect(page.get_by_text("CRM records", exact=True)).to_be_visible()
        explained = page.get_by_text("undo your last decision")
        expect(explained).not_to_be_visible()
        press(there, "?")
        expect(explained).to_be_visible()
        press(there, "?")
        expect(explained).not_to_be_visible()


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_names_and_links_that_try_to_be_code_are_shown_as_text(
    browser: Browser, url: str, width: int
) -> None:
    hostile = "a~b'{{7*7}}%2B%252f@acme99.com~a~b'{{7*7}}@acme99.com"
    with reviewer(browser, url, "ann", width) as there:
        page = there.open(f"{url}/review?pair={hostile}").page
        expect(page.get_by_text(HOSTILE_NAME).first).to_be_visible()
        expect(page.get_by_text("a~b'{{7*7}}@acme99.com", exact=True).first).to_be_visible()
        press(there, "a")
        page.wait_for_url("**/review?after=16")
        there.open(f"{url}/review/history")
        expect(page.get_by_text("a~b'{{7*7}}+%2f@acme99.com", exact=True)).to_be_visible()
        page.get_by_role("link", name="Undo").click()
        page.wait_for_url("**/review/history?undo=*")
        there.open(page.url)
        expect(page.get_by_text("Take this decision back?")).to_be_visible()
        for path in ("pair=%3Cscript%3Ealert(1)%3C/script%3E", f"after={'x' * 3000}"):
            there.open(f"{url}/review?{path}")
            assert page.locator("h1").count() == 1
        there.open(f"{url}/review/history?undo=javascript:alert(1)&key=%22%3E%3Cimg%3E&kind=x")
        expect(page.get_by_text("There is no such decision.")).to_be_visible()


def test_a_decision_is_taken_back_in_the_history(browser: Browser, url: str, world: World) -> None:
    with reviewer(browser, url, "ann") as there:
        page = there.open(f"{url}/review").page
        press(there, "a")
        page.wait_for_url("**/review?after=1")
    with reviewer(browser, url, "bob") as there:
        page = there.open(f"{url}/review/history?by=ann").page
        page.get_by_role("link", name="Undo").click()
        page.wait_for_url("**/review/history?by=ann&undo=*")
        there.open(page.url)
        expect(page.get_by_text("1 now, 2 then")).to_be_visible()
        page.get_by_role("button", name="Undo it").click()
        page.wait_for_url("**/review/history?by=ann")
        assert ",undo,bob," in files(world)[-1].read_text()
        there.open(f"{url}/review/history")
        expect(page.get_by_text("undone, waiting for the next run")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").click()
        text = download.value.path().read_text()
        assert text.count("eva10.long10+news@acme10.com") >= 2
