"""The metrics endpoint for Prometheus, and who may read it.

Owns the route /metrics. Leaves the metrics themselves to `Services.metrics`. They show how busy the
service is, so by default only this machine and private networks get them, and only if no proxy
forwards the request for somebody else. Other clients get 404.
"""

from __future__ import annotations

import hmac
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from packmule.web.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from starlette.requests import Request

    from packmule.web.services import MetricsPage, Services

_log = logging.getLogger(__name__)

_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


async def metrics(request: Request) -> Response:
    """Respond with the metrics."""
    of = cast("Services", request.app.state.services).metrics
    if of is None or not may_read(request, of):
        raise Problem(
            404,
            ProblemCode.NOT_FOUND,
            "There is nothing at this address for this client; docs/operations.md says who may "
            "read the metrics.",
        )
    text, media_type = await run_in_threadpool(of.text)
    return Response(text, headers={"Cache-Control": "no-store", "Content-Type": media_type})


def may_read(request: Request, of: MetricsPage) -> bool:
    """Return whether this client may read the metrics."""
    if of.readers == "none":
        return False
    if of.token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {of.token}".encode())
    return of.readers == "all" or _is_near(request)


def _is_near(request: Request) -> bool:
    """Return whether the client is on this machine or a private network, and no proxy."""
    if any(name in request.headers for name in _OF_PROXIES) or request.client is None:
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    near = mapped or address
    return bool(near.is_loopback or near.is_private or near.is_link_local)


routes = [Route("/metrics", metrics, methods=["GET", "HEAD"])]
