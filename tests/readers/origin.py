"""The corpus' origin on loopback: what a file's answer says about its name, date, length and type.

Owns answers that an ordinary origin gives rarely: no length, a late head, a body cut short.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class File:
    """A file of the origin, and the entry that must become of it.

    `path` is the URL's, `name` the caller's where there is one, `entry` the entry's name, None
    where there must be none. `modified` is Last-Modified as it is sent. `delay` is in seconds.
    """

    path: str
    body: bytes
    entry: str | None
    name: str | None = None
    content_type: str | None = None
    disposition: str | None = None
    modified: str | None = None
    delay: float = 0.0
    chunked: bool = False
    cut: bool = False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: dict[str, File]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        file = self.server.files[self.path]
        time.sleep(file.delay)
        self.send_response(200)
        for name, value in (
            ("Content-Type", file.content_type),
            ("Content-Disposition", file.disposition),
            ("Last-Modified", file.modified),
            ("Transfer-Encoding", "chunked" if file.chunked else None),
            ("Content-Length", None if file.chunked else str(len(file.body))),
        ):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if file.chunked:
            self._send_chunks(file.body)
        elif file.cut:
            self.wfile.write(file.body[: len(file.body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(file.body)

    def _send_chunks(self, body: bytes) -> None:
        for start in range(0, len(body), 50_000):
            chunk = body[start : start + 50_000]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")


@contextmanager
def serving(files: Sequence[File]) -> Iterator[str]:
    """Serve files until the block ends; give the URL that their paths follow."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.files = {file.path: file for file in files}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
