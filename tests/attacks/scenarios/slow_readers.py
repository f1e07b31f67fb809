"""Clients that hold connections: they do not read, do not finish a request, or do nothing."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.attacks.stage import attack
from tests.spec.service import until

if TYPE_CHECKING:
    from tests.attacks.stage import Stage
    from tests.spec.service import Service

ARCHIVE_BYTES = 12_000_000
"""More than the kernel's buffers of a connection hold."""

HOST = b"Host: localhost\r\n"
BODY = b"POST /api/archive/create HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n{"
DOWNLOAD = b"GET /archive/get/%s.zip HTTP/1.1\r\n" + HOST
SLOW_SECONDS = 3.0
SLOW_BUFFER = 200_000
PATIENCE = 60.0


def requests(archive_hash: str) -> list[bytes]:
    """List what clients send that then do nothing more."""
    download = DOWNLOAD % archive_hash.encode()
    return [
        download + b"\r\n",
        download + b"Range: bytes=1-\r\n\r\n",
        download + b"Range: bytes=0-5000000,6000000-\r\n\r\n",
        b"",
        b"GET / HTTP/1.1\r\n" + HOST,
        BODY,
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
        (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 20,
    ]


def connected(service: Service, request: bytes, *, buffer: int = 4096) -> socket.socket:
    """Send a request on a connection whose kernel takes little by itself."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", service.port))
    connection.sendall(request)
    return connection


def is_cut_off(connection: socket.socket, seconds: float) -> bool:
    """Wait until a connection has been reset, without reading; return whether it was."""
    poll = select.poll()
    poll.register(connection, 0)  # POLLHUP and POLLERR come anyway
    return bool(poll.poll(int(seconds * 1000)))


@attack("more clients than connections, and none of them reads or finishes", full=1_200, small=72)
def crowd(stage: Stage, size: int) -> None:
    connections = size * 8 // 9
    with (
        stage.origin() as origin,
        stage.service(CONNECTIONS=str(connections)) as service,
        ExitStack() as held,
    ):
        archive_hash = service.completed(
            origin.put("/big", b"x" * ARCHIVE_BYTES), compression="store"
        )
        kinds = requests(archive_hash)
        for number in range(size):
            held.enter_context(connected(service, kinds[number % len(kinds)]))
        service.client.close()
        with connected(service, b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") as honest:
            assert honest.recv(1000).startswith(b"HTTP/1.1 200")
        # It is said after the last of them has been cut off, and the first makes room.
        until(lambda: "connections ran short" in service.log, "it is said")


@attack("clients that read nothing, or a byte now and then")
def silent_readers(stage: Stage, _size: int) -> None:
    with (
        stage.origin() as origin,
        stage.service(SEND_TIMEOUT="2 s") as service,
        ExitStack() as held,
    ):
        archive_hash = service.completed(
            origin.put("/big", b"x" * ARCHIVE_BYTES), compression="store"
        )
        kinds = requests(archive_hash)
        silent = [held.enter_context(connected(service, kind)) for kind in kinds[:3]]
        dripping = held.enter_context(connected(service, kinds[0]))
        slow = held.enter_context(connected(service, kinds[0], buffer=SLOW_BUFFER))
        taken, began = 0, time.monotonic()
        while time.monotonic() < began + SLOW_SECONDS:
            taken += len(slow.recv(20_000))
            if not is_cut_off(dripping, 0):
                dripping.recv(1)
            time.sleep(0.05)
        # A client that reads slowly but steadily gets everything.
        while piece := slow.recv(1_000_000):
            taken += len(piece)
            if taken > ARCHIVE_BYTES:
                break
        assert taken > ARCHIVE_BYTES, taken
        assert all(is_cut_off(each, PATIENCE) for each in (*silent, dripping))
