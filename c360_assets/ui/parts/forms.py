"""Choices whose result is a URL: links, and plain forms that work before the page's scripts do."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nicegui import ui

from c360_assets.ui.page import Page


def form(
    page: Page,
    label: str,
    fields: Iterable[str],
    *,
    fragment: str = "",
    drops: Callable[[str], bool] | None = None,
) -> ui.element:
    """A form whose `fields` go into this page's URL, beside what is there; use it with `with`.

    `drops` tells which other query parameters are left out, such as the page of a table.
    """
    made = ui.element("form").classes("c-form").props('method="get"')
    made.props["action"] = f"{page.path}{fragment}"
    made.props["aria-label"] = label
    if drops is None:
        # what is sorted or looked for until it is sent comes along, too (c360.js)
        made.props["data-keeps"] = "all"
    given = set(fields)
    with made:
        for name, value in page.query.items():
            if name not in given and not (drops and drops(name)):
                hidden = ui.element("input").props('type="hidden"')
                hidden.props["name"], hidden.props["value"] = name, value
    return made


def labelled(text: str) -> ui.element:
    """A label round an input of a form; use it with `with`."""
    label = ui.element("label").classes("c-field")
    with label:
        ui.label(text).classes("c-note")
    return label


def field(label: str, name: str, kind: str, value: str | None, **props: str) -> None:
    """A labelled input of that type."""
    with labelled(label):
        made = ui.element("input")
        # as an attribute: a property would be set again, over what somebody types
        given = {"type": kind, "name": name, "autocomplete": "off", "^value": value or "", **props}
        for prop, each in given.items():
            made.props[prop] = each


def select(label: str, name: str, options: Iterable[tuple[str, str]], chosen: str | None) -> None:
    """A labelled list of values with their words, one of them chosen."""
    with labelled(label), ui.element("select") as made:
        made.props["name"] = name
        for value, words in options:
            with ui.element("option") as option:
                option.props["value"] = value
                if value == (chosen or ""):
                    option.props["selected"] = True
                ui.label(words).classes("c-inline")


def submit(text: str) -> None:
    """The button of a form."""
    with ui.element("button").classes("c-pill").props('type="submit"'):
        ui.label(text).classes("c-inline")


def choice_link(text: str, href: str, *, is_chosen: bool) -> None:
    """A link to one of several choices; it says whether it is the one that is shown."""
    link = ui.link(text, href)
    if is_chosen:
        link.props('aria-current="true"')
