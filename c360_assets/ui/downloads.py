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
from c360_assets.ui.copies import Copies, Copy
from c360_assets.ui.parts.table import Listing, State

Parameters = Callable[[Copy, Mapping[str, str]], Mapping[str, Any]]
_FORMULA = re.compile(FORMULA_START)


@dataclass(frozen=True)
class Download:
    """A listing that may be downloaded, and what gives its parameters from a page's URL."""

    listing: Listing
    parameters: Parameters


def register(app: Starlette, copies: Copies, settings: Settings) -> None:
    """Serve `/download/<key>.csv`."""
    from c360_assets.ui.routes import DOWNLOADS

    there = {each.listing.key: each for each in DOWNLOADS}

    async def download(request: Request) -> Response:
        chosen = there.get(request.path_params["key"])
        if chosen is None:
            return PlainTextResponse("There is no such table.", 404)
        query = dict(request.query_params)
        try:
            copy = await asyncio.to_thread(copies.current)
            parameters = await asyncio.to_thread(chosen.parameters, copy, query)
        except C360Error as error:
            return PlainTextResponse(str(error), 400)
        order = chosen.listing.order_of(State.of(chosen.listing, query).sort)
        batches = copy.stream(chosen.listing.question, order, **parameters)
        name = f'attachment; filename="{chosen.listing.key}.csv"'
        return StreamingResponse(
            lines(batches),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": name, "Cache-Control": "no-store"},
        )

    app.add_route("/download/{key}.csv", download, methods=["GET"])


def lines(batches: Iterator[list[tuple[Any, ...]]]) -> Iterator[bytes]:
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
