"""Every error is a problem document with a stable code, and every answer has its guards."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.spec.service import Service

MEMBERS = {"type", "title", "status", "detail", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not-found"),
        ("GET", "/api/archive", 404, "not-found"),
        ("GET", "/static/../../etc/passwd", 404, "not-found"),
        ("GET", "/static/nothing.js", 404, "not-found"),
        # No redirect: its address would be made of the request's Host, without a proxy's path.
        ("GET", "/docs/", 404, "not-found"),
        ("POST", "/api/archive/create/", 404, "not-found"),
        ("GET", "/archive/get/", 404, "not-found"),
        ("POST", "/nothing/here", 404, "not-found"),
        ("GET", "/api/archive/create", 405, "method-not-allowed"),
        ("PUT", "/api/archive/create", 405, "method-not-allowed"),
        ("POST", "/", 405, "method-not-allowed"),
        ("POST", "/healthz", 405, "method-not-allowed"),
        ("DELETE", f"/archive/get/{'0' * 32}.zip", 405, "method-not-allowed"),
        ("GET", f"/?{'x' * 9000}", 414, "url-too-long"),
        ("GET", f"/archive/get/{'0' * 32}.zip", 404, "not-found"),
    ],
)
def test_every_error_is_a_problem_document(
    service: Service, method: str, path: str, status: int, code: str
) -> None:
    answer = service.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert document.keys() >= MEMBERS
    assert document["status"] == status
    assert document["code"] == code
    assert document["detail"].endswith(".")


def test_a_wrong_method_is_told_which_are_right(service: Service) -> None:
    assert service.client.put("/api/archive/create").headers["allow"] == "POST"


def test_an_error_of_head_has_no_body(service: Service) -> None:
    answer = service.client.head("/nothing/here")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz", "/nothing/here"])
def test_every_answer_has_the_security_headers(service: Service, path: str) -> None:
    headers = service.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    # The page's own form must say where it comes from; an archive's address is told to nobody.
    own = "same-origin" if path in {"/", "/docs"} else "no-referrer"
    assert headers["referrer-policy"] == own


def test_a_foreign_page_is_told_nothing(service: Service) -> None:
    answer = service.client.options(
        "/api/archive/create",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_broken_requests_do_not_take_the_server_down(service: Service) -> None:
    create = b"POST /api/archive/create HTTP/1.1\r\nHost: localhost\r\n"
    for junk in (
        b"\x00" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        create,
        create + b"Content-Length: 1000\r\n\r\n{",
        create + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        create + b"Content-Length: -1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(junk)
    assert service.client.get("/healthz").status_code == 200


def test_a_host_is_checked_in_every_form_of_a_request(service: Service) -> None:
    for request, status in (
        (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n", 421),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n", 421),
        (b"GET http://evil.example/healthz HTTP/1.1\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost, evil.example\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: LOCALHOST:1\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\n", 200),
    ):
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
            connection.sendall(request + b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert int(answer.split()[1]) == status, (request, answer)
