"""What a search finds: people, companies and gaggles, each with why it was found.

Enter on an exact id or address goes there at once; `all` in the query lists what else is found.
Without `kind` the closest of each kind are shown, with it all of that kind, page by page.
"""

from __future__ import annotations

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.data.search import KINDS, Found, Kind, Results, search
from c360_assets.ui.data.search_groups import closest_of_each, is_exactly, the_one_meant
from c360_assets.ui.page import Page
from c360_assets.ui.parts import forms, states
from c360_assets.ui.parts.figures import chip, heading, panel
from c360_assets.ui.parts.stack import page_of, pager
from c360_assets.ui.parts.text import plural

FEW: dict[Kind, int] = {"person": 10, "company": 5, "gaggle": 5}
MANY = 25
TITLES: dict[Kind, tuple[str, str]] = {
    "person": ("People", "people"),
    "company": ("Companies", "companies"),
    "gaggle": ("Gaggles", "gaggles"),
}


async def build(page: Page) -> str | None:
    """The results; where to go instead, if the text is exactly one person's id or address."""
    text = " ".join(page.query["q"].split())
    kind = next((each for each in KINDS if each == page.query.get("kind")), None)
    if kind is not None:
        at = page_of(page, "page")
        found = {kind: await page.ask(search, text, (kind,), MANY, (at - 1) * MANY)}
    else:
        found = await page.ask(closest_of_each, text, FEW)
        meant = the_one_meant(text, found.values())
        if meant is not None and not page.query.get("all"):
            return _href(meant)
    heading(f"Found for “{text}”", 1)
    _choice(page, kind, found)
    if not any(each.total for each in found.values()):
        _nothing(page, kind)
    for each, results_of in found.items():
        if results_of.found:
            _results(page, text, each, results_of, is_whole=kind is not None)
    return None


def _choice(page: Page, kind: Kind | None, found: dict[Kind, Results]) -> None:
    with ui.element("nav").classes("c-actions").props('aria-label="Kinds of results"'):
        forms.choice_link("All", page.url(kind=None, page=None, all="1"), is_chosen=kind is None)
        for each in KINDS:
            name = TITLES[each][0]
            text = f"{name} {found[each].totals[each]:,}" if each in found else name
            forms.choice_link(text, page.url(kind=each, page=None), is_chosen=each == kind)


def _nothing(page: Page, kind: Kind | None) -> None:
    with panel("Nothing was found", wide=True):
        states.empty(
            f"There is no {'such ' + TITLES[kind][1] if kind else 'person, company or gaggle'}"
            " with all of these words.",
            "Every word must be found: in a name, in an address that they have or had, in an id, "
            "or in a company's domain. A part of a word will do: `jon gar` finds Jon Garfield. "
            "Who asked not to be shown is not found.",
        )
        if kind:
            ui.link("Search everything", page.url(kind=None, page=None, all="1"))


def _results(page: Page, text: str, kind: Kind, results: Results, *, is_whole: bool) -> None:
    title, nouns = TITLES[kind]
    total = results.totals[kind]
    with panel(f"{title} ({total:,})", wide=True):
        with ui.element("ol").classes("c-results"):
            for each in results.found:
                _result(text, each)
        if is_whole:
            pager(page, "page", page_of(page, "page"), total, MANY, nouns)
        elif total > len(results.found):
            ui.link(f"All {total:,} {nouns}", page.url(kind=kind, page=None)).classes("c-more")


def _result(text: str, found: Found) -> None:
    with ui.element("li").classes("c-result"):
        with ui.element("div").classes("c-result-title"):
            ui.link(found.title or f"(no name) {found.object_id}", _href(found))
            if is_exactly(text, found):
                chip("exactly this", "good")
            if found.note:
                chip(found.note)
        with ui.element("div").classes("c-result-facts"):
            for text in _facts(found):
                ui.label(text)


def _facts(found: Found) -> list[str]:
    """What tells one from others of the same name."""
    said = []
    if found.kind == "person":
        said += [each for each in (found.address, found.company, found.gaggle_name) if each]
    elif found.kind == "gaggle" and found.company:
        said.append(found.company)
    if found.kind != "person":
        said.append(plural(found.number_of_people, "person", "people"))
    said.append(plural(found.number_of_orders, "order"))
    said.append(plural(found.number_of_events, "event"))
    return said


def _href(found: Found) -> str:
    if found.kind == "person":
        return links.contact(found.object_id)
    return (
        links.account(found.object_id) if found.kind == "company" else links.gaggle(found.object_id)
    )
