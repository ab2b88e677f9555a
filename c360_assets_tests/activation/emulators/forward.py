"""Passes every call on to a server elsewhere: an ASGI application to put behind a `faults.Wire`.

Belongs here: nothing of any vendor. Bodies go through as they come, compressed or not.
"""

from __future__ import annotations

from typing import Any

import httpx

FORWARD_SECONDS = 60.0
# what belongs to one connection alone, or is told anew
_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"host"})


class Forward:
    """The application; `url` is where the server answers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass one call on and answer with its answer."""
        if self._client is None:
            # it belongs to the loop that it is first used in
            self._client = httpx.AsyncClient(
                base_url=self._url, timeout=FORWARD_SECONDS, trust_env=False, verify=False
            )
        message = await receive()
        content = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            content += message.get("body", b"")
        path = scope["path"] + (f"?{scope['query_string'].decode()}" * bool(scope["query_string"]))
        request = self._client.build_request(
            scope["method"], path, content=content, headers=_passed_on(scope["headers"])
        )
        response = await self._client.send(request, stream=True)
        try:
            body = b"".join([part async for part in response.aiter_raw()])
        finally:
            await response.aclose()
        headers = _passed_on(response.headers.raw)
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body})


def _passed_on(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP]
