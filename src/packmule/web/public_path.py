"""The path of the public URL, under which a reverse proxy publishes the service on another site.

Owns reading the path, and accepting requests that still have it. Most proxies remove it, so routes
match with and without it. `X-Forwarded-Prefix` is never read: any client can send it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send


def public_path(public_url: str) -> str:
    """Return the path of a public URL, without a slash at its end; mostly that is nothing."""
    return urlsplit(public_url).path.rstrip("/")


def is_ambiguous(path: str, routes: Iterable[str]) -> bool:
    """Return whether the path of some route begins with this path, like /api.

    Then it cannot be told whether a request still has the path, so the proxy must remove it.
    """
    return any(route.startswith(f"{path}/") for route in routes)


class PublicPathMiddleware:
    """Route requests that have the public path like those without it, as ASGI's `root_path`.

    The path alone leads to the page, whose links are relative and need the slash at the end.
    """

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            if scope["path"] == self._path:
                # Only the path: the scheme and host that the browser sees are the proxy's to know.
                await RedirectResponse(f"{self._path}/", 308)(scope, receive, send)
                return
            if scope["path"].startswith(f"{self._path}/"):
                # In place, because the access log reads the matched route from the same scope.
                scope["root_path"] = self._path
        await self._app(scope, receive, send)
