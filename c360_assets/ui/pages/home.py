"""`/`: search, and how things stand.

Belongs here: which of the two it is, and the order of the panels. Not here: results
(`home_search`), single panels (`home_standing`, `home_history`).
"""

from __future__ import annotations

import asyncio

from starlette.responses import RedirectResponse, Response

from c360_assets.errors import C360Error
from c360_assets.ui.data import sync as sync_data
from c360_assets.ui.data.standing import standing
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import home_search
from c360_assets.ui.pages.home_history import history
from c360_assets.ui.pages.home_standing import (
    decisions,
    freshness,
    rejected,
    syncs,
    to_do,
    what_is_there,
)
from c360_assets.ui.parts.figures import heading
from c360_assets.ui.site import Route


async def build(page: Page) -> Response | None:
    """The start page; `q` in the query is what is searched for."""
    if page.query.get("q", "").strip():
        target = await home_search.build(page)
        return RedirectResponse(target, 303) if target else None
    found, briefs = await asyncio.gather(page.ask(standing, page.settings), _briefs(page))
    heading("Home", 1)
    what_is_there(page, found)
    to_do(found.counts, found.decisions)
    freshness(page, found.freshness)
    syncs(page, briefs)
    history(page)
    rejected(found.rejected)
    decisions(found.decisions)
    return None


async def _briefs(page: Page) -> list[sync_data.Brief] | C360Error:
    """Every destination in a line; a problem of theirs is shown in its place."""
    try:
        return await page.ask(sync_data.shown_briefs, page.settings)
    except C360Error as error:
        return error


ROUTES = (Route("/", "Home", build),)
DOWNLOADS: tuple[Download, ...] = ()
