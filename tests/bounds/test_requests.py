"""Bounds on what a client sends: body, time, nesting, links, head, URL, connections, long polls."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.bounds.conftest import (
    LONG_POLLS,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_URL_LENGTH,
    MAX_URLS,
)
from tests.bounds.test_answers import MEMORY, peak_memory
from tests.spec.service import PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bounds.endless import EndlessOrigin, Line

CREATE = "/api/archive/create"
HEAD = b"POST /api/archive/create HTTP/1.1\r\nHost: localhost\r\n"
IN_FLIGHT = 16 * 1024 * 1024
GIGABYTE = 10**9
LINK = "https://example.com/a"


@contextlib.contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    """Open a connection to the API."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        yield connection


def post(service: Service, head: bytes, piece: bytes, length: int) -> tuple[int, bytes]:
    """Send a head, then up to `length` bytes of body; give what went out and what came back."""
    answer = bytearray()
    answered = threading.Event()
    with connected(service) as connection:

        def read() -> None:
            with contextlib.suppress(OSError):
                while piece_back := connection.recv(65_536):
                    answer.extend(piece_back)
                    answered.set()
            answered.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        sent = 0
        connection.sendall(head)
        with contextlib.suppress(OSError):
            while sent < length and not answered.is_set():
                connection.sendall(piece)
                sent += len(piece)
        assert answered.wait(PATIENCE)
    reader.join(PATIENCE)
    return sent, bytes(answer)


def test_a_body_announced_too_large_is_cut_before_it_is_read(bounded: Service) -> None:
    head = HEAD + b"Content-Length: %d\r\n\r\n" % GIGABYTE
    sent, answer = post(bounded, head, b" " * 65_536, GIGABYTE)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"too-large"' in answer
    assert sent < IN_FLIGHT


def test_a_body_without_a_length_is_cut_at_the_limit(bounded: Service) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    sent, answer = post(bounded, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, GIGABYTE)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"too-large"' in answer
    assert sent < MAX_BODY_BYTES + IN_FLIGHT
    assert peak_memory(bounded) < MEMORY


def test_a_body_of_exactly_the_limit_is_read(bounded: Service) -> None:
    body = json.dumps({"urls": []}).encode()
    answer = bounded.client.post(CREATE, content=body.ljust(MAX_BODY_BYTES))
    assert answer.status_code == 422
    answer = bounded.client.post(CREATE, content=body.ljust(MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    # Whoever keeps connections must not send the next request on this one.
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"urls":' * 40_000 + b"1" + b"}" * 40_000,
        b'{"urls": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'{"nobody": ' + b'{"a":' * 40_000 + b"1" + b"}" * 40_000 + b"}",
    ],
    ids=["arrays", "objects", "within the links", "within an unknown field"],
)
def test_nesting_is_bounded(bounded: Service, body: bytes) -> None:
    answer = bounded.client.post(CREATE, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "not-json"
    assert bounded.client.get("/healthz").status_code == 200


def test_links_are_counted(bounded: Service) -> None:
    answer = bounded.client.post(CREATE, json={"urls": [LINK] * (MAX_URLS + 1)})
    assert answer.status_code == 422
    assert str(MAX_URLS) in answer.json()["errors"][0]["detail"]


def test_a_links_length_is_bounded(bounded: Service) -> None:
    link = f"{LINK}/".ljust(MAX_URL_LENGTH + 1, "a")
    answer = bounded.client.post(CREATE, json={"urls": [link]})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/urls/0"]
    assert str(MAX_URL_LENGTH) in answer.json()["errors"][0]["detail"]


def test_a_body_that_comes_too_slowly_is_given_up_and_stops_nobody(bounded: Service) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(bounded)) for _ in range(60)]
        for connection in slow:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        began = time.monotonic()
        assert bounded.client.get("/healthz").status_code == 200
        assert time.monotonic() - began < PATIENCE / 2
        for connection in slow:
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"timeout"' in answer or b'"timeout"' in connection.recv(65_536)


@pytest.mark.parametrize(
    "fields",
    [
        b"X-Long: " + b"a" * (MAX_HEAD_BYTES + 1) + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(MAX_HEAD_BYTES // 8)),
    ],
    ids=["one long field", "many fields"],
)
def test_a_requests_head_is_bounded(bounded: Service, fields: bytes) -> None:
    with connected(bounded) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")


def test_an_endless_head_is_cut(bounded: Service) -> None:
    head = b"GET /healthz HTTP/1.1\r\nX-Endless: "
    sent, answer = post(bounded, head, b"a" * 65_536, GIGABYTE)
    assert sent < IN_FLIGHT
    assert answer.startswith(b"HTTP/1.1 431 ") or not answer


def test_the_length_of_a_requests_url_is_bounded(bounded: Service) -> None:
    answer = bounded.client.get("/api/archive/status/" + "a" * 8200)
    assert answer.status_code == 414
    assert answer.json()["code"] == "url-too-long"


def test_long_polls_are_bounded_and_the_next_one_is_answered_at_once(
    bounded: Service, endless: EndlessOrigin
) -> None:
    go_on = threading.Event()

    def held(line: Line) -> None:
        go_on.wait(PATIENCE)
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")

    job = bounded.create(endless.put("/held", held))
    ask = b"GET /api/archive/status/%s?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n" % job.encode()
    beyond = 5
    try:
        with contextlib.ExitStack() as stack:
            asking = [stack.enter_context(connected(bounded)) for _ in range(LONG_POLLS + beyond)]
            for connection in asking:
                connection.sendall(ask)
            answered: set[socket.socket] = set()
            deadline = time.monotonic() + PATIENCE
            while len(answered) < beyond:
                assert time.monotonic() < deadline
                held_back = [each for each in asking if each not in answered]
                answered.update(select.select(held_back, [], [], 1.0)[0])
            assert len(answered) == beyond
            for connection in answered:
                assert b'"in-progress"' in connection.recv(65_536)
    finally:
        go_on.set()
    # Those that were held have hung up, and so made room.
    assert bounded.outcome(job)["status"] == "completed"


def test_connections_are_bounded_and_more_wait_for_their_turn(tmp_path: Path) -> None:
    with Service(tmp_path, CONNECTIONS="4", BODY_TIMEOUT="1 s") as service:
        service.start()
        service.client.close()  # its connection is one of the four
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(connected(service)) for _ in range(12)]
            for connection in idle:
                connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
            # All of them are answered in the end, but only four at a time.
            for connection in idle:
                assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")
                connection.close()
        assert time.monotonic() - began > 2.5
        with connected(service) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
