"""Whatever bytes a request is made of, its answer blames the request, not the server."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

ROUTES = [
    (b"GET", b"/"),
    pytest.param(b"GET", b"/docs", marks=pytest.mark.long),
    pytest.param(b"GET", b"/favicon.ico", marks=pytest.mark.long),
    pytest.param(b"GET", b"/openapi.json", marks=pytest.mark.long),
    pytest.param(b"GET", b"/healthz", marks=pytest.mark.long),
    pytest.param(b"GET", b"/readyz", marks=pytest.mark.long),
    (b"GET", b"/metrics"),
    pytest.param(b"GET", b"/static/0/page.js", marks=pytest.mark.long),
    (b"POST", b"/archives"),
    (b"GET", b"/archives/HASH"),
    pytest.param(b"POST", b"/archives/HASH/cancel", marks=pytest.mark.long),
    pytest.param(b"POST", b"/archives/HASH/retry", marks=pytest.mark.long),
    (b"POST", b"/api/archive/create"),
    (b"GET", b"/api/archive/status/HASH"),
    pytest.param(b"GET", b"/api/archive/files/HASH", marks=pytest.mark.long),
    (b"GET", b"/api/archive/events/HASH"),
    pytest.param(b"POST", b"/api/archive/retry/HASH", marks=pytest.mark.long),
    pytest.param(b"POST", b"/api/archive/cancel/HASH", marks=pytest.mark.long),
    pytest.param(b"DELETE", b"/api/archive/" + b"0" * 32, marks=pytest.mark.long),
    (b"GET", b"/archive/get/HASH.zip"),
]
"""Every route; HASH is that of a completed job. Long: what takes its parameters as others do."""

FIELDS = [
    [b"Accept", b"Accept-Encoding", b"Cookie", b"Content-Type", b"Forwarded", b"\xe9"],
    [b"Authorization", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto"],
    [b"X-Request-ID", b"Traceparent", b"Tracestate", b"Last-Event-ID", b"Idempotency-Key"],
    [b"Range", b"If-Range", b"If-None-Match"],
    [b"If-Match"],
    [b"If-Modified-Since"],
    [b"If-Unmodified-Since"],
    [b"Origin"],
    [b"Sec-Fetch-Site"],
    [b"Host"],
]
"""Fields that can be sent together: none of them hides what another leads to."""

VALUES = {
    "empty": b"",
    "high bytes": bytes(range(0x80, 0x100)),
    "a lone surrogate": b"\xed\xa0\x80",
    "an open bracket": b"http://[",
    "a long number": b"9" * 5000,
    "a list of nothing": b",,, ,",
    "a bearer token that is no ASCII": b"Bearer \xe9",
    "an open quote": b'"',
    "an absurd year": b"Sun, 06 Nov 9999999999 08:49:37 GMT",
    "the last year in another zone": b"Fri, 31 Dec 9999 23:59:59 -2359",
    "an absurd zone": b"Sun, 06 Nov 1994 08:49:37 +99999999999999",
    "an absurd range": b"bytes=" + b"9" * 4400 + b"-",
    "an absurd event": b"9" * 4400 + b"-1",
}

TEXTS = [
    *(b"%00", b"%0a", b"%0d%0aX-A:%20b", b"%20", b"%22", b"%23", b"%2e%2e", b"%2f", b"%3fwait=1"),
    *(b"%5b", b"%5c", b"%7f", b"%ff", b"%c0%80", b"%ed%a0%80", b"%e2%84%80", b"%ef%bf%be", b"%zz"),
    *(b"[", b"\\", b"\xe9", b"x:80", b"//", b"@", b"9" * 5000),
]
"""What may stand in a path or a query."""


@pytest.fixture(scope="module")
def archive_hash(service: Service, origin: Origin) -> bytes:
    """Give the hash of a completed job."""
    return service.completed(origin.put("/malformed", b"content")).encode()


def answer(service: Service, request: bytes) -> bytes:
    """Send bytes, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def head(method: bytes, target: bytes, *fields: bytes) -> bytes:
    """Write a request without a body."""
    lines = [method + b" " + target + b" HTTP/1.1", *fields, b"Connection: close"]
    if not any(field.startswith(b"Host:") for field in fields):
        lines.append(b"Host: 127.0.0.1")
    if method == b"POST":
        lines.append(b"Content-Length: 0")
    return b"\r\n".join([*lines, b"", b""])


def faults(service: Service, requests: dict[str, bytes]) -> list[str]:
    """Send requests; list those that got no answer, or one that blames the server."""
    before = len(service.log)
    found = []
    for name, request in requests.items():
        status = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", answer(service, request))
        if status is None or status[1] >= b"500":
            found.append(f"{name}: {status and status[1]!r}")
    logged = service.log[before:]
    assert "Traceback" not in logged, logged
    return found


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_text_in_a_header_is_a_fault_of_the_server(
    service: Service, archive_hash: bytes, method: bytes, path: bytes
) -> None:
    target = path.replace(b"HASH", archive_hash)
    requests = {
        f"{name} in {fields}": head(method, target, *(field + b": " + value for field in fields))
        for name, value in VALUES.items()
        for fields in FIELDS
    }
    assert not faults(service, requests)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_text_in_a_path_or_a_query_is_a_fault_of_the_server(
    service: Service, archive_hash: bytes, method: bytes, path: bytes
) -> None:
    target = path.replace(b"HASH", archive_hash)
    requests = {}
    for text in TEXTS:
        query = b"&".join(name + b"=" + text for name in (b"wait", b"state", b"cursor", b"limit"))
        for malformed in (
            target + text,
            path.replace(b"HASH", text),
            target.rpartition(b"/")[0] + b"/" + text,
            target + b"?" + query,
        ):
            requests[f"{malformed!r}"] = head(method, malformed)
    assert not faults(service, requests)
