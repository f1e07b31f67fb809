"""GET /a/<hash>, the page for someone who was sent the link; and words instead of JSON.

Owns the route, and the pages that a browser gets where a download answers with an error. Leaves
what they say to `recipient_pages.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from packmule.errors import NotFound
from packmule.jobs.model import FileState, JobState
from packmule.web.assets import HTML, with_digest
from packmule.web.documents import OPEN_STATES, split_parts, state_now
from packmule.web.job_hash import checked_hash
from packmule.web.pages import language_headers, language_of
from packmule.web.recipient_pages import (
    MOST_FILES,
    archive_page,
    other_page,
    problem_page,
    unknown_page,
)
from packmule.web.security_middleware import CONTENT_SECURITY_POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from packmule.web.language import Language
    from packmule.web.problems import Problem
    from packmule.web.services import Services

RELOAD_SECONDS: Final = 5
DOWNLOADS: Final = "/archive/get/"
_NOT_FOUND: Final = 404
_GONE: Final = 410

_HEADERS: Final = {
    "Content-Type": HTML,
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; media-src 'self'",
    "X-Robots-Tag": "noindex",  # an archive's address is its key
}


async def show(request: Request) -> Response:
    """Show what the archive holds; without an archive, say why there is none."""
    services: Services = request.app.state.services
    language = language_of(request)
    try:
        hash_ = await checked_hash(request.path_params["hash_"])
        return await run_in_threadpool(_page, services, language, hash_)
    except NotFound:
        return _html(language, unknown_page(language, "../"), _NOT_FOUND)


def _page(services: Services, language: Language, hash_: str) -> Response:
    job = services.store.get(hash_)
    state = state_now(job)
    if state is JobState.COMPLETED:
        files = services.store.files(hash_, state=FileState.DONE, limit=MOST_FILES).files
        parts = () if job.max_part_bytes is None else services.store.archive_parts(job.id)
        split = split_parts(job, parts) or ()
        return _html(language, archive_page(language, job, files, split), 200)
    reload = {"Refresh": str(RELOAD_SECONDS)} if state in OPEN_STATES else {}
    status = _GONE if state is JobState.EXPIRED else 200
    return _html(language, other_page(language, job, state), status, reload)


def in_words(request: Request, problem: Problem) -> Response | None:
    """Return a page instead of a problem document if a browser opened a download; else None."""
    path = request.url.path
    is_browser = "text/html" in request.headers.get("accept", "")
    if not is_browser or DOWNLOADS not in path or request.method not in {"GET", "HEAD"}:
        return None
    up = "../" * (path.rpartition(DOWNLOADS)[2].count("/") + 2)
    language = language_of(request)
    page = (
        unknown_page(language, up)
        if problem.status == _NOT_FOUND
        else problem_page(language, problem.detail, up)
    )
    return _html(language, page, problem.status, problem.headers)


def _html(
    language: Language, page: str, status: int, more: Mapping[str, str] | None = None
) -> Response:
    headers = _HEADERS | language_headers(language) | dict(more or {})
    return Response(with_digest(page), status, headers)


routes = [Route("/a/{hash_}", show, methods=["GET", "HEAD"])]
