"""HEAD works wherever GET does: the same status and fields, without a body (RFC 9110 9.3.2)."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.origin import Origin
    from tests.spec.service import Service

PATHS = (
    "/", "/docs", "/openapi.json", "/healthz", "/readyz", "/manifest.webmanifest", "/a/HASH",
    "/archives/HASH", "/api/archive/status/HASH", "/api/archive/status/HASH?wait=1",
    "/api/archive/files/HASH", "/api/archive/list", "/archive/get/HASH.zip",
    "/archive/get/HASH/files/0", "/api/archive/status/unknown",
)  # fmt: skip


def answered(service: Service, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the fields that describe the body, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        described = ("content-type", "content-length", "cache-control")
        told = {name: value for name, value in fields.items() if name in described}
        return response.status, told, b"" if "events" in path else response.read()
    finally:
        connection.close()


def test_head_answers_as_get_does_without_a_body(service: Service, origin: Origin) -> None:
    archive_hash = service.completed(origin.put("/head/a.txt", b"hello"))
    for template in PATHS:
        path = template.replace("HASH", archive_hash)
        status, fields, body = answered(service, "GET", path)
        assert body, path
        assert answered(service, "HEAD", path) == (status, fields, b""), path


def test_head_of_an_event_stream_ends_at_once(service: Service, origin: Origin) -> None:
    url = origin.put("/head/held.txt", b"hello", held_from=0)
    running = service.create(url)
    status, fields, _ = answered(service, "GET", f"/api/archive/events/{running}")
    for _ in range(20):  # more than an address may have open
        assert answered(service, "HEAD", f"/api/archive/events/{running}") == (status, fields, b"")
    origin.release("/head/held.txt")
