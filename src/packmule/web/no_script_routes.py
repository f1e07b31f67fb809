"""The page's basic job without JavaScript: a form is posted, and leads to a page that reloads.

Owns turning a form into a job, or into requests to the API, and the API's responses into pages. The
form that creates a job passes the same checks as `create` of the API (`creation.py`); the other
requests go to this same application, in memory. Leaves decoding a form to `form_body.py`, and the
HTML to `no_script_pages.py`. A form on another site cannot post here: `security_middleware.py`
refuses it, like every request of a foreign page.

A post that did something answers 303, so that a reload never repeats it (RFC 9110 15.4.4).
"""

from __future__ import annotations

import json
import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from packmule.errors import NotFound, PackmuleError
from packmule.web.assets import HTML, with_digest
from packmule.web.bodies import BEGINNING_BYTES, BODY_SECONDS, unread
from packmule.web.creation import admit_key, create_job
from packmule.web.form_body import LINKS, MEDIA_TYPE, Form, read_form, read_key
from packmule.web.job_hash import checked_hash
from packmule.web.no_script_pages import form_page, job_page, problem_page
from packmule.web.pages import PAGE_HEADERS, language_headers, language_of
from packmule.web.problems import Problem, ProblemCode, of_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from starlette.requests import Request

    from packmule.web.auth import Caller
    from packmule.web.language import Language
    from packmule.web.services import Services

EVERY = 2
"""Seconds until a page of a job in progress reloads itself."""

_KEPT = ("retry-after", "www-authenticate", "accept-encoding", "connection")
"""Headers of the API's response that the page's keeps."""

_ACTIONS: dict[str, tuple[str, dict[str, str] | None]] = {
    "cancel": ("cancel", None),
    "retry": ("retry", {}),
    "finish": ("finish", None),
}
_PASSED_ON = frozenset({b"x-forwarded-for", b"authorization", b"x-request-id"})


async def create(request: Request) -> Response:
    """Create an archive from a posted form, and lead to its page; or show the form with its errors.

    With API keys, the key is a field of the form. So its beginning is read to identify the client,
    and no more before the client is admitted.
    """
    services: Services = request.app.state.services
    form = Form({})
    try:
        _refuse_other_types(request)
        hash_ = await _create(request, services, form)
    except (Problem, PackmuleError) as error:
        return _refused(language_of(request), of_exception(error), form)
    return _see_other(f"archives/{hash_}")


async def _create(request: Request, services: Services, form: Form) -> str:
    """Return the new job's hash, and fill in `form` as far as it is read. Raises Problem."""
    caller: Caller | None = None
    bounds = services.bounds

    async def check(beginning: bytes) -> None:
        nonlocal caller
        is_whole = len(beginning) < BEGINNING_BYTES
        if is_whole:
            form.take(read_form(beginning))
        caller = await admit_key(request, services, read_key(beginning, is_whole=is_whole))

    if not services.access.keys:
        caller = await admit_key(request, services, None)
    async with services.bodies.read(
        request,
        bounds.max_body_bytes,
        bounds.body_timeout,
        check=check if services.access.keys else None,
    ) as body:
        assert caller is not None  # noqa: S101 - for the type checker: `check` has run
        return await services.bodies.process(
            body, partial(_create_job, services, caller, body, form)
        )


def _create_job(services: Services, caller: Caller, body: bytearray, form: Form) -> str:
    form.take(read_form(body))
    body.clear()
    asked = form.as_json(services.bounds)
    return create_job(services, caller, asked)[0]


def _refused(language: Language, problem: Problem, form: Form) -> Response:
    """Return the form as it was filled in, with what is wrong with it."""
    shown, errors = form.shown(), _errors(language, problem, form.line_numbers)
    if LINKS not in shown:
        errors.append(language("ask.list-lost"))
    page = form_page(
        language,
        {name: value for name, value in shown.items() if value},
        errors,
        asks_for_key=problem.status == HTTPStatus.UNAUTHORIZED,
    )
    return _html(language, page, problem.status, problem.headers)


async def show(request: Request) -> Response:
    """Show a job; while it is in progress, ask to be loaded again."""
    language = language_of(request)
    try:
        hash_ = await checked_hash(request.path_params["hash_"])
    except NotFound as error:
        return _no_such_job(language, error, up="../")
    answer = await _ask(request, "GET", f"status/{hash_}")
    document = answer.json()
    if not answer.is_success:
        page = problem_page(language, document, up="../")
        return _html(language, page, answer.status_code, answer.headers)
    reloads = document["status"] == "in-progress" and "still" not in request.query_params
    response = _html(
        language, job_page(language, hash_, document, reloads=reloads), answer.status_code
    )
    if reloads:
        response.headers["Refresh"] = str(EVERY)
    return response


async def act(request: Request) -> Response:
    """Cancel, retry or finish a job, and lead back to its page."""
    language = language_of(request)
    try:
        hash_ = await checked_hash(request.path_params["hash_"])
    except NotFound as error:
        return _no_such_job(language, error, up="../../")
    action = _ACTIONS.get(request.path_params["action"])
    if action is None:
        raise HTTPException(404)
    what, body = action
    _refuse_other_types(request)
    services: Services = request.app.state.services
    async with services.bodies.read(request, BEGINNING_BYTES, BODY_SECONDS) as posted:
        key = read_key(bytes(posted), is_whole=True)
    answer = await _ask(request, "POST", f"{what}/{hash_}", key=key, body=body)
    # Another tab may have been faster: then the job's page shows what is.
    if answer.is_success or answer.status_code == HTTPStatus.CONFLICT:
        return _see_other(f"../{hash_}")
    asks_for_key = answer.status_code == HTTPStatus.UNAUTHORIZED
    page = problem_page(language, answer.json(), up="../../", asks_for_key=asks_for_key)
    return _html(language, page, answer.status_code, answer.headers)


def _no_such_job(language: Language, error: NotFound, *, up: str) -> Response:
    problem = of_exception(error)
    return _html(language, problem_page(language, problem.document(), up=up), problem.status)


def _refuse_other_types(request: Request) -> None:
    """Raise Problem 415 unless the body is a form."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != MEDIA_TYPE:
        raise Problem(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"Send a form ({MEDIA_TYPE}), or use the API.",
            headers=unread(request),
        )


def _errors(language: Language, problem: Problem, line_numbers: list[int]) -> list[str]:
    """Say what is wrong by line, which a person sees, not by place in a document."""
    errors = problem.more.get("errors", [])
    if not line_numbers and errors and errors[0].get("pointer") == "/urls":
        return [language("ask.empty")]
    said = []
    for each in errors:
        found = re.match(r"/urls/(\d+)", each.get("pointer", ""))
        where = each.get("pointer", "")[1:]
        if found:
            where = language("list.line", line=line_numbers[int(found[1])])
        said.append(f"{where}: {each['detail']}")
    return said or [problem.detail]


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
    import httpx  # noqa: PLC0415 - slow to import

    transport = httpx.ASGITransport(request.app, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
        return await api.request(
            method, f"/api/archive/{path}", content=content, headers=headers, timeout=None
        )


def _html(
    language: Language, page: str, status: int, given: Mapping[str, str] | None = None
) -> Response:
    headers = {"Content-Type": HTML, "Cache-Control": "no-store", **PAGE_HEADERS}
    headers |= language_headers(language)
    given = {name.lower(): value for name, value in (given or {}).items()}
    headers |= {name: given[name] for name in _KEPT if name in given}
    return Response(with_digest(page), status, headers)


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
