"""What is noted of every request: its id, its line in the access log, its numbers.

Owns the outermost layer. A request's id is the caller's `X-Request-ID` where that is of a strict
form (it comes back in the answer and stands in every line of the log), else one of ours. The access
log tells the route, never the address asked for: an archive's hash stands in the line's field `job`
and a query nowhere. Leaves the answer to the layers within. Metrics by route template: what is not
one of our routes is one route, `none`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from packmule.telemetry import tracing
from packmule.telemetry.context import about
from packmule.telemetry.metrics import (
    DOWNLOAD_BYTES,
    REQUEST_SECONDS,
    REQUESTS,
    REQUESTS_IN_WORK,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_access = logging.getLogger("packmule.access")

HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NO_ROUTE = "none"
_ARCHIVE = "/archive/get/"
_UNANSWERED = 499  # as nginx notes a client that has gone before its answer


class AccessLogMiddleware:
    """The layer; `routes` are those of the application, `access_log` tells requests at info."""

    def __init__(self, app: ASGIApp, *, routes: Iterable[BaseRoute], access_log: bool) -> None:
        self._app = app
        self._templates = {
            endpoint: path
            for route in routes
            if (endpoint := getattr(route, "endpoint", None)) is not None
            and (path := getattr(route, "path", None)) is not None
        }
        self._level = logging.INFO if access_log else logging.DEBUG

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        seen = _Seen(request_id(headers), send)
        tracing.note_request(headers.get("traceparent"))
        REQUESTS_IN_WORK.inc()
        begun = time.monotonic()
        with about(request=seen.id):
            try:
                await self._app(scope, receive, seen.send)
            finally:
                REQUESTS_IN_WORK.inc(by=-1)
                self._tell(scope, seen, time.monotonic() - begun)

    def _tell(self, scope: Scope, seen: _Seen, seconds: float) -> None:
        route = self._route(scope)
        REQUESTS.inc(route, scope["method"], str(seen.status))
        REQUEST_SECONDS.observe(seconds, route)
        if route.startswith(_ARCHIVE):
            DOWNLOAD_BYTES.inc(by=seen.bytes_sent)
        if _access.isEnabledFor(self._level):
            _access.log(
                self._level,
                "%s %s: %d in %.3f s, %d bytes",
                scope["method"], route, seen.status, seconds, seen.bytes_sent,
            )  # fmt: skip

    def _route(self, scope: Mapping[str, Any]) -> str:
        # FastAPI's routes name themselves in the scope, Starlette's only what answers.
        template: str | None = getattr(scope.get("route"), "path", None)
        return template or self._templates.get(scope.get("endpoint"), NO_ROUTE)


class _Seen:
    """What is seen of one answer on its way out."""

    def __init__(self, id_: str, send: Send) -> None:
        self.id = id_
        self.status = _UNANSWERED
        self.bytes_sent = 0
        self._send = send
        self._length = 0

    async def send(self, message: Message) -> None:
        """Pass a message on, with the request's id in the head."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[HEADER] = self.id
            self._length = int(headers.get("content-length", 0))
        await self._send(message)
        if message["type"] == "http.response.body":
            self.bytes_sent += len(message.get("body", b""))
        elif message["type"] == "http.response.pathsend":
            self.bytes_sent += self._length


def request_id(headers: Headers) -> str:
    """Take the caller's id where it can do no harm in a log or a header, else make one."""
    given = headers.get(HEADER, "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)
