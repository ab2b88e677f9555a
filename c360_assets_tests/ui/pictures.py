"""Pictures of every page for the README: `python -m c360_assets_tests.ui.pictures URL`.

The pages at that URL should show the demo.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDTH, HEIGHT = 1280, 860
PICTURES = {
    "home": "/",
    "search": "/?q=ada",
    "contact": "/contacts/{contact}",
    "account": "/accounts/{account}",
    "gaggle": "/gaggles/{gaggle}",
    "segments": "/segments",
    "kpis": "/kpis?preset=30",
    "review": "/review",
    "sync": "/sync",
    "queue": "/queue",
}


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the pages are served, such as http://127.0.0.1:8360")
    parser.add_argument("--contact", required=True, help="the contact_id of the person to show")
    parser.add_argument("--account", required=True, help="the domain of the company")
    parser.add_argument("--gaggle", required=True, help="the id of the gaggle")
    options = parser.parse_args()
    there = {name: getattr(options, name) for name in ("contact", "account", "gaggle")}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, path in PICTURES.items():
            page.goto(options.url + path.format(**there), wait_until="networkidle")
            page.wait_for_function("!document.querySelector('.c-waiting')")
            page.wait_for_timeout(500)  # charts draw after their data has come
            page.screenshot(path=FOLDER / f"page-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
