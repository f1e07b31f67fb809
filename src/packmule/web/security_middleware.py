"""What every request and response passes: limits, host and origin checks, security headers.

Owns the maximum length of a URL, the refusal of requests for foreign hosts and of those that
another site's page makes in a visitor's browser, the security headers of every response, and the
response to an unforeseen exception. Leaves which hosts are allowed to `allowed_hosts.py`, CORS to
`cors.py`, and everything about a particular route to that route.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from packmule.web.allowed_hosts import BadHost, ForeignHost, own_origin
from packmule.web.problems import Problem, ProblemCode, internal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from packmule.web.allowed_hosts import AllowedHosts

_log = logging.getLogger(__name__)

MAX_URL_BYTES = 8192
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 9.2.1

# Everything comes from here, nothing is inline, nobody may frame it (CSP Level 3).
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # an archive's address is its key
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityMiddleware:
    """The middleware.

    `hosts` are the names the service answers to, `public_url` is where browsers reach the page, and
    pages of the origins in `allow_origins` may send any request.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: AllowedHosts, public_url: str, allow_origins: Iterable[str]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._own_origin = own_origin(public_url)
        self._allow_origins = frozenset(allow_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = self._refusal(scope)
            answering = self._app if refused is None else refused.response()
            await answering(scope, receive, send_on)
        except Exception:  # noqa: BLE001  # whatever it is, the client gets a response
            _log.exception("request failed method=%s path=%s", scope["method"], scope["path"])
            if not started:
                await internal().response()(scope, receive, send_on)

    def _refusal(self, scope: Scope) -> Problem | None:
        length = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
        if length > MAX_URL_BYTES:
            return Problem(
                414, ProblemCode.URL_TOO_LONG, f"The URL is longer than {MAX_URL_BYTES} bytes."
            )
        headers = Headers(scope=scope)
        try:
            self._hosts.check(headers.getlist("host"), scope["http_version"])
        except BadHost as error:
            return Problem(400, ProblemCode.BAD_REQUEST, str(error))
        except ForeignHost as error:
            return _foreign_host(error)
        if scope["method"] not in _SAFE and self._is_foreign(headers):
            return Problem(
                403,
                ProblemCode.CROSS_ORIGIN,
                "A web page of another site may not send this request from a visitor's browser.",
            )
        return None

    def _is_foreign(self, headers: Headers) -> bool:
        """Return whether a browser sends this request for another site's page.

        Only the page's own origin, and those the operator allows, may create or stop jobs with a
        visitor's browser, because the browser can reach hosts that the other site cannot, such as
        localhost. Browsers say where a request comes from (Fetch Metadata, the Fetch Standard's
        Origin); other clients do not. That the request's host is ours has been checked before, so
        its origin is one of ours as well, with the port that the request came to.
        """
        origin = headers.get("origin")
        if origin in self._allow_origins:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        if origin is None:
            return False
        origin, host = origin.lower(), headers.get("host", "").lower()
        return origin != self._own_origin and origin not in {f"http://{host}", f"https://{host}"}


def _foreign_host(error: ForeignHost) -> Problem:
    return Problem(
        421,
        ProblemCode.FOREIGN_HOST,
        f"This service does not answer to the host {error}: set PACKMULE_PUBLIC_URL to the URL "
        "that clients use, or add the host to PACKMULE_ALLOW_HOSTS.",
    )
