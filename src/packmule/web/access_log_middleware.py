"""Request IDs, the access log and request metrics: the outermost middleware.

A request's ID is the client's `X-Request-ID` if it has a safe form, otherwise a new one. It is in
the response and in every log line of the request. The access log names the route, never the URL: an
archive's hash appears only in the field `job`, shortened, and a query nowhere. Metrics are counted
by route; requests that match no route count as `none`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from packmule.telemetry import tracing
from packmule.telemetry.context import about, note
from packmule.telemetry.metrics import (
    DOWNLOAD_BYTES,
    REQUEST_SECONDS,
    REQUESTS,
    REQUESTS_IN_WORK,
)
from packmule.telemetry.trace_ids import callers_trace

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
    """The middleware; with `access_log` requests are logged at info instead of debug."""

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
        traceparent = headers.get("traceparent")
        tracing.note_request(traceparent)
        REQUESTS_IN_WORK.inc()
        begun = time.monotonic()
        with about(request=seen.id):
            if (trace := callers_trace(traceparent)) is not None:
                note(trace_id=trace)
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
                "request answered method=%s route=%s status=%d seconds=%.3f bytes=%d",
                scope["method"], route, seen.status, seconds, seen.bytes_sent,
            )  # fmt: skip

    def _route(self, scope: Mapping[str, Any]) -> str:
        # FastAPI's routes name themselves in the scope, Starlette's only what answers.
        template: str | None = getattr(scope.get("route"), "path", None)
        return template or self._templates.get(scope.get("endpoint"), NO_ROUTE)


class _Seen:
    """One response on its way out: its status and its bytes."""

    def __init__(self, id_: str, send: Send) -> None:
        self.id = id_
        self.status = _UNANSWERED
        self.bytes_sent = 0
        self._send = send
        self._length = 0

    async def send(self, message: Message) -> None:
        """Pass a message on, adding the request's ID to the headers."""
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
    """Return the client's ID if it is safe in a log and a header, otherwise a new one."""
    given = headers.get(HEADER, "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)
