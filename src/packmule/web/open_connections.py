"""The server's open connections as the kernel sees them: how much each client has taken and sent.

Owns finding them, reading their counters and cutting them off. The HTTP server offers neither, and
while a client reads nothing it does not look at what the application wants either: so this goes by
the process's own sockets (proc(5), /proc/self/fd) and their counters (tcp(7), TCP_INFO), and leaves
the server to notice that a socket is shut down. Leaves which to cut to `connection_watch.py`.

Only sockets are ever duplicated: closing any descriptor of a file drops all locks of the process on
it (fcntl(2)), and without its locks SQLite loses what it has written
(https://www.sqlite.org/howtocorrupt.html 2.2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import struct
import termios
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/tcp.h, struct tcp_info: bytes that the client has acknowledged, and that it has sent.
_COUNTERS = struct.Struct("=QQ")
_COUNTERS_AT = 120
_TCP_INFO_BYTES = 256
_INT = struct.Struct("i")
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # socket(7), SO_LINGER


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """One connection to a client, whose address and port is `peer`.

    `unsent` bytes wait for the client to take them; it has taken `taken` so far and sent
    `received`. `descriptor` is the server's.
    """

    descriptor: int
    peer: tuple[str, int]
    unsent: int
    taken: int
    received: int


def open_connections(port: int) -> list[OpenConnection]:
    """List this process's connections from clients to a port of its own."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  # a path for each would be too slow
        with suppress(OSError), _duplicate(int(name)) as held:
            address = held.getsockname()
            if held.family in {socket.AF_INET, socket.AF_INET6} and address[1] == port:
                found.append(_seen(int(name), held))
    return found


def cut_off(connection: OpenConnection) -> bool:
    """End a connection at once, dropping what it has not taken; return False if it has ended.

    The server's next look at the socket finds it closed.
    """
    with suppress(OSError), _duplicate(connection.descriptor) as held:
        if held.getpeername()[:2] == connection.peer:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            held.shutdown(socket.SHUT_RDWR)
            return True
    return False


def kernel_counts() -> bool:
    """Return whether the kernel counts what a connection has taken; some sandboxes do not."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as client,
    ):
        server, _ = listening.accept()
        with server:
            server.sendall(b"x")
            client.recv(1)
            client.sendall(b"x")  # it carries the acknowledgement
            server.recv(1)
            try:
                return _seen(server.fileno(), server).taken > 0
            except struct.error:
                return False


@contextmanager
def _duplicate(descriptor: int) -> Iterator[socket.socket]:
    """Open a socket a second time, so that it stays the same one meanwhile. Raises OSError."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    # Where a file has just taken the number of a socket that was closed, this fails and the copy
    # stays open: a lost descriptor costs less than lost locks.
    with socket.socket(fileno=os.dup(descriptor)) as held:
        yield held


def _seen(descriptor: int, held: socket.socket) -> OpenConnection:
    host, port = held.getpeername()[:2]
    (unsent,) = _INT.unpack(fcntl.ioctl(held, termios.TIOCOUTQ, bytes(_INT.size)))
    info = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    taken, received = _COUNTERS.unpack_from(info, _COUNTERS_AT)
    return OpenConnection(descriptor, (host, port), unsent, taken, received)
