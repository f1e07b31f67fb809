"""An origin of files as large as one likes, made as they are sent, with ranges.

Owns what is in the files: `/<number>/<size>` is a megabyte of chance over and over, each file's
beginning elsewhere in it. `python -m tests.s3_large.origin` runs one, says its port, and ends with
its input.
"""

from __future__ import annotations

import random
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERIOD = 1024 * 1024
_TWICE = memoryview(random.Random(29).randbytes(_PERIOD) * 2)


def content(number: int, start: int, stop: int) -> Iterator[memoryview]:
    """Give a range of a file, in pieces."""
    at = start
    while at < stop:
        begin = (at + number * 4099) % _PERIOD
        length = min(_PERIOD, stop - at)
        yield _TWICE[begin : begin + length]
        at += length


def checksum(number: int, start: int, stop: int, so_far: int = 0) -> int:
    """Give the CRC-32 of a range of a file, behind what was summed up before."""
    for piece in content(number, start, stop):
        so_far = crc32(piece, so_far)
    return so_far


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, or what follows an offset."""
        number, size = map(int, self.path.strip("/").split("/"))
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response_only(206 if asked else 200)
        self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", f'"{number}-{size}"')
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        try:
            for piece in content(number, start, size):
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Run until the input ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
