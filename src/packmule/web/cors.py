"""CORS: which requests pages of other origins may make, and what they may read of the responses.

Owns the lists of methods and headers. Leaves the origins to the operator (`PACKMULE_ALLOW_ORIGINS`)
and the protocol to Starlette. There are no cookies, so credentials are never allowed: a page sends
its key in `Authorization`, which it must know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import Headers
    from starlette.responses import Response
    from starlette.types import ASGIApp

_METHODS = ("GET", "HEAD", "POST", "DELETE")
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-Request-ID",
)
_RESPONSE_HEADERS = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
)


class CorsMiddleware(CORSMiddleware):
    """The middleware; it only belongs in the application if the operator allows any origin."""

    def __init__(self, app: ASGIApp, *, allow_origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=allow_origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a preflight request; a refusal is a problem document like every other error."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:  # noqa: PLR2004
            return response
        refused = Problem(
            403,
            ProblemCode.CROSS_ORIGIN,
            "A web page of this origin may not send this request; see PACKMULE_ALLOW_ORIGINS.",
            headers={"Vary": "Origin"},
        )
        return refused.response()
