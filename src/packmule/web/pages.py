"""What people see: the page, and the reference of the API.

Owns serving the files in `static/` and the reference made from the OpenAPI description. All of it
comes from here and is read into memory once; a browser asks whether it changed, never guesses.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from packmule.web.reference import as_html

if TYPE_CHECKING:
    from starlette.requests import Request

_STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/static/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/static/page.css": ("page.css", "text/css; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
    "/favicon.ico": ("icon.svg", "image/svg+xml"),
}


def routes(description: dict[str, Any]) -> list[Route]:
    """Give the routes of all pages; `description` is the API's."""
    folder = files("packmule.web") / "static"
    static = [
        _route(path, (folder / name).read_bytes(), media_type)
        for path, (name, media_type) in _STATIC.items()
    ]
    reference = as_html(description).encode()
    return [*static, _route("/docs", reference, "text/html; charset=utf-8")]


def _route(path: str, content: bytes, media_type: str) -> Route:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Type": media_type}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return Route(path, answer, methods=["GET", "HEAD"])
