"""What stands round every page: search, navigation, how old the data is, who looks."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.copies import Copies, Copy
from c360_assets.ui.page import Page
from c360_assets.ui.parts.text import ago

LOOK_SECONDS = 15.0
NAVIGATION = (
    ("Home", links.HOME),
    ("Segments", links.SEGMENTS),
    ("KPIs", links.KPIS),
    ("Merge review", links.REVIEW),
    ("CRM sync", links.SYNC),
    ("Support queue", links.QUEUE),
)
STATIC = "/static"


def head() -> None:
    """The page's own style and script."""
    ui.add_head_html(f'<link rel="stylesheet" href="{STATIC}/c360.css">')
    ui.add_head_html(f'<script src="{STATIC}/c360.js" defer></script>')


def header(path: str, visitor_name: str, text: str = "", *, can_leave: bool = False) -> None:
    """The bar at the top; `text` stands in its search field."""
    with ui.element("a").classes("c-skip").props('href="#main"'):
        ui.label("Skip to the content").classes("c-inline")
    with ui.element("header").classes("c-header"):
        with ui.element("a").classes("c-brand").props('href="/"'):
            ui.label("c360").classes("c-inline")
        _search(text)
        with ui.element("nav").classes("c-nav").props('aria-label="Pages"'):
            for name, target in NAVIGATION:
                link = ui.link(name, target)
                is_here = path == target or (target != "/" and path.startswith(f"{target}/"))
                if is_here:
                    link.props("aria-current=page")
        with ui.element("div").classes("c-who"):
            _theme_button()
            ui.label(visitor_name).classes("c-note")
            if can_leave:
                ui.link("Log out", "/logout").classes("c-note")


def _search(text: str) -> None:
    # a plain form: it works before the page's scripts do, and its result has a URL
    with ui.element("form").classes("c-search").props('action="/" method="get" role="search"'):
        field = ui.element("input").props(
            'type="search" name="q" autocomplete="off" maxlength="300" id="search"'
        )
        field.props["aria-label"] = "Search people, companies and gaggles"
        field.props["placeholder"] = "Search people, companies, gaggles  ( / )"
        # as an attribute: a property would be set again, over what somebody types
        field.props["^value"] = text


def _theme_button() -> None:
    button = ui.element("button").classes("c-theme").props('type="button"')
    button.props["aria-label"] = "Light or dark"
    with button:
        ui.icon("contrast", size="1.3em")


def footer(page: Page, copies: Copies) -> None:
    """How old the data is; says when there is a newer version."""
    with ui.element("footer").classes("c-footer"):
        ui.label(freshness(page.copy, page.now))
        ui.label("Times are UTC.")
    notice = ui.element("div").classes("c-newer").props("role=status")
    notice.set_visibility(False)
    with notice:
        ui.label("Newer data was published.")
        ui.button("Show it", on_click=lambda: ui.navigate.to(page.url())).props("flat no-caps")

    def look() -> None:
        if _is_newer(copies, page.copy):
            notice.set_visibility(True)

    ui.timer(LOOK_SECONDS, look, immediate=False)


def freshness(copy: Copy, now: datetime) -> str:
    """When the data was published."""
    at = copy.published_at
    return f"Data published {ago(at, now)} ({at:%Y-%m-%d %H:%M} UTC)."


def _is_newer(copies: Copies, copy: Copy) -> bool:
    opened = copies.opened()
    return opened is not None and opened.version != copy.version
