"""Discarding the rest of a request's body after an early response, so that its client can read it.

Many clients send a whole body before they read anything. If the server closes the connection while
they send, the kernel resets it: they see a broken pipe, and the response that says why is lost. So
the response is sent at once, all but its last byte, and what still arrives is discarded, for a
bounded time and amount (RFC 9112 9.6; nginx calls it `lingering_close`). The last byte waits,
because the HTTP server may close the connection as soon as the response is complete.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DISCARD_BYTES = 64 * 1024 * 1024
DISCARD_SECONDS = 30.0
DISCARD_SILENCE = 2.0
"""Seconds without a byte after which the client is believed to have stopped, as curl does."""


class DrainMiddleware:
    """The middleware; the limits are per request."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int = DISCARD_BYTES,
        seconds: float = DISCARD_SECONDS,
        silence: float = DISCARD_SILENCE,
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not has_body(headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, awaits_go_ahead="expect" in headers)

        async def send_on(message: Message) -> None:
            content = message.get("body", b"")
            is_end = message["type"] == "http.response.body" and not message.get("more_body")
            if content and is_end and body.is_coming:
                await send({**message, "body": content[:-1], "more_body": True})
                await self._discard(body)
                message = {**message, "body": content[-1:]}
            await send(message)

        await self._app(scope, body.receive, send_on)

    async def _discard(self, body: _Body) -> None:
        left = self._most_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while body.is_coming and left > 0:
                    async with asyncio.timeout(self._silence):
                        left -= len((await body.receive()).get("body", b""))


class _Body:
    """A request's body on its way in. A client that `awaits_go_ahead` sends nothing unasked."""

    def __init__(self, receive: Receive, *, awaits_go_ahead: bool) -> None:
        self.is_coming = not awaits_go_ahead
        self._receive = receive

    async def receive(self) -> Message:
        message = await self._receive()
        self.is_coming = message["type"] == "http.request" and message.get("more_body", False)
        return message


def has_body(headers: Headers) -> bool:
    """Return whether a request announces a body. RFC 9112 6."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
