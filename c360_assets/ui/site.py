"""Every page and its path; and what happens when a page cannot be built.

Belongs here: the list of pages, the frame round each, errors as pages. Not here: who may look
(`security`), what a page shows (`pages`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import Client, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from c360_assets.errors import C360Error, NothingPublishedError
from c360_assets.settings import Settings
from c360_assets.ui import frame
from c360_assets.ui.copies import Copies
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.figures import heading
from c360_assets.ui.security.gate import visitor_of

LOG = logging.getLogger("c360.ui")
BUILD_SECONDS = 30.0
Build = Callable[..., Awaitable[Response | None]]


@dataclass(frozen=True)
class Route:
    """A page: its path as Starlette writes it, the window's title, and what builds it.

    `build` is called with a `Page` and the parts of the path; it may answer with a redirect, too.
    """

    path: str
    title: str
    build: Build


class Site:
    """The pages on the published copy of some settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.copies = Copies(settings)

    def register(self, routes: tuple[Route, ...]) -> None:
        """Let NiceGUI serve the pages."""
        for route in routes:
            self._register(route)

    def _register(self, route: Route) -> None:
        async def shown(request: Request) -> Response | None:
            return await self._show(route, request)

        title = f"{route.title} · c360"
        ui.page(route.path, title=title, dark=None, response_timeout=BUILD_SECONDS)(shown)

    async def _show(self, route: Route, request: Request) -> Response | None:
        visitor = visitor_of(request)
        ui.context.client.on_exception(states.notify_of)
        path, query = request.url.path, dict(request.query_params)
        frame.head()
        frame.header(path, visitor.name, query.get("q", ""), can_leave=visitor.can_leave)
        main = ui.element("main").props('id="main" tabindex="-1"')
        try:
            copy = await asyncio.to_thread(self.copies.current)
            page = Page(self.settings, copy, visitor, path, query, self.copies)
            with main:
                answer = await route.build(page, **request.path_params)
            if answer is not None:
                return answer
        except C360Error as error:
            _explain(main, *_problem(error), str(error))
        except Exception:
            LOG.exception("the page %s could not be built", path)
            _explain(main, 500, "This page could not be built", "The server's log tells why.")
        else:
            frame.footer(page, self.copies)
        return None


def _problem(error: C360Error) -> tuple[int, str]:
    """The HTTP status, and a title for people."""
    if isinstance(error, NothingPublishedError):
        return 503, "Nothing is published yet"
    if isinstance(error, NotThereError):
        return 404, "There is no such page"
    return 500, "This page could not be built"


def _explain(main: ui.element, status: int, title: str, text: str) -> None:
    ui.context.client.status_code = status
    main.clear()
    with main:
        heading(title, 1)
        states.trouble("", text)


def not_found(request: Request, error: Exception) -> Response:
    """The page for a path that there is not; for scripts and the like, plain words."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("There is nothing at this address.", 404)
    with Client(ui.page("", title="Not found · c360", dark=None), request=request) as client:
        frame.head()
        frame.header(request.url.path, visitor_of(request).name)
        with ui.element("main").props('id="main" tabindex="-1"'):
            heading("There is no such page", 1)
            states.empty("This address leads nowhere.", "Search above, or go to the start page.")
    return client.build_response(request, 404)
