"""The page, its scripts and styles, and what describes the API.

Owns serving the files in `static/`, the API reference and the OpenAPI description. Everything is
read into memory once. Leaves the pages without JavaScript to `no_script_routes.py`.

The URLs of scripts and styles contain a digest of all of them, so that browsers can cache them
forever and never mix two versions (RFC 8246); the pages that name them are revalidated each time. A
request with another version's digest, during a rolling update, gets the current file, uncached.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from packmule.web.ranges import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

HTML = "text/html; charset=utf-8"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"

# What a form posts from has to be told, or every browser sends `Origin: null` (Fetch 3.2, "append a
# request Origin header"); to other sites, an archive's address is still never told.
PAGE_HEADERS = {"Referrer-Policy": "same-origin"}


def _read() -> dict[str, bytes]:
    folder = files("packmule.web") / "static"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


_FILES = _read()
_DIGEST = hashlib.sha256(
    b"".join(name.encode() + b"\0" + content for name, content in sorted(_FILES.items()))
).hexdigest()[:16]


def with_digest(html: str) -> str:
    """Add the digest to a page's URLs of scripts and styles."""
    return re.sub(r'"((?:\.\./)*)static/', rf'"\1static/{_DIGEST}/', html)


def routes(reference: str, description: str) -> list[Route]:
    """Return the routes of the page, its files, and the API's reference (HTML) and description."""
    page = with_digest(_FILES["page.html"].decode())
    return [
        _fixed("/", page.encode(), HTML),
        _fixed("/docs", with_digest(reference).encode(), HTML),
        _fixed("/openapi.json", description.encode(), "application/json"),
        _fixed("/favicon.ico", _FILES["icon.svg"], _TYPES[".svg"]),
        Route("/static/{digest}/{name}", _static, methods=["GET", "HEAD"]),
    ]


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    media_type = _TYPES.get("." + name.rpartition(".")[2])
    if media_type is None or name not in _FILES:
        raise HTTPException(404)
    is_ours = request.path_params["digest"] == _DIGEST
    kept = _FOR_EVER if is_ours else _ASK_FIRST
    return _answer(request, _FILES[name], {"Cache-Control": kept, "Content-Type": media_type})


def _fixed(path: str, content: bytes, media_type: str) -> Route:
    headers = {"Cache-Control": _ASK_FIRST, "Content-Type": media_type}
    if media_type == HTML:
        headers |= PAGE_HEADERS

    async def answer(request: Request) -> Response:
        return _answer(request, content, headers)

    return Route(path, answer, methods=["GET", "HEAD"])


@lru_cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@lru_cache
def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _answer(request: Request, content: bytes, headers: Mapping[str, str]) -> Response:
    """Respond with the content, or 304 if the browser has it (RFC 9110 13.1.2).

    It is compressed for clients that take gzip, under an entity tag of its own (8.8.3.3).
    """
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = _compressed(content)
        headers["Content-Encoding"] = "gzip"
    etag = _etag(content)
    if matches(", ".join(request.headers.getlist("if-none-match")), etag, weakly=True):
        return Response(status_code=304, headers={"ETag": etag, **headers})
    return Response(content, headers={"ETag": etag, **headers})
