"""Bounds on how long an origin is waited for, and on what is left of the disk."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from tests.bounds.test_answers import failure
from tests.spec.service import PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bounds.endless import EndlessOrigin, Line


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give the running program, which waits for nobody long."""
    with Service(
        tmp_path_factory.mktemp("impatient"),
        CONNECT_TIMEOUT="0.5 s",
        FIRST_BYTE_TIMEOUT="1 s",
        STALL_TIMEOUT="1 s",
        ATTEMPTS="1",
    ) as running:
        yield running.start()


def test_a_host_that_does_not_connect_is_given_up(impatient: Service) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # With its queue full the kernel answers nobody any more.
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        code, _ = failure(impatient, f"http://127.0.0.1:{full.getsockname()[1]}/")
        for filler in fillers:
            filler.close()
    assert code == "timeout"


def test_a_host_that_does_not_answer_is_given_up(
    impatient: Service, endless: EndlessOrigin
) -> None:
    gone = threading.Event()

    def silent(_line: Line) -> None:
        gone.wait(PATIENCE)

    code, detail = failure(impatient, endless.put("/silent", silent))
    gone.set()
    assert code == "timeout"
    assert "1 s" in detail


def test_a_body_that_drips_is_given_up(impatient: Service, endless: EndlessOrigin) -> None:
    gone = threading.Event()

    def drip(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not gone.wait(0.05):
            line.send(b"x")

    code, detail = failure(impatient, endless.put("/dripping", drip))
    gone.set()
    assert code == "stalled"
    assert "1024" in detail
