"""A strict S3 server that misbehaves at parts: it stands before a good one and hands the rest on.

Owns the faults: `refusal` is the answer to all that `refuses` picks; what `faults` holds is done to
one part after the other, then all goes well. And the strictness: as Ceph's RGW does it refuses to
complete an upload of which a part is left out, and as Cloudflare's R2 does one whose parts, but for
the last, are not of one size.
"""

from __future__ import annotations

import http.client
import re
import sys
import threading
from contextlib import contextmanager
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

_NUMBER = re.compile(rb"<PartNumber>(\d+)</PartNumber>")
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
NO_SUCH_UPLOAD = b"<Error><Code>NoSuchUpload</Code><Message>Gone.</Message></Error>"
INVALID_PART = b"<Error><Code>InvalidPart</Code><Message>Look at the parts.</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"


class Fault(Enum):
    """What is done to a part."""

    SLOW_DOWN = auto()
    """503, before the part is kept."""
    CUT = auto()
    """The connection is closed in the middle of the part."""
    CUT_ANSWER = auto()
    """The part is kept, but the answer does not come."""
    WRONG_ETAG = auto()
    """The part is kept, but the answer names another's entity tag."""
    NO_ETAG = auto()
    """The part is kept, but the answer names no entity tag."""
    LOST_UPLOAD = auto()
    """The upload is aborted behind our back."""
    DENIED = auto()
    """403."""
    SILENT = auto()
    """The part is taken, and nothing said, until `speak` is set."""


class FaultyS3:
    """Counts the parts that arrive, and spoils some; `faults` are used up from the front."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind).netloc
        self.url = ""
        self.faults: list[Fault] = []
        self.parts: list[int] = []
        self.lost: set[str] = set()
        self.refusal: tuple[int, str] | None = None
        self.refuses: Callable[[str, dict[str, list[str]]], bool] = lambda _method, _query: True
        self.kept: dict[str, dict[int, int]] = {}
        self.lock = threading.Lock()
        self.speak = threading.Event()

    def next_fault(self, number: int) -> Fault | None:
        """Count a part; tell what is to be done to it."""
        with self.lock:
            self.parts.append(number)
            return self.faults.pop(0) if self.faults else None

    def keep(self, upload: str, number: int, size: int) -> None:
        """Record that a part is kept."""
        with self.lock:
            self.kept.setdefault(upload, {})[number] = size

    def may_complete(self, upload: str, numbers: list[int]) -> bool:
        """Return whether the strictest stores would make an object of these parts."""
        with self.lock:
            kept = self.kept.get(upload, {})
        sizes = {kept.get(number) for number in numbers[:-1]}
        last = kept.get(numbers[-1], 0) if numbers else 0
        return sorted(kept) == numbers and len(sizes) <= 1 and all(last <= (n or 0) for n in sizes)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyS3

    def handle_any(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        number = query.get("partNumber")
        is_part = self.command == "PUT" and number is not None
        fault = self.faulty.next_fault(int(number[0])) if is_part and number else None
        length = int(self.headers.get("Content-Length", 0))
        if fault is Fault.CUT:
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if self.faulty.refusal is not None and self.faulty.refuses(self.command, query):
            status, code = self.faulty.refusal
            self.answer(status, {}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        if fault is Fault.SILENT:
            self.faulty.speak.wait(60.0)
            self.close_connection = True
            return
        if fault is Fault.SLOW_DOWN:
            self.answer(503, {}, SLOW_DOWN)
        elif fault is Fault.DENIED:
            self.answer(403, {}, DENIED)
        else:
            self.hand_on(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - names there

    def hand_on(self, body: bytes, fault: Fault | None) -> None:
        url = urlsplit(self.path)
        upload = parse_qs(url.query).get("uploadId", [""])[0]
        if fault is Fault.LOST_UPLOAD:
            self.faulty.lost.add(upload)
            self.ask("DELETE", f"{url.path}?uploadId={upload}", b"")
        if upload in self.faulty.lost and self.command == "PUT":
            self.answer(404, {}, NO_SUCH_UPLOAD)
            return
        if self.command == "POST" and upload:
            numbers = [int(number) for number in _NUMBER.findall(body)]
            if not self.faulty.may_complete(upload, numbers):
                self.answer(400, {}, INVALID_PART)
                return
        status, headers, answer = self.ask(self.command, self.path, body)
        if self.command == "PUT" and upload and status == 200:
            number = int(parse_qs(url.query)["partNumber"][0])
            self.faulty.keep(upload, number, _copied(self.headers) or len(body))
        if fault is Fault.CUT_ANSWER:
            self.close_connection = True
            return
        if fault is Fault.WRONG_ETAG:
            headers["ETag"] = '"00000000000000000000000000000000"'
        if fault is Fault.NO_ETAG:
            headers = {name: value for name, value in headers.items() if name.lower() != "etag"}
        self.answer(status, headers, answer)

    def ask(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.faulty.behind, timeout=30)
        dropped = {"connection", "content-length", "transfer-encoding", "expect"}
        passed = {n: v for n, v in self.headers.items() if n.lower() not in dropped}
        try:
            connection.request(method, path, body, passed)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        headers = {n: v for n, v in answer.getheaders() if n.lower() not in dropped}
        return answer.status, headers, content

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


def _copied(headers: Message) -> int:
    """Return how many bytes are copied from another object."""
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("x-amz-copy-source-range", ""))
    return int(match[2]) - int(match[1]) + 1 if match else 0


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a whole fleet's

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # else the client is gone
            super().handle_error(request, client_address)


@contextmanager
def before(url: str) -> Iterator[FaultyS3]:
    """Run one before the server at `url`, until the end of the context."""
    faulty = FaultyS3(url)
    handler = type("Handler", (_Handler,), {"faulty": faulty})
    with _Server(("127.0.0.1", 0), handler) as server:
        faulty.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield faulty
        finally:
            server.shutdown()
            thread.join()
