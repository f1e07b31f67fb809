"""Errors over HTTP: each is a problem document with a stable code (RFC 9457).

Owns the codes of HTTP errors, their documents, and the translation of exceptions. Leaves the codes
of failed files and jobs, which are results rather than errors, to `packmule.errors`. An internal
error reveals nothing of its cause; the log has it.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from packmule.errors import (
    Conflict,
    DatabaseAway,
    DiskFull,
    NotAllowedInState,
    NotFound,
    PackmuleError,
    QuotaExceeded,
    StorageFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"


class ProblemCode(StrEnum):
    """What is wrong with a request: part of the contract, never renamed."""

    NOT_JSON = "not-json"
    TOO_LARGE = "too-large"
    INVALID = "invalid-request"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    CROSS_ORIGIN = "cross-origin"
    FOREIGN_HOST = "foreign-host"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    RATE_LIMITED = "rate-limited"
    CONCURRENCY_LIMITED = "concurrency-limited"
    QUOTA_EXCEEDED = "quota-exceeded"
    TIMEOUT = "timeout"
    WRONG_STATE = "wrong-state"
    IDEMPOTENCY_CONFLICT = "idempotency-conflict"
    GONE = "gone"
    PRECONDITION_FAILED = "precondition-failed"
    RANGE_NOT_SATISFIABLE = "range-not-satisfiable"
    URL_TOO_LONG = "url-too-long"
    NOT_READY = "not-ready"
    OVERLOADED = "overloaded"
    STORAGE = "storage"
    DISK_FULL = "disk-full"
    BAD_REQUEST = "bad-request"
    INTERNAL = "internal"


class Problem(Exception):
    """An error response; raise it anywhere while a request is handled.

    `detail` is for people; `more` are further members of the document.
    """

    def __init__(
        self,
        status: int,
        code: ProblemCode,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def document(self) -> dict[str, Any]:
        """Return the document. RFC 9457 3.1; `about:blank` because the code says it all."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code.value,
            **self.more,
        }

    def response(self) -> Response:
        """Return the response."""
        return Response(
            json.dumps(self.document(), ensure_ascii=False),
            self.status,
            {"Cache-Control": "no-store", **self.headers},
            MEDIA_TYPE,
        )


def internal() -> Problem:
    """Return the problem of an internal error."""
    return Problem(
        500,
        ProblemCode.INTERNAL,
        "Packmule failed at this request; its log says why. Trying again may help.",
    )


def of_exception(error: Exception) -> Problem:
    """Translate an exception; an unforeseen one is internal."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _of_parameters(error)
        case HTTPException():
            return _of_http(error)
        case PackmuleError():
            return _of_ours(error)
        case _:
            return internal()


_OF_OURS: dict[type[PackmuleError], tuple[int, ProblemCode]] = {
    NotFound: (404, ProblemCode.NOT_FOUND),
    NotAllowedInState: (409, ProblemCode.WRONG_STATE),
    Conflict: (409, ProblemCode.IDEMPOTENCY_CONFLICT),
    QuotaExceeded: (429, ProblemCode.QUOTA_EXCEEDED),
    DiskFull: (507, ProblemCode.DISK_FULL),
    StorageFailed: (503, ProblemCode.STORAGE),
}


def _of_ours(error: PackmuleError) -> Problem:
    known = next((found for kind, found in _OF_OURS.items() if isinstance(error, kind)), None)
    if known is None:
        return internal()
    headers = None
    if isinstance(error, QuotaExceeded):
        headers = {"Retry-After": str(math.ceil(error.retry_after))}
    elif isinstance(error, DatabaseAway):
        headers = {"Retry-After": "2"}
    return Problem(*known, str(error), headers=headers)


_BY_STATUS = {
    404: (ProblemCode.NOT_FOUND, "There is nothing at this address; /docs lists what there is."),
    405: (ProblemCode.METHOD_NOT_ALLOWED, "This address does not take that method."),
}


def _of_http(error: HTTPException) -> Problem:
    """Translate the framework's own exceptions, mostly for unknown routes."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return internal()
    code, detail = _BY_STATUS.get(error.status_code, (ProblemCode.BAD_REQUEST, str(error.detail)))
    return Problem(error.status_code, code, detail, headers=error.headers)


def _of_parameters(error: RequestValidationError) -> Problem:
    """Translate invalid parameters of path, query or headers."""
    errors = [{"parameter": str(each["loc"][-1]), "detail": each["msg"]} for each in error.errors()]
    return Problem(
        422,
        ProblemCode.INVALID,
        "A parameter of this request cannot be used; `errors` says which.",
        errors=errors,
    )


def install(app: FastAPI, page: Callable[[Request, Problem], Response | None]) -> None:
    """Register the handlers that turn exceptions into problems.

    `page` returns a page for people instead, where a browser shows the response; else None.
    """

    async def answer(request: Request, error: Exception) -> Response:
        problem = of_exception(error)
        return page(request, problem) or problem.response()

    for kind in (Problem, PackmuleError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)
