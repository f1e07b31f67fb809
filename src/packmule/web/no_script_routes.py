"""The page's basic job without JavaScript: a form is posted, and leads to a page that reloads.

Owns reading the form, turning it into API requests, and turning the API's responses into pages.
The requests go to this same application, in memory: a form obeys every rule of the API (who may
ask, how often, for what) because it knows none itself. Leaves the HTML to `no_script_pages.py`.
A form on another site cannot post here: `security_middleware.py` refuses it, like every request of
a foreign page.

A post that did something answers 303, so that a reload never repeats it (RFC 9110 15.4.4).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from packmule.outbound.link_list import read_lines
from packmule.web.bodies import BODY_SECONDS
from packmule.web.no_script_pages import form_page, job_page, problem_page
from packmule.web.pages import HTML, PAGE_HEADERS, with_digest
from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from packmule.outbound.link_list import ListedLink
    from packmule.web.services import Services

EVERY = 2
"""Seconds until a page of a job in progress reloads itself."""

_FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_SMALL = 64 * 1024
_ACTIONS: dict[str, tuple[str, dict[str, str] | None]] = {
    "cancel": ("cancel", None),
    "retry": ("retry", {}),
    "skip": ("retry", {"on_error": "skip"}),
}
_PASSED_ON = frozenset({b"x-forwarded-for", b"authorization", b"x-request-id"})


async def create(request: Request) -> Response:
    """Take the form; ask for the archive, and lead to its page."""
    services: Services = request.app.state.services
    fields = await _fields(request, services.bounds.max_body_bytes, services.bounds.body_timeout)
    lines = read_lines(fields.get("links", ""))
    answer = await _ask(
        request, "POST", "create", key=fields.get("key"), body=_wanted(fields, lines)
    )
    if answer.is_success:
        return _see_other(f"archives/{answer.json()['archive_hash']}")
    page = form_page(
        {name: value for name, value in fields.items() if value},
        _errors(answer.json(), lines),
        asks_for_key=answer.status_code == httpx.codes.UNAUTHORIZED,
    )
    return _html(page, answer)


async def show(request: Request) -> Response:
    """Show a job; while it is in progress, ask to be loaded again."""
    hash_ = quote(request.path_params["hash_"], safe="")
    answer = await _ask(request, "GET", f"status/{hash_}")
    document = answer.json()
    if not answer.is_success:
        return _html(problem_page(document, up="../"), answer)
    reloads = document["status"] == "in-progress" and "still" not in request.query_params
    response = _html(job_page(hash_, document, reloads=reloads), answer)
    if reloads:
        response.headers["Refresh"] = str(EVERY)
    return response


async def act(request: Request) -> Response:
    """Cancel a job or try it again, and lead back to its page."""
    hash_ = quote(request.path_params["hash_"], safe="")
    action = _ACTIONS.get(request.path_params["action"])
    if action is None:
        raise HTTPException(404)
    what, body = action
    key = (await _fields(request, _SMALL)).get("key")
    answer = await _ask(request, "POST", f"{what}/{hash_}", key=key, body=body)
    # Another tab may have been faster: then the job's page shows what is.
    if answer.is_success or answer.status_code == httpx.codes.CONFLICT:
        return _see_other(f"../{hash_}")
    asks_for_key = answer.status_code == httpx.codes.UNAUTHORIZED
    return _html(problem_page(answer.json(), up="../../", asks_for_key=asks_for_key), answer)


async def _fields(request: Request, limit: int, seconds: float = BODY_SECONDS) -> dict[str, str]:
    """Read a form as browsers post it without files. Raises Problem. WHATWG URL 5.1."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise Problem(415, ProblemCode.BAD_REQUEST, f"This address takes {_FORM_TYPE}.")
    # Escapes make a form up to three times as long as its text.
    services: Services = request.app.state.services
    async with services.bodies.read(request, 3 * limit, seconds) as body:
        return await run_in_threadpool(_parse, body)


def _parse(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        return dict(
            parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        )
    except ValueError as error:  # UnicodeError is one
        raise Problem(400, ProblemCode.BAD_REQUEST, "The form cannot be read.") from error


def _wanted(fields: Mapping[str, str], lines: list[ListedLink]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "urls": [{"url": url, "name": name} if name else url for _, url, name in lines]
    }
    for name in ("name", "on_error", "on_html", "compression"):
        if fields.get(name, "").strip():
            body[name] = fields[name].strip()
    for name in ("expires_in", "priority"):
        if re.fullmatch(r"-?[0-9]{1,9}", fields.get(name, "")):
            body[name] = int(fields[name])
    return body


def _errors(problem: Mapping[str, Any], lines: list[ListedLink]) -> list[str]:
    """Say what is wrong by line, which a person sees, not by place in a document."""
    if not lines and problem["status"] == httpx.codes.UNPROCESSABLE_ENTITY:
        return ["Paste at least one link."]
    said = []
    for each in problem.get("errors", ()):
        found = re.match(r"/urls/(\d+)", each.get("pointer", ""))
        where = f"Line {lines[int(found[1])][0]}" if found else each.get("pointer", "")[1:]
        said.append(f"{where}: {each['detail']}")
    return said or [problem["detail"]]


async def _ask(
    request: Request,
    method: str,
    path: str,
    *,
    key: str | None = None,
    body: Any = None,
) -> httpx.Response:
    """Put a request to the API, as coming from whom this one comes from."""
    # Each field as often as it came, byte by byte: of two addresses the last one may be our proxy's
    # word, and what is no text is the API's to refuse.
    headers = [(name, value) for name, value in request.headers.raw if name.lower() in _PASSED_ON]
    if key:
        headers = [field for field in headers if field[0].lower() != b"authorization"]
        headers.append((b"authorization", f"Bearer {key}".encode("ascii", "replace")))
    content = None
    if body is not None:
        headers.append((b"content-type", b"application/json"))
        content = json.dumps(body).encode()
    client = (request.client.host, request.client.port) if request.client else ("", 0)
    transport = httpx.ASGITransport(request.app, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
        return await api.request(
            method, f"/api/archive/{path}", content=content, headers=headers, timeout=None
        )


def _html(page: str, answer: httpx.Response) -> Response:
    headers = {"Content-Type": HTML, "Cache-Control": "no-store", **PAGE_HEADERS}
    for name in ("retry-after", "www-authenticate"):
        if name in answer.headers:
            headers[name] = answer.headers[name]
    return Response(with_digest(page), answer.status_code, headers)


def _see_other(location: str) -> Response:
    # Relative, so that it holds behind whatever path a proxy puts before it.
    return Response(
        status_code=303, headers={"Location": location, "Cache-Control": "no-store", **PAGE_HEADERS}
    )


routes = [
    Route("/archives", create, methods=["POST"]),
    Route("/archives/{hash_}", show, methods=["GET"]),
    Route("/archives/{hash_}/{action}", act, methods=["POST"]),
]
