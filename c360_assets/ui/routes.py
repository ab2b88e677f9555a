"""The list of the pages and of the tables that may be downloaded."""

from __future__ import annotations

from c360_assets.ui.downloads import Download, Sheet
from c360_assets.ui.pages import (
    account,
    contact,
    gaggle,
    home,
    kpis,
    queue,
    review,
    segments,
    sync,
)
from c360_assets.ui.site import Route

_PAGES = (home, contact, account, gaggle, segments, kpis, review, sync, queue)
ROUTES: tuple[Route, ...] = tuple(route for page in _PAGES for route in page.ROUTES)
DOWNLOADS: tuple[Download | Sheet, ...] = tuple(each for page in _PAGES for each in page.DOWNLOADS)
