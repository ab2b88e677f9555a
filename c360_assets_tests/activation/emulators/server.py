"""Serves an ASGI application on a free port of this machine, in a thread, until it is stopped.

Belongs here: uvicorn and sockets. Not here: what is served.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

import uvicorn

HOST = "127.0.0.1"
# a busy machine is no failure
START_SECONDS = 60.0
STOP_SECONDS = 60.0
# closing a socket with this sends a reset instead of an orderly end
_LINGER_NOT = struct.pack("ii", 1, 0)


class Server:
    """One application on one port; `url` is where it answers. Used as a context, or started."""

    def __init__(self, app: Any) -> None:
        # with the protocol named asyncio turns Nagle's algorithm off, which costs 40 ms a call
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind((HOST, 0))
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=60,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name=f"emulator {self.port}"
        )

    async def _serve(self) -> None:
        """Answer until `stop`; uvicorn's own way to end takes a fifth of a second."""
        self._ended, self._loop = asyncio.Event(), asyncio.get_running_loop()
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        for listener in self._server.servers:
            listener.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    def start(self) -> Server:
        """Begin to answer; returns itself.

        Raises:
            RuntimeError: the server did not come up in time.
        """
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise RuntimeError(f"the server on {self.url} did not start; see its traceback")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """End it: open connections are cut, the thread is gone afterwards."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(STOP_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            raise RuntimeError(f"the server on {self.url} did not stop within {STOP_SECONDS} s")

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def reset_connection(send: Any) -> None:
    """Cut the connection that an ASGI `send` writes to, with a reset and without an answer."""
    transport = send.__self__.transport  # uvicorn gives the application a bound method
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
