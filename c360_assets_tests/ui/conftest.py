"""Fixtures for the pages: the demo served, and a browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.serving import PATIENCE_SECONDS, served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for a module: while it lives, this thread has a loop of events."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed; .ci/run installs it")
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def demo_url(built_demo: World) -> Iterator[str]:
    """The pages on the whole demo, for looking only."""
    with served(built_demo.settings) as url:
        yield url
