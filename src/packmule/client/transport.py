"""What both drivers share: requests and answers in the words of httpx, its errors translated.

Owns the border to httpx. Nothing of the environment is trusted (proxies, netrc), unless the caller
brings an httpx client that does. Does no I/O.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

import packmule
from packmule.client import requests
from packmule.client.steps import Fault, Reply

if TYPE_CHECKING:
    from packmule.client.steps import Request

SERVER_VARIABLE = "PACKMULE_SERVER"
KEY_VARIABLE = "PACKMULE_API_KEY"
USUAL_SERVER = "http://localhost:8000"

MOST_BYTES = 64 * 1024 * 1024
"""The longest document that is read."""
TOO_LONG = Fault(f"its answer is longer than {MOST_BYTES} bytes")

CAUGHT = (httpx.RequestError, httpx.InvalidURL)
"""What httpx raises where a request or its answer fails."""

_SUCCESS = frozenset({200, 206})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError)
_WORDS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection within the time",
    httpx.ReadTimeout: "nothing came within the time",
    httpx.WriteTimeout: "nothing was taken within the time",
    httpx.PoolTimeout: "too many requests at once",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
}
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and the key to it."""

    server: str
    api_key: str | None = field(repr=False)


def address(server: str | None, api_key: str | None) -> Address:
    """Give the server's address: as given, else of the environment, else the usual one.

    Raises UsageError.
    """
    url = server or os.environ.get(SERVER_VARIABLE, "").strip() or USUAL_SERVER
    key = api_key or os.environ.get(KEY_VARIABLE, "").strip() or None
    return Address(requests.server_url(url), requests.api_key(key))


def built(client: httpx.Client | httpx.AsyncClient, to: Address, request: Request) -> httpx.Request:
    """Write a request in httpx's words."""
    headers = {
        "User-Agent": f"packmule/{packmule.__version__}",
        "Accept": "application/json, application/problem+json, */*;q=0.5",
        **request.headers,
    }
    if to.api_key is not None:
        headers["Authorization"] = f"Bearer {to.api_key}"
    return client.build_request(
        request.method,
        to.server + request.path,
        params=dict(request.params) or None,
        headers=headers,
        content=request.body,
        timeout=httpx.Timeout(request.timeout, connect=_CONNECT_SECONDS),
    )


def head_of(response: httpx.Response) -> Reply:
    """Give an answer without its body."""
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()})


def has_body(head: Reply) -> bool:
    """Tell an answer whose body is what was asked for."""
    return head.status in _SUCCESS


def fault_of(error: Exception) -> Fault:
    """Translate an error of httpx; nothing secret is in it."""
    words = _WORDS.get(type(error)) or str(error).strip() or type(error).__name__
    return Fault(words, sent=not isinstance(error, _NOT_SENT))
