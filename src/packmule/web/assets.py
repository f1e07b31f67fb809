"""What the pages load: scripts, styles, icons and tables of strings.

Owns the files in `static/`, and those made of tables when the program starts: a module of strings
for each language, the table of views, and icons that show progress. Everything is in memory.

The URLs contain a digest of all files, so that browsers can cache them forever and never mix two
versions (RFC 8246). A request with another version's digest, during a rolling update, gets the
current file, uncached.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from packmule.web.language import LANGUAGES
from packmule.web.ranges import matches
from packmule.web.views import TABLE_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

HTML: Final = "text/html; charset=utf-8"
SVG: Final = "image/svg+xml"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": SVG,
    ".png": "image/png",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"
_PROGRESS_STEP: Final = 5
"""Percent between two icons."""


def _read() -> dict[str, bytes]:
    folder = files("packmule.web") / "static"
    read = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    read["view_table.js"] = f"export default {TABLE_TEXT.strip()};\n".encode()
    for tag, language in LANGUAGES.items():
        strings = json.dumps(language.strings, ensure_ascii=False, separators=(",", ":"))
        read[f"strings.{tag}.js"] = f"export default {strings};\n".encode()
    icon = read["icon.svg"].decode()
    for percent in range(0, 100, _PROGRESS_STEP):
        read[f"icon-{percent}.svg"] = _with_bar(icon, percent).encode()
    return read


def _with_bar(icon: str, percent: int) -> str:
    """Return the icon with a bar below that is filled so far."""
    bar = '<path d="M2 29h28" stroke="#fff" stroke-width="6"/>'
    filled = f'<path d="M2 29h{28 * percent / 100:g}" stroke="#1d8a4d" stroke-width="6"/>'
    return icon.replace("</svg>", f"{bar}{filled}</svg>")


FILES: Final = _read()
_DIGEST: Final = hashlib.sha256(
    b"".join(name.encode() + b"\0" + content for name, content in sorted(FILES.items()))
).hexdigest()[:16]


def with_digest(html: str) -> str:
    """Add the digest to a page's URLs of scripts and styles."""
    return re.sub(r'"((?:\.\./)*)static/', rf'"\1static/{_DIGEST}/', html)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    media_type = _TYPES.get("." + name.rpartition(".")[2])
    if media_type is None or name not in FILES:
        raise HTTPException(404)
    is_ours = request.path_params["digest"] == _DIGEST
    kept = _FOR_EVER if is_ours else ASK_FIRST
    return fixed(request, FILES[name], {"Cache-Control": kept, "Content-Type": media_type})


@cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@cache
def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def fixed(request: Request, content: bytes, headers: Mapping[str, str]) -> Response:
    """Respond with content that never changes, or 304 if the browser has it (RFC 9110 13.1.2).

    It is compressed for clients that take gzip, under an entity tag of its own (8.8.3.3).
    """
    vary = ", ".join(filter(None, ("Accept-Encoding", headers.get("Vary"))))
    headers = {**headers, "Vary": vary}
    if (
        "gzip" in request.headers.get("accept-encoding", "")
        and "png" not in headers["Content-Type"]
    ):
        content = _compressed(content)
        headers["Content-Encoding"] = "gzip"
    etag = _etag(content)
    if matches(", ".join(request.headers.getlist("if-none-match")), etag, weakly=True):
        return Response(status_code=304, headers={"ETag": etag, **headers})
    return Response(content, headers={"ETag": etag, **headers})


routes = [Route("/static/{digest}/{name}", _static, methods=["GET", "HEAD"])]
