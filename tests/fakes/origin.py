"""A small well-behaved HTTP/1.1 origin on loopback: Range, ETag, Last-Modified, keep-alive.

A test puts resources and changes them while it runs; each request is noted. Ranges and conditions
are answered as RFC 9110 has it, for a single range, which is all our fetching asks for.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

A_MONDAY = 1_767_600_000.0  # 2026-01-05
PIECE = 64 * 1024


@dataclass(slots=True)
class Resource:
    """What a path answers. `rate` is in bytes a second, `latency` in seconds before the head.

    `announced`: the length is told; else the connection's end is the body's. `held_from`: bytes
    from that offset on are not sent before it is None again, so that a test looks at the middle of
    a transfer for as long as it likes. At byte `cut_at` the connection is closed. `instead` may
    answer a request with something else; status 0 resets the connection.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    modified_at: float | None = A_MONDAY
    latency: float = 0.0
    rate: float | None = None
    held_from: int | None = None
    ranges: bool = True
    announced: bool = True
    cut_at: int | None = None
    instead: Callable[[Request], Resource | None] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was received."""

    method: str
    path: str
    headers: Message


class Wait(NamedTuple):
    """A request was received (`change` 1), or is about to be answered (-1), at that moment."""

    at: float
    change: int
    path: str


class Origin:
    """The origin; use it as a context, or `close` it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.resources: dict[str, Resource] = {}
        self.requests: list[Request] = []
        self.waits: list[Wait] = []
        self.open: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()
        self.closed = False
        self.lock = threading.Lock()
        self._server = _Server(self, host)
        self.host = host
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def put(self, path: str, body: bytes = b"", **more: Any) -> str:
        """Have a path answer with a body, and give its URL. `more` are fields of Resource."""
        resource = Resource(body, **more)
        if "etag" not in more:
            resource.etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        self.resources[urlsplit(path).path] = resource
        return self.url(path)

    def url(self, path: str) -> str:
        """Give the URL of a path, whether there is something or not."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{path}"

    def requests_for(self, path: str) -> list[Request]:
        """List the requests for a path, the first one first."""
        return [request for request in self.requests if urlsplit(request.path).path == path]

    def ranges_for(self, path: str) -> list[str | None]:
        """List the Range fields of the requests for a path."""
        return [request.headers.get("Range") for request in self.requests_for(path)]

    def release(self, *paths: str) -> None:
        """Have the rest of what is held be sent, without a rate."""
        for path in paths:
            self.resources[path].held_from = self.resources[path].rate = None

    def close(self) -> None:
        """Stop, and cut what is under way."""
        self.closed = True
        self._server.shutdown()
        self._server.cut()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, origin: Origin, host: str) -> None:
        self.origin = origin
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[socket.socket] = set()
        super().__init__((host, 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """A client that goes away in the middle is no fault of the origin."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = PIECE
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing: `Origin.requests` has it all."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        origin = self.server.origin
        with origin.lock:
            origin.open[self.path] += 1
            most = max(origin.most_open[self.path], origin.open[self.path])
            origin.most_open[self.path] = most
        try:
            self._answer_request(Request(self.command, self.path, self.headers))
        finally:
            with origin.lock:
                origin.open[self.path] -= 1

    def _answer_request(self, request: Request) -> None:
        self.server.origin.requests.append(request)
        resource = self.server.origin.resources.get(urlsplit(self.path).path)
        if resource is not None and resource.instead is not None:
            resource = resource.instead(request) or resource
        if resource is None:
            resource = Resource(b"there is nothing here\n", 404, {"Content-Type": "text/plain"})
        # Counted as open no longer than it surely is: its end is noted before the answer.
        self.server.origin.waits.append(Wait(time.monotonic(), 1, self.path))
        time.sleep(resource.latency)
        if resource.status == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.server.origin.waits.append(Wait(time.monotonic(), -1, self.path))
        part = self._part(resource) if resource.status == 200 else None
        if part is not None and not part:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(resource.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send_head(resource, part)
        if self.command != "HEAD":
            self._send_body(resource, part or range(len(resource.body)))

    def _part(self, resource: Resource) -> range | None:
        """Read Range and If-Range: None for the whole, empty for what cannot be satisfied."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        modified = resource.modified_at
        now = {resource.etag, None if modified is None else formatdate(modified, usegmt=True)}
        if found is None or not resource.ranges or (condition is not None and condition not in now):
            return None
        size = len(resource.body)
        return range(int(found[1]), min(int(found[2] or size) + bool(found[2]), size))

    def _send_head(self, resource: Resource, part: range | None) -> None:
        size = len(resource.body)
        self.send_response(resource.status if part is None else 206)
        headers = {"Content-Length": str(size if part is None else len(part))}
        if not resource.announced:
            headers = {"Connection": "close"}
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        if resource.ranges:
            headers["Accept-Ranges"] = "bytes"
        if resource.etag is not None:
            headers["ETag"] = resource.etag
        if resource.modified_at is not None:
            headers["Last-Modified"] = formatdate(resource.modified_at, usegmt=True)
        for name, value in (headers | resource.headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, resource: Resource, part: range) -> None:
        start = part.start
        while start < part.stop:
            held_from = resource.held_from
            if held_from is not None and start >= held_from:
                self.wfile.flush()
                if self.server.origin.closed:
                    return
                time.sleep(0.02)
                continue
            if resource.cut_at == start:
                self.close_connection = True
                return
            ends = [each for each in (held_from, resource.cut_at) if each is not None]
            stop = min(start + PIECE, part.stop, *(end for end in ends if end > start))
            self.wfile.write(resource.body[start:stop])
            if resource.rate is not None:
                self.wfile.flush()
                time.sleep((stop - start) / resource.rate)
            start = stop
