"""The time of the page of segments: a slider, the hour or day before and after, a field.

Belongs here: choosing the time. Not here: what is shown of it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from nicegui import events, ui

from c360_assets.ui.data.segments import History
from c360_assets.ui.data.segments_choice import Choice, hour_text
from c360_assets.ui.data.segments_steps import Steps, steps
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.parts import forms
from c360_assets.ui.parts.figures import panel

# who holds an arrow key down, or drags on, is not sent elsewhere meanwhile
QUIET_SECONDS = 0.6
SLIDER = "time-slider"


def show(page: Page, there: History, choice: Choice) -> None:
    """The panel by which the time is chosen."""
    found = steps(there, choice.unit)
    with panel("Time", note=_note(there), wide=True):
        with ui.element("div").classes("c-time"):
            _unit(page, choice)
            if found is not None:
                _neighbours(page, choice, found)
            _form(page, there, choice)
        if found is not None:
            _Slider(page, there, choice, found).build()


def time_text(there: History, at: datetime | None) -> str:
    """The time in words."""
    if at is not None:
        return f"{at:%Y-%m-%d %H:%M}"
    return f"Latest ({there.as_of:%Y-%m-%d %H:%M})" if there.as_of else "Latest"


def _note(there: History) -> str:
    if there.first_hour is None or there.last_hour is None:
        return "There is no full hour of history yet: it begins after the first order."
    return (
        f"Any full hour from {there.first_hour:%Y-%m-%d %H:%M} to "
        f"{there.last_hour:%Y-%m-%d %H:%M} UTC, as it was then."
    )


def _unit(page: Page, choice: Choice) -> None:
    parts.choices(
        "Step by",
        [
            ("Hour", page.url(by=None), choice.unit == "hour"),
            ("Day", page.url(by="day"), choice.unit == "day"),
        ],
    )


def _neighbours(page: Page, choice: Choice, found: Steps) -> None:
    before, after = found.before(choice.at), found.after(choice.at)
    with ui.element("nav").classes("c-actions") as made:
        made.props["aria-label"] = "Other times"
        if before is not None:
            href = page.url(at=hour_text(before), people_page=None)
            ui.link(f"← {before:%Y-%m-%d %H:%M}", href).props["aria-label"] = (
                f"The {choice.unit} before: {before:%Y-%m-%d %H:%M}"
            )
        if choice.at is not None:
            if after is not None:
                href = page.url(at=hour_text(after), people_page=None)
                ui.link(f"{after:%Y-%m-%d %H:%M} →", href).props["aria-label"] = (
                    f"The {choice.unit} after: {after:%Y-%m-%d %H:%M}"
                )
            ui.link("Latest", page.url(at=None, people_page=None))


def _form(page: Page, there: History, choice: Choice) -> None:
    if there.first_hour is None or there.last_hour is None:
        return
    with forms.form(page, "Go to an hour", ("at", "people_page")):
        forms.field(
            "Hour (UTC)",
            "at",
            "datetime-local",
            "" if choice.at is None else f"{choice.at:%Y-%m-%dT%H:%M}",
            step="3600",
            min=f"{there.first_hour:%Y-%m-%dT%H:%M}",
            max=f"{there.last_hour:%Y-%m-%dT%H:%M}",
        )
        forms.submit("Go")


class _QuasarSlider(ui.slider):
    """NiceGUI's slider, moved by the hand: over a slow line each echo would set it back."""

    LOOPBACK = False


class _Slider:
    """The slider: it says the time while it is moved, and goes there once it rests."""

    def __init__(self, page: Page, there: History, choice: Choice, found: Steps) -> None:
        self.page, self.there, self.choice, self.steps = page, there, choice, found
        self.moves = 0

    def build(self) -> None:
        position = self.steps.position(self.choice.at)
        with ui.element("div").classes("c-slider"):
            self.slider = _QuasarSlider(min=0, max=self.steps.last_position, value=position)
            self.slider.props["id"] = SLIDER
            self.slider.props["aria-label"] = f"Time, by {self.choice.unit}"
            self.slider.props["aria-valuetext"] = time_text(self.there, self.choice.at)
            self.slider.on_value_change(self._say)
            self.slider.on("change", self._go)
            self.words = ui.label(time_text(self.there, self.choice.at)).classes("c-strong")

    def _say(self, event: events.ValueChangeEventArguments[float | None]) -> None:
        words = time_text(self.there, self.steps.at(int(event.value or 0)))
        self.words.set_text(words)
        self.slider.props["aria-valuetext"] = words

    async def _go(self) -> None:
        self.moves += 1
        moves = self.moves
        await asyncio.sleep(QUIET_SECONDS)
        if moves != self.moves:
            return
        at = self.steps.at(int(self.slider.value or 0))
        if at != self.choice.at:
            # where the keyboard was, it is again on the page of the other time
            ui.run_javascript(f"sessionStorage.setItem('c360-focus', '{SLIDER}')")
            self.page.go(at=None if at is None else hour_text(at), people_page=None)
