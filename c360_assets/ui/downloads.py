"""Tables as CSV files, written row by row while they are read; formulas are defused.

A page registers its listing by its key; the query parameters are those of the page's URL.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from c360_assets.activation.tabular import FORMULA_START
from c360_assets.errors import C360Error
from c360_assets.settings import Settings
from c360_assets.ui.copies import Batches, Copies, Copy
from c360_assets.ui.parts.table import Listing, State

Parameters = Callable[[Copy, Mapping[str, str]], Mapping[str, Any]]
_FORMULA = re.compile(FORMULA_START)


@dataclass(frozen=True)
class Download:
    """A listing that may be downloaded, and what gives its parameters from a page's URL."""

    listing: Listing
    parameters: Parameters

    @property
    def key(self) -> str:
        """What the file is called."""
        return self.listing.key

    def batches(self, copy: Copy, query: Mapping[str, str]) -> Batches:
        """The names of the columns, then the rows.

        Raises:
            C360Error: the URL asks for what there is not.
        """
        listing, parameters = self.listing, self.parameters(copy, query)
        order = listing.order_of(State.of(listing, query).sort)
        return copy.stream(listing.question, order, details=listing.details, **parameters)


@dataclass(frozen=True)
class Sheet:
    """Rows that do not come from the copy alone, under the name of a file; as `Download`."""

    key: str
    batches: Callable[[Copy, Mapping[str, str]], Batches]


def register(app: Starlette, copies: Copies, settings: Settings) -> None:
    """Serve `/download/<key>.csv`."""
    from c360_assets.ui.routes import DOWNLOADS

    there = {each.key: each for each in DOWNLOADS}

    async def download(request: Request) -> Response:
        chosen = there.get(request.path_params["key"])
        if chosen is None:
            return PlainTextResponse("There is no such table.", 404)
        query = dict(request.query_params)
        try:
            copy = await asyncio.to_thread(copies.current)
            batches = await asyncio.to_thread(chosen.batches, copy, query)
        except C360Error as error:
            return PlainTextResponse(str(error), 400)
        name = f'attachment; filename="{chosen.key}.csv"'
        return StreamingResponse(
            lines(batches),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": name, "Cache-Control": "no-store"},
        )

    app.add_route("/download/{key}.csv", download, methods=["GET"])


def lines(batches: Batches) -> Iterator[bytes]:
    """Batches of rows, the names of the columns first, as CSV."""
    for batch in batches:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([_cell(value) for value in row] for row in batch)
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet runs (OWASP, CSV Injection)."""
    if isinstance(value, list):
        value = ", ".join(str(each) for each in value)
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
