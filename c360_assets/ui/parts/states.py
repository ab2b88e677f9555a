"""What is shown where there is nothing, not yet something, or something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nicegui import background_tasks, ui

from c360_assets.errors import C360Error

T = TypeVar("T")
LOG = logging.getLogger("c360.ui")
LOGGED = "The server could not work this out; its log tells why."


def empty(text: str, hint: str = "") -> None:
    """Nothing is there, and that is no fault; `hint` says what would bring something."""
    with ui.element("div").classes("c-empty"):
        ui.label(text)
        if hint:
            ui.label(hint).classes("c-note")


def trouble(title: str, text: str, again: Callable[[], object] | None = None) -> None:
    """Something went wrong; `again` tries once more. No title where a heading says it already."""
    with ui.element("div").classes("c-trouble").props("role=alert"):
        if title:
            ui.label(title).classes("c-strong")
        ui.label(text)
        if again:
            ui.button("Try again", on_click=again).props("flat no-caps")


def notify_of(problem: Exception) -> None:
    """What somebody asked for on an open page failed, and nothing else has told it."""
    unforeseen = (
        "The server could not do this; its log tells why. Load the page anew to see what is done."
    )
    text = str(problem) if isinstance(problem, C360Error) else unforeseen
    ui.notify(text, type="negative", multi_line=True, timeout=10_000)


def waiting(text: str) -> None:
    """Something is being worked out."""
    with ui.element("div").classes("c-waiting").props("role=status"):
        ui.spinner(size="1.4em")
        ui.label(text)


def later(
    text: str, load: Callable[[], Awaitable[T]], show: Callable[[T], Awaitable[None] | None]
) -> ui.element:
    """A place that fills once the page is there: for what takes longer than a page may.

    `load` works it out (off the event loop), `show` builds elements from it.
    """
    place = ui.element("div").classes("c-later")
    client = ui.context.client

    async def fill() -> None:
        place.clear()
        with place:
            waiting(text)
        problem, title = None, "This part could not be loaded"
        try:
            found = await load()
            if client.is_deleted:
                return
            title = "This part could not be shown"
            place.clear()
            with place:
                await _shown(show, found)
        except C360Error as error:
            problem = str(error)
        except Exception:
            LOG.exception("a part of a page failed: %s", text)
            problem = LOGGED
        if problem is not None and not client.is_deleted:
            place.clear()
            with place:
                trouble(title, problem, again=fill)

    async def start() -> None:
        await client.connected()
        # whoever asked may be gone: then there is no page to fill
        if not client.is_deleted:
            with place:
                await fill()

    background_tasks.create(start(), name=f"later: {text}")
    return place


async def _shown(show: Callable[[T], Awaitable[None] | None], found: T) -> None:
    made = show(found)
    if made is not None:
        await made
