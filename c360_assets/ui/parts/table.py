"""Tables that the server pages: sorted and paged by SQL, their state in the URL, cards on phones.

A table is a `Listing`: which question, which columns, in which order at first. Its state is in the
query parameters `<key>_sort` (a column, `-` before it for descending), `<key>_page` and
`<key>_rows`; the CSV file of all its rows is `/download/<key>.csv` (`ui.downloads`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nicegui import events, ui

from c360_assets.ui import links
from c360_assets.ui.copies import Copy, Details, Order, Slice
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import Source
from c360_assets.ui.parts.quasar import CardPart, LinkPart, QuasarTable
from c360_assets.ui.parts.text import Kind, plural, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from c360_assets.ui.page import Page

ROWS_PER_PAGE = (10, 25, 50, 100)
# beyond this nobody turns pages; the download has every row
DEEPEST_ROW = 100_000


@dataclass(frozen=True)
class Column:
    """One column: its name in the question, its heading, how it is shown, where it links to."""

    name: str
    label: str
    kind: Kind = "text"
    source: Source | None = None
    href: Callable[[dict[str, Any]], str | None] | None = field(default=None, repr=False)
    is_sortable: bool = True
    is_wide: bool = False  # may break into lines


@dataclass(frozen=True)
class Listing:
    """A table of many rows: `key` names it in URLs; `then` makes every order total.

    With `details` the question may be narrow, and quick to sort: they add columns to rows shown.
    """

    key: str
    question: str
    columns: tuple[Column, ...]
    row_key: str
    order: Order
    noun: str = "row"
    nouns: str = "rows"
    counts: str | None = None
    details: Details | None = None
    rows_per_page: int = 25

    def linked(self, name: str, href: Callable[[dict[str, Any]], str | None]) -> Listing:
        """The same with other links in one column, such as those that keep a page's filters."""
        columns = (replace(one, href=href) if one.name == name else one for one in self.columns)
        return replace(self, columns=tuple(columns))

    def order_of(self, text: str | None) -> Order:
        """The order that a URL asks for; the listing's own where it names no sortable column."""
        if not text:
            return self.order
        name = text.removeprefix("-")
        if not any(column.name == name and column.is_sortable for column in self.columns):
            return self.order
        then = tuple(each for each in (*self.order.then, self.row_key) if each != name)
        return Order(name, text.startswith("-"), tuple(dict.fromkeys(then)))


@dataclass(frozen=True)
class State:
    """Which rows are shown, and in which order."""

    sort: str | None
    page: int
    rows: int

    @classmethod
    def of(cls, listing: Listing, query: Mapping[str, str]) -> State:
        """As the URL says; what makes no sense there counts as not said."""
        page = _number(query.get(f"{listing.key}_page"), 1)
        rows = _number(query.get(f"{listing.key}_rows"), listing.rows_per_page)
        rows = rows if rows in ROWS_PER_PAGE else listing.rows_per_page
        return cls(query.get(f"{listing.key}_sort"), max(page, 1), rows)

    def query(self, listing: Listing) -> dict[str, str | None]:
        """The query parameters of this state."""
        is_usual = self.rows == listing.rows_per_page
        return {
            f"{listing.key}_sort": self.sort,
            f"{listing.key}_page": str(self.page) if self.page > 1 else None,
            f"{listing.key}_rows": None if is_usual else str(self.rows),
        }


@dataclass(frozen=True)
class Loaded:
    """A listing with its first rows, ready to be shown."""

    listing: Listing
    parameters: Mapping[str, Any]
    state: State
    slice: Slice


async def load(page: Page, listing: Listing, **parameters: Any) -> Loaded:
    """Ask for the rows that the URL names; a page beyond the last one is the last one."""
    state = State.of(listing, page.query)
    found = await page.ask(sliced, listing, state, parameters)
    if not found.rows and found.total:
        last = min(max(-(-found.total // state.rows), 1), DEEPEST_ROW // state.rows)
        state = State(state.sort, last, state.rows)
        found = await page.ask(sliced, listing, state, parameters, found.total)
    return Loaded(listing, parameters, state, found)


def table(
    page: Page,
    loaded: Loaded,
    *,
    nothing: str,
    hint: str = "",
    download: bool | Mapping[str, str] = True,
) -> None:
    """The table; `nothing` is said where it has no rows, `hint` what would bring some.

    `download`: whether it is one of `ui.downloads`. Its query parameters are those of the page's
    URL, and these, such as the id that stands in the path of the page.
    """
    if not loaded.slice.total:
        states.empty(nothing, hint)
        return
    _Shown(page, loaded).build(download)


class _Shown:
    """A table on a page: it answers the browser's requests for other rows."""

    def __init__(self, page: Page, loaded: Loaded) -> None:
        self.page, self.loaded, self.state = page, loaded, loaded.state
        self.listing = loaded.listing
        self.asked = loaded.state
        self.link: ui.link | None = None
        self.more: Mapping[str, str] = {}

    def build(self, download: bool | Mapping[str, str]) -> None:
        listing, total = self.listing, self.loaded.slice.total
        with ui.element("div").classes("c-listing"):
            with ui.element("div").classes("c-listing-head"):
                ui.label(plural(total, listing.noun, listing.nouns)).classes("c-note")
                if download is not False:
                    self.more = {} if download is True else download
                    self.link = ui.link("Download CSV", self._file())
                    self.link.classes("c-download").props("download")
            self.table = QuasarTable(
                columns=[self._column(column) for column in listing.columns],
                rows=self._rows(self.loaded.slice),
                row_key=listing.row_key,
                pagination=self._pagination(total),
            )
            self.table.classes("c-quasar-table").props("flat dense binary-state-sort")
            self.table.props[":grid"] = _ON_A_PHONE
            self.table.props["rows-per-page-options"] = list(ROWS_PER_PAGE)
            for column in listing.columns:
                if column.href:
                    self.table.fill(f"body-cell-{column.name}", LinkPart)
            self.table.fill("item", CardPart)
            self.table.on("request", self._answer)

    async def _answer(self, event: events.GenericEventArguments) -> None:
        asked = event.args["pagination"]
        sort = asked.get("sortBy")
        rows = asked.get("rowsPerPage")
        state = self.asked = State(
            f"{'-' if asked.get('descending') else ''}{sort}" if sort else None,
            max(int(asked.get("page") or 1), 1),
            rows if rows in ROWS_PER_PAGE else self.listing.rows_per_page,
        )
        self.table.props["loading"] = True
        try:
            if await self.page.work(self.page.is_to_hide_others):
                return self.page.go(**state.query(self.listing))
            found = await self.page.ask(
                sliced, self.listing, state, self.loaded.parameters, self.loaded.slice.total
            )
        finally:
            if state is self.asked:
                self.table.props["loading"] = False
        # a later question may be answered first: then this is no longer what was asked for
        if state is self.asked:
            self._show(state, found)
        return None

    def _show(self, state: State, found: Slice) -> None:
        self.state = state
        # first, since the links of the rows keep it
        self.page.replace_query(state.query(self.listing))
        self.table.rows = self._rows(found)
        self.table.pagination = self._pagination(found.total)
        self.table.update()
        if self.link is not None:
            self.link.props["href"] = self._file()
            self.link.update()

    def _file(self) -> str:
        """The address of all rows, in the order that the page's URL has."""
        return links.download(self.listing.key, {**self.page.query, **self.more})

    def _pagination(self, total: int) -> dict[str, Any]:
        order = self.listing.order_of(self.state.sort)
        return {
            "sortBy": order.column,
            "descending": order.is_descending,
            "page": self.state.page,
            "rowsPerPage": self.state.rows,
            "rowsNumber": min(total, DEEPEST_ROW),
        }

    def _column(self, column: Column) -> dict[str, Any]:
        is_number = column.kind in ("number", "decimal", "money", "percent")
        source = column.source
        return {
            "name": column.name,
            "label": column.label,
            "field": column.name,
            "sortable": column.is_sortable,
            "align": "right" if is_number else "left",
            "headerStyle": "white-space: normal",
            "classes": "c-wrap" if column.is_wide else "",
            "title": f"{source.name}: {source.meaning}" if source else column.label,
        }

    def _rows(self, found: Slice) -> list[dict[str, Any]]:
        currency = self.page.currency
        made = []
        for row in found.rows:
            cells: dict[str, Any] = {self.listing.row_key: str(row[self.listing.row_key])}
            for column in self.listing.columns:
                cells[column.name] = shown(row[column.name], column.kind, currency)
                if column.href and (href := column.href(row)):
                    cells[f"{column.name}_href"] = href
            made.append(cells)
        return made


def sliced(
    copy: Copy,
    listing: Listing,
    state: State,
    parameters: Mapping[str, Any],
    total: int | None = None,
) -> Slice:
    """The rows of a page of a listing; `total` is the number of all its rows, where it is known."""
    return copy.page(
        *(listing.question, listing.order_of(state.sort), state.rows),
        min((state.page - 1) * state.rows, DEEPEST_ROW),
        details=listing.details,
        counts=listing.counts,
        total=total,
        **parameters,
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


_ON_A_PHONE = "Quasar.Screen.lt.sm"
