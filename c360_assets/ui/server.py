"""The web server of the pages: NiceGUI behind the gate, bound to one address.

Belongs here: putting the parts together, and serving. Not here: any page.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import background_tasks, core, ui
from starlette.staticfiles import StaticFiles

from c360_assets.errors import C360Error, ConfigError
from c360_assets.settings import Settings
from c360_assets.ui import downloads, frame, site
from c360_assets.ui.copies import Copies
from c360_assets.ui.routes import ROUTES
from c360_assets.ui.security import sockets
from c360_assets.ui.security.gate import Access, Gate, access_of

FOLDER = Path(__file__).parent / "static"
PORT = 8360
LOG = logging.getLogger("c360.ui")
LOOK_SECONDS = 3.0
RECONNECT_SECONDS = 30.0  # a phone that was in a pocket finds its page as it was


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the pages until the process is told to end; an IPv6 address may stand in brackets.

    Raises:
        ConfigError: the address is taken, or demands a login that nobody could pass.
    """
    host = host.removeprefix("[").removesuffix("]")
    access = access_of(settings, host)
    listener = _listener(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(settings, access),
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            # the gate itself tells which proxies it trusts
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
    )
    with listener:
        bound_host, bound_port = listener.getsockname()[:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        print(f"The pages are on http://{shown}:{bound_port}", flush=True)
        server.run(sockets=[listener])


def build_app(settings: Settings, access: Access) -> Gate:
    """The pages as an ASGI application, behind the gate."""
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = site.Site(settings)
    pages.register(ROUTES)
    downloads.register(nicegui_app, pages.copies, settings)
    nicegui_app.mount(frame.STATIC, StaticFiles(directory=FOLDER))
    nicegui_app.exception_handler(404)(site.not_found)
    nicegui_app.on_startup(lambda: background_tasks.create(_keep_open(pages.copies)))
    ui.run_with(
        outer,
        title="c360",
        favicon=FOLDER / "favicon.svg",
        dark=None,
        tailwind=False,
        language="en-US",
        reconnect_timeout=RECONNECT_SECONDS,
        show_welcome_message=False,
    )
    sockets.bind(core.sio)
    return Gate(outer, settings, access)


async def _keep_open(copies: Copies) -> None:
    """Open each new version soon after it was published, so that nobody waits for it."""
    while True:
        try:
            await asyncio.to_thread(copies.current)
        except C360Error as error:
            # every page tells it to who asks
            LOG.info("there is nothing to show: %s", error)
        except Exception:
            LOG.exception("the published copy could not be opened")
        await asyncio.sleep(LOOK_SECONDS)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # who reads the address that is printed may connect at once
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the pages cannot be served on {host}:{port} ({error.strerror}); choose another with "
            "`c360 ui --host … --port …`, or stop what holds it"
        ) from error
    return listener
