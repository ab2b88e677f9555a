"""The pages served in a process of their own, and a browser that takes offence easily."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from c360_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WIDE, NARROW = 1440, 390
# a busy machine is no failure: longer than anything takes there, and shorter than a test may take
PATIENCE_SECONDS = 90.0


@contextmanager
def served(
    settings: Settings, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """`c360 ui` on a free port; gives its URL, and ends it by its own process id."""
    command = [sys.executable, "-m", "c360_assets.cli", "ui", "--port", "0", *arguments]
    given = {
        **{name: value for name, value in os.environ.items() if not name.startswith("C360_")},
        "C360_HOME": str(settings.home_dir),
        "C360_SOURCE": str(settings.source_dir),
        "C360_MERGES": str(settings.merges_dir),
        "C360_CRM": settings.crm,
        "PYTHONPATH": str(ROOT),
        **(environment or {}),
    }
    if settings.config is not None:
        given["C360_CONFIG"] = str(settings.config)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=given, cwd=settings.home_dir, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, f"the pages did not start: {line!r}"
        yield line.split()[-1]
    finally:
        process.terminate()
        try:
            # it ends what it was working out
            process.wait(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
            process.stdout and process.stdout.close()


def fetched(url: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """The page's HTML, in which NiceGUI sends every element along."""
    given = {"accept": "text/html", **(headers or {})}
    return httpx.get(url + path, headers=given, timeout=PATIENCE_SECONDS)


@dataclass
class Window:
    """A browser window; `check` fails on errors in its console and on requests to elsewhere."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def open(self, url: str) -> "Window":
        """Go there, and wait until NiceGUI is connected and idle."""
        self.page.goto(url, wait_until="networkidle")
        self.page.locator("main#main").wait_for()
        if "/review" in url:
            # decisions count only once a pair can have been seen
            self.page.locator("html[data-calm]").wait_for(state="attached")
        # a browser that is slow to start its scripts asks for nothing meanwhile
        self.page.wait_for_function("window.did_handshake")
        return self

    def settle(self) -> "Window":
        """Wait for what comes once a page is there (`parts.states.later`)."""
        # such a place is empty at first, says that it waits, and is filled then
        expect(self.page.locator(".c-later:empty, .c-later .c-waiting")).to_have_count(0)
        return self

    def check(self) -> None:
        """Fail if anything went wrong, or if the page is wider than the window."""
        assert self.problems == []
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], "the page scrolls sideways"

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "::1"):
            self.problems.append(f"request to elsewhere: {request.url}")


@contextmanager
def window(
    browser: Browser, width: int = WIDE, schemes: Sequence[str] = ("light",), **more: Any
) -> Iterator[Window]:
    """A new window of that width; checked when it is left without an error."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=schemes[0], **more
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    try:
        made = Window(context.new_page())
        made.page.on("console", made._console)
        made.page.on("pageerror", lambda error: made.problems.append(f"script: {error}"))
        made.page.on("request", made._request)
        made.page.on("websocket", lambda socket: made.problems.extend(_elsewhere(socket.url)))
        yield made
        made.check()
    finally:
        context.close()


def _elsewhere(url: str) -> list[str]:
    is_here = urlsplit(url).hostname in ("127.0.0.1", "::1")
    return [] if is_here else [f"websocket to elsewhere: {url}"]
