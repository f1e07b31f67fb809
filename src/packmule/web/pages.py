"""The page, and what describes the API.

Owns serving the start page in the browser's language, the web app manifest, the API reference and
the OpenAPI description. Everything is made once. Leaves what a page loads to `assets.py`, and the
pages without JavaScript to `no_script_routes.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from packmule.web import assets
from packmule.web.assets import ASK_FIRST, FILES, HTML, SVG, fixed, with_digest
from packmule.web.language import LANGUAGES, choose
from packmule.web.start_page import POLICY, StartFacts, start_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from packmule.web.language import Language

# What a form posts from has to be told, or every browser sends `Origin: null` (Fetch 3.2, "append a
# request Origin header"); to other sites, an archive's address is still never told.
PAGE_HEADERS: Final = {"Referrer-Policy": "same-origin"}


def language_of(request: Request) -> Language:
    """Return the language for this request."""
    return choose(request.headers.get("accept-language", ""))


def language_headers(language: Language) -> dict[str, str]:
    """Return the headers of a page in a language (RFC 9110 8.5 and 12.5.5)."""
    return {"Content-Language": language.tag, "Vary": "Accept-Language"}


def routes(reference: str, description: str, facts: StartFacts) -> list[Route]:
    """Return the routes of the page, its files, and the API's reference (HTML) and description."""
    return [
        _localized("/", {tag: start_page(each, facts) for tag, each in LANGUAGES.items()}, HTML),
        _localized(
            "/manifest.webmanifest",
            {tag: _manifest(each) for tag, each in LANGUAGES.items()},
            "application/manifest+json",
        ),
        _fixed("/docs", with_digest(reference).encode(), HTML),
        _fixed("/openapi.json", description.encode(), "application/json"),
        _fixed("/favicon.ico", FILES["icon.svg"], SVG),
        *assets.routes,
    ]


def _manifest(language: Language) -> str:
    """Return the web app manifest: the page can be installed, and links shared to it."""
    icons = [
        {"src": f"static/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    document = {
        "name": "Packmule",
        "description": language("page.description"),
        "lang": language.tag,
        "start_url": "./",
        "display": "minimal-ui",
        "background_color": "#f8f6f1",
        "theme_color": "#7a4b12",
        "icons": [*icons, {"src": "static/icon.svg", "sizes": "any", "type": SVG}],
        "share_target": {
            "action": "./",
            "method": "GET",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
    return with_digest(json.dumps(document, ensure_ascii=False))


def _localized(path: str, texts: Mapping[str, str], media_type: str) -> Route:
    contents = {tag: text.encode() for tag, text in texts.items()}
    headers = {"Cache-Control": ASK_FIRST, "Content-Type": media_type}
    if media_type == HTML:
        headers |= {"Content-Security-Policy": POLICY, **PAGE_HEADERS}

    async def answer(request: Request) -> Response:
        language = language_of(request)
        return fixed(request, contents[language.tag], headers | language_headers(language))

    return Route(path, answer, methods=["GET", "HEAD"])


def _fixed(path: str, content: bytes, media_type: str) -> Route:
    headers = {"Cache-Control": ASK_FIRST, "Content-Type": media_type}
    if media_type == HTML:
        headers |= PAGE_HEADERS

    async def answer(request: Request) -> Response:
        return fixed(request, content, headers)

    return Route(path, answer, methods=["GET", "HEAD"])
