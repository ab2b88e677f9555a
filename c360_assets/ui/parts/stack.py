"""Small tables built row by row, with links and buttons in them; cards on phones.

For rows that do not come from the published copy (`table`), or that can be acted on. Their page
is in the URL, and another page is a full load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from c360_assets.ui.parts.text import NOTHING

if TYPE_CHECKING:
    from c360_assets.ui.page import Page


def stack(
    columns: Sequence[str | tuple[str, str, str]], label: str, numbers: Sequence[str] = ()
) -> ui.element:
    """The table, whose rows are made inside `with`; `numbers` are the headings of numbers.

    A column is its heading; or its heading, the address that sorts by it, and how it is sorted now
    (`ascending`, `descending` or `none`).
    """
    with ui.element("table").classes("c-table c-stack") as table:
        table.props["aria-label"] = label
        with ui.element("thead"), ui.element("tr"):
            for column in columns:
                with ui.element("th").props("scope=col") as heading:
                    if (column if isinstance(column, str) else column[0]) in numbers:
                        heading.classes("c-number")
                    if isinstance(column, str):
                        ui.label(column).classes("c-inline")
                        continue
                    text, href, order = column
                    heading.props["aria-sort"] = order
                    mark = {"ascending": " ↑", "descending": " ↓"}.get(order, "")
                    ui.link(f"{text}{mark}", href)
        return ui.element("tbody")


def row() -> ui.element:
    """A row; its cells are made inside `with`."""
    return ui.element("tr")


def cell(label: str, text: Any = None, *, is_number: bool = False) -> ui.element:
    """A cell under the heading `label`, with a text or with what is made inside `with`."""
    made = ui.element("td").classes("c-number" if is_number else "")
    made.props["data-label"] = label
    if text is not None:
        with made:
            ui.label(str(text) or NOTHING).classes("c-inline")
    return made


def pager(page: Page, key: str, at: int, total: int, size: int, nouns: str) -> None:
    """Links to the pages before and after; `key` is the query parameter, `at` begins with 1."""
    if total <= size:
        return
    first, last = (at - 1) * size + 1, min(at * size, total)
    with ui.element("nav").classes("c-actions c-pager") as made:
        made.props["aria-label"] = f"Pages of {nouns}"
        ui.label(f"{first:,} to {last:,} of {total:,} {nouns}").classes("c-note")
        if at > 1:
            ui.link("Before", page.url(**{key: str(at - 1) if at > 2 else None}))
        if last < total:
            ui.link("Next", page.url(**{key: str(at + 1)}))


def page_of(page: Page, key: str) -> int:
    """Which page the URL asks for; the first where that makes no sense."""
    text = page.query.get(key, "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 8 else 1
