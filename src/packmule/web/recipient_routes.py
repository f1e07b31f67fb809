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
from packmule.web.documents import OPEN_STATES, state_now
from packmule.web.job_hash import checked_hash
from packmule.web.pages import HTML, with_digest
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
    try:
        hash_ = await checked_hash(request.path_params["hash_"])
        return await run_in_threadpool(_page, services, hash_)
    except NotFound:
        return _html(unknown_page("../"), _NOT_FOUND)


def _page(services: Services, hash_: str) -> Response:
    job = services.store.get(hash_)
    state = state_now(job)
    if state is JobState.COMPLETED:
        files = services.store.files(hash_, state=FileState.DONE, limit=MOST_FILES).files
        return _html(archive_page(job, files), 200)
    reload = {"Refresh": str(RELOAD_SECONDS)} if state in OPEN_STATES else {}
    status = _GONE if state is JobState.EXPIRED else 200
    return _html(other_page(job, state), status, reload)


def in_words(request: Request, problem: Problem) -> Response | None:
    """Return a page instead of a problem document if a browser opened a download; else None."""
    path = request.url.path
    is_browser = "text/html" in request.headers.get("accept", "")
    if not is_browser or DOWNLOADS not in path or request.method not in {"GET", "HEAD"}:
        return None
    up = "../" * (path.rpartition(DOWNLOADS)[2].count("/") + 2)
    page = unknown_page(up) if problem.status == _NOT_FOUND else problem_page(problem.detail, up)
    return _html(page, problem.status, problem.headers)


def _html(page: str, status: int, more: Mapping[str, str] | None = None) -> Response:
    return Response(with_digest(page), status, _HEADERS | dict(more or {}))


routes = [Route("/a/{hash_}", show, methods=["GET", "HEAD"])]
