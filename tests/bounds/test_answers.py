"""Bounds on what an origin answers: head, body, unpacked size, redirects, time, tries, sockets."""

from __future__ import annotations

import gzip
import itertools
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.bounds.conftest import MAX_ARCHIVE_BYTES, MAX_FILE_BYTES, MAX_HEAD_BYTES
from tests.bounds.endless import IN_FLIGHT
from tests.spec.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bounds.endless import EndlessOrigin, Line

PIECE = b"\0" * 65_536
HUGE = 10**15
MEMORY = 200_000_000
"""Bytes of memory that the worker may have gained at most, over all that these tests send it."""


def peak_memory(service: Service) -> int:
    """Give the most memory that one of the program's processes has had resident, in bytes."""
    peaks = []
    for process in service.processes():
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        peaks.append(int(line.split()[1]) * 1024)
    return max(peaks)


def failed(service: Service, *urls: str, **more: Any) -> list[dict[str, Any]]:
    """Ask for an archive that fails, and give its failures."""
    found = service.outcome(service.create(*urls, **more))
    assert found["status"] == "failed", found
    failures: list[dict[str, Any]] = found["failures"]
    return failures


def failure(service: Service, url: str) -> tuple[str, str]:
    """Ask for a file that fails, and give its code and detail."""
    [one] = failed(service, url)
    return one["code"], one["detail"]


def endless_body(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    line.send_for_ever(PIECE)


def endless_chunks(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    line.send_for_ever(b"10000\r\n" + PIECE + b"\r\n")


def announced(length: int) -> Any:
    def script(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        line.send_for_ever(PIECE)

    return script


@pytest.mark.parametrize("script", [endless_body, endless_chunks])
def test_an_endless_body_stops_at_the_limit(
    bounded: Service, endless: EndlessOrigin, script: Any
) -> None:
    path = f"/{script.__name__}"
    code, detail = failure(bounded, endless.put(path, script))
    assert code == "too-large"
    assert "4,000,000" in detail
    # What was sent is counted a moment after it has come.
    assert MAX_FILE_BYTES * 0.9 < endless.sent(path) < MAX_FILE_BYTES + IN_FLIGHT
    assert len(endless.lines[path]) == 1  # a second try would be as long


def test_an_announced_excess_stops_before_its_bytes_come(
    bounded: Service, endless: EndlessOrigin
) -> None:
    code, _ = failure(bounded, endless.put("/announced", announced(HUGE)))
    assert code == "too-large"
    assert endless.sent("/announced") < IN_FLIGHT
    assert len(endless.lines["/announced"]) == 1


def test_one_byte_beyond_the_limit_is_too_much_and_none_is_not(
    bounded: Service, endless: EndlessOrigin
) -> None:
    def exact(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MAX_FILE_BYTES)
        line.send(b"x" * MAX_FILE_BYTES)

    bounded.completed(endless.put("/exact.bin", exact))
    code, _ = failure(bounded, endless.put("/beyond.bin", announced(MAX_FILE_BYTES + 1)))
    assert code == "too-large"


@pytest.mark.parametrize("length", [MAX_FILE_BYTES, None], ids=["announced", "not announced"])
def test_the_files_of_an_archive_stop_at_its_limit(
    bounded: Service, endless: EndlessOrigin, length: int | None
) -> None:
    def whole(line: Line) -> None:
        size = b"Content-Length: %d" % MAX_FILE_BYTES if length else b"Connection: close"
        line.send(b"HTTP/1.1 200 OK\r\n" + size + b"\r\n\r\n" + b"x" * MAX_FILE_BYTES)

    paths = [f"/whole/{length}/{number}" for number in range(5)]
    urls = [endless.put(path, whole) for path in paths]
    found = bounded.outcome(bounded.create(*urls, compression="store"))
    assert found["status"] == "failed"
    assert found["error"]["code"] == "archive-too-large"
    assert sum(map(endless.sent, paths)) <= MAX_ARCHIVE_BYTES + 4 * MAX_FILE_BYTES


def head_in_one_line(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    line.send_for_ever(b"a" * 4096)


def head_in_many_lines(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.send_for_ever(b"a:\r\n" * 1024)


def interim_answers(line: Line) -> None:
    line.send_for_ever(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 64)


def trailers(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n")
    line.send_for_ever(b"a: b\r\n" * 1024)


def head_of_a_redirect(line: Line) -> None:
    line.send(b"HTTP/1.1 302 Found\r\nLocation: /" + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n")


@pytest.mark.parametrize(
    "script",
    [head_in_one_line, head_in_many_lines, interim_answers, trailers, head_of_a_redirect],
)
def test_an_answers_head_stops_at_its_limit(
    bounded: Service, endless: EndlessOrigin, script: Any
) -> None:
    path = f"/{script.__name__}"
    code, detail = failure(bounded, endless.put(path, script))
    assert code == "bad-response"
    assert "header" in detail
    assert endless.sent(path) < IN_FLIGHT * len(endless.lines[path])
    assert peak_memory(bounded) < MEMORY


def test_a_redirects_link_has_the_bound_of_any_link(
    bounded: Service, endless: EndlessOrigin
) -> None:
    def script(line: Line) -> None:
        location = b"/" + b"a" * 600
        line.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")

    code, detail = failure(bounded, endless.put("/long-location", script))
    assert code == "redirects"
    assert "500" in detail


def test_redirects_in_a_row_are_counted(bounded: Service, endless: EndlessOrigin) -> None:
    steps = itertools.count()

    def script(line: Line) -> None:
        path = f"/step/{next(steps)}"
        endless.put(path, script)
        line.send(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n"
            b"Location: " + path.encode() + b"\r\n\r\n"
        )

    code, detail = failure(bounded, endless.put("/steps", script))
    assert code == "redirects"
    assert "3" in detail
    assert next(steps) == 4  # the first answer, and three that were followed


def test_tries_are_counted(bounded: Service, endless: EndlessOrigin) -> None:
    code, _ = failure(bounded, endless.put("/cut", lambda line: line.send(b"")))
    assert code == "bad-response"
    assert len(endless.lines["/cut"]) == 2


def test_a_files_whole_time_is_bounded(bounded: Service, endless: EndlessOrigin) -> None:
    gone = threading.Event()

    def drip(line: Line) -> None:
        # Fast enough for the watch over stalled transfers, and it would last for a day.
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        while not gone.wait(0.01):
            line.send(b"x" * 100)

    try:
        code, detail = failure(bounded, endless.put("/drip", drip))
    finally:
        gone.set()
    assert code == "timeout"
    assert "6 s" in detail


def test_sockets_to_origins_are_at_most_the_transfers(
    bounded: Service, endless: EndlessOrigin
) -> None:
    at_once = itertools.count()
    most = 0
    guard = threading.Lock()
    under_way = 0

    def script(line: Line) -> None:
        nonlocal most, under_way
        with guard:
            next(at_once)
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.02)
        with guard:
            under_way -= 1
        line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")

    bounded.completed(*[endless.put(f"/socket/{number}", script) for number in range(40)])
    assert next(at_once) == 40
    assert 1 < most <= 4


def bomb(coding: str, size: int) -> bytes:
    """Make a body that unpacks to that many zeros."""
    packer = zlib.compressobj(1, wbits=31 if coding == "gzip" else 15)
    packed = bytearray()
    for _ in range(size // len(PIECE)):
        packed += packer.compress(PIECE)
    return bytes(packed) + packer.flush()


@pytest.fixture(scope="module")
def suspicious(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a program that lets no body unpack to more than 20 times its size."""
    folder = tmp_path_factory.mktemp("suspicious")
    with Service(folder, MAX_UNPACK_RATIO="20", MIN_FREE_BYTES="0") as running:
        yield running.start()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_stops_at_its_ratio_with_little_memory(
    suspicious: Service, endless: EndlessOrigin, coding: str
) -> None:
    packed = bomb(coding, 2 * MEMORY)

    def script(line: Line) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}"
        line.send(head.encode() + b"\r\n\r\n" + packed)

    url = endless.put(f"/bomb-{coding}.jpg", script)
    code, detail = failure(suspicious, url)
    assert code == "too-large"
    assert "20 times" in detail
    assert peak_memory(suspicious) < MEMORY


def test_a_bomb_within_its_ratio_stops_at_the_files_limit(
    bounded: Service, endless: EndlessOrigin
) -> None:
    packed = gzip.compress(b"\0" * (MAX_FILE_BYTES + 1))

    def script(line: Line) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}"
        line.send(head.encode() + b"\r\n\r\n" + packed)

    code, detail = failure(bounded, endless.put("/small-bomb.jpg", script))
    assert code == "too-large"
    assert "4,000,000" in detail
