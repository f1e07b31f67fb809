"""The border to httpx, shared by both drivers: requests, responses and errors, translated.

Does no I/O. Nothing is taken from the environment but the server's address and key: no proxies, no
netrc, unless the caller passes an httpx client that uses them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

import packmule
from packmule.client import requests
from packmule.client.steps import ApiResponse, NetworkFault
from packmule.errors import MAX_DETAIL
from packmule.foreign_text import clipped

if TYPE_CHECKING:
    from packmule.client.steps import ApiRequest

SERVER_VARIABLE = "PACKMULE_SERVER"
KEY_VARIABLE = "PACKMULE_API_KEY"
DEFAULT_SERVER = "http://localhost:8000"

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""The longest document that is read."""
TOO_LONG = NetworkFault(f"its response is longer than {MAX_DOCUMENT_BYTES:,} bytes")

CAUGHT = (httpx.RequestError, httpx.InvalidURL)
"""What httpx raises if a request or its response fails."""

_SUCCESS = frozenset({200, 206})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError)
_MESSAGES: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "connecting timed out",
    httpx.ReadTimeout: "the response timed out",
    httpx.WriteTimeout: "sending the request timed out",
    httpx.PoolTimeout: "too many requests at once",
    httpx.ReadError: "the connection was lost",
    httpx.WriteError: "the connection was lost",
}
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server is, and the key for it."""

    url: str
    api_key: str | None = field(repr=False)


def server_address(server: str | None, api_key: str | None) -> ServerAddress:
    """Return the server's address: the given one, the environment's, or the default.

    Raises UsageError.
    """
    url = server or os.environ.get(SERVER_VARIABLE, "").strip() or DEFAULT_SERVER
    key = api_key or os.environ.get(KEY_VARIABLE, "").strip() or None
    return ServerAddress(requests.server_url(url), requests.api_key(key))


def http_request(
    client: httpx.Client | httpx.AsyncClient, server: ServerAddress, request: ApiRequest
) -> httpx.Request:
    """Build the request for httpx."""
    headers = {
        "User-Agent": f"packmule/{packmule.__version__}",
        "Accept": "application/json, application/problem+json, */*;q=0.5",
        **request.headers,
    }
    if server.api_key is not None:
        headers["Authorization"] = f"Bearer {server.api_key}"
    return client.build_request(
        request.method,
        server.url + request.path,
        params=dict(request.params) or None,
        headers=headers,
        content=request.body,
        timeout=httpx.Timeout(request.timeout, connect=_CONNECT_SECONDS),
    )


def response_head(response: httpx.Response) -> ApiResponse:
    """Return a response without its body."""
    return ApiResponse(response.status_code, {k.lower(): v for k, v in response.headers.items()})


def has_archive_body(head: ApiResponse) -> bool:
    """Return whether the body behind this head is what was asked for, not an error document."""
    return head.status in _SUCCESS


def network_fault(error: Exception) -> NetworkFault:
    """Translate an error of httpx; the result holds nothing secret."""
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip())
    message = _MESSAGES.get(type(error)) or clipped(text, MAX_DETAIL) or type(error).__name__
    return NetworkFault(message, sent=not isinstance(error, _NOT_SENT))
