"""What HTTP itself allows to be abused: two readings of one request, floods, and costly text."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.attacks.stage import attack
from tests.spec.service import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.attacks.stage import Stage

HOST = b"Host: localhost\r\n"
SECOND = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
CREATE = b"POST /api/archive/create HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
CHUNKED = CREATE + b"Transfer-Encoding: chunked\r\n\r\n"

# Each could be read in two ways, so that a proxy and the program see different requests.
TWO_READINGS = (
    CREATE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CREATE + b"Content-Length: 0\r\nContent-Length: 400\r\n\r\n",
    CREATE + b"Content-Length: +0\r\n\r\n",
    CREATE + b"Content-Length: 0, 0\r\n\r\n",
    CREATE + b"Content-Length: 0x0\r\n\r\n",
    CREATE + b"Content-Length: -1\r\n\r\n",
    CREATE + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    CREATE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    CREATE + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    CREATE.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED + b"-1\r\n\r\n",
    CHUNKED + b"ffffffffffffffffff\r\n",
    CHUNKED + b"1\r\n  \r\n",
    b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n Content-Length: 400\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
)

# Without an end: what is repeated behind the first bytes.
FLOODS = (
    (b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 400 + b"\r\n"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: ", b"a=b; " * 10_000),
    (CHUNKED, b"1;" + b"a" * 8000 + b"\r\n \r\n"),
    (CHUNKED + b"1;", b"a" * 50_000),
    (CHUNKED + b"0\r\n", b"X: " + b"a" * 400 + b"\r\n"),
    (CHUNKED, b"1\r\n \r\n" * 10_000),
    (CHUNKED, b"0" * 50_000),
    (b"", (b"GET /docs HTTP/1.1\r\n" + HOST + b"\r\n") * 1000),
)


@attack("requests to smuggle others, and odd spellings of methods and paths", full=5000, small=200)
def spellings(stage: Stage, size: int) -> None:
    with stage.usual_service() as service:
        for request in TWO_READINGS:
            answer = exchange(service.port, request + SECOND)
            assert answer.count(b"HTTP/1.1 ") <= 1, request
            assert answer[:13] in {b"", b"HTTP/1.1 400 ", b"HTTP/1.1 422 "}, (request, answer)
        with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
            for request in odd_requests(size):
                connection.sendall(request)
                assert b" 50" not in status_line(connection), request
        assert "Traceback" not in service.log
        # A made-up method is no series of its own.
        assert len(service.client.get("/metrics").text) < 1_000_000


def exchange(port: int, request: bytes) -> bytes:
    """Send bytes and return what is answered until the end, or until there are two answers."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        # A refusal may close the connection before all of it is sent.
        with suppress(ConnectionError):
            connection.sendall(request)
        with suppress(ConnectionError):
            while got.count(b"HTTP/1.1 ") < 2 and (piece := connection.recv(65536)):
                got += piece
    return got


@attack("endless heads, chunks, trailers and pipelines", full=50_000_000, small=2_000_000)
def floods(stage: Stage, size: int) -> None:
    with stage.service(BODY_TIMEOUT="2") as service:
        threads = [
            threading.Thread(target=flood, args=(service.port, first, again, size))
            for first, again in FLOODS
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "Traceback" not in service.log


def flood(port: int, first: bytes, again: bytes, size: int) -> None:
    """Send `size` bytes, or as many as are taken; read nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, suppress(OSError):
        connection.sendall(first)
        for _ in range(size // len(again)):
            connection.sendall(again)


@attack("hosts and file names that take by the square of their length", full=200, small=100)
def combining_marks(stage: Stage, size: int) -> None:
    marks = "\u0315\u0300"
    with stage.origin() as origin, stage.usual_service() as service:
        hosts = [f"http://{n}{marks * 3900}.example/" for n in range(size)]
        dots = [f"http://{'é.' * 3900}{n}.example/" for n in range(size)]
        for urls in (hosts, dots):
            answer = service.client.post("/api/archive/create", json={"urls": urls})
            assert answer.status_code == 422, answer.status_code
        # As bytes, in the header's UTF-8; and percent-encoded, in the link.
        name = ("q" + marks * 15_000).encode().decode("latin-1")
        headers = {"Content-Disposition": f"attachment; filename={name}"}
        urls = [origin.put(f"/{n}", b"x", headers=headers) for n in range(size)]
        urls += [origin.put(f"/{n}q{'%CC%95%CC%80' * 600}", b"x") for n in range(size)]
        members = service.members(service.completed(*urls))
        assert len(members) == len(urls)
        assert all(len(name.encode()) <= 255 for name in members)


def odd_requests(count: int) -> Iterator[bytes]:
    """Make requests that are well-formed, and of nothing that exists."""
    targets = (
        "/archive/get/..%2f..%2fetc%2fpasswd.zip", "/archive/get/%0d%0aX-Injected:%20a.zip",
        "/archives/%3Cscript%3E%00", "/archives/%ff%fe", "/static/x/..%2f..%2fapp.py",
        "/api/archive/status/0?wait=%D9%A1_0", "/api/archive/files/0?limit=1_0&cursor=%D9%A1",
        "/api/archive/status/0?wait=1e999", f"/api/archive/files/0?limit={'9' * 5000}",
        "//evil.example/..", "/%2e%2e/%2e%2e/healthz", "/docs/?a=%27%22%3E%3Cscript%3E",
    )  # fmt: skip
    for number in range(count):
        target = targets[number % len(targets)].encode()
        yield b"M%d " % number + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"
        yield b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"X-Request-ID: \xff;a=b\r\n\r\n"


def status_line(connection: socket.socket) -> bytes:
    """Read one answer whole; return its first line."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        assert piece, "the connection was closed"
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields.get(b"content-length", b"0")) - len(body)
    while left > 0:
        left -= len(connection.recv(left))
    return head.partition(b"\r\n")[0]
