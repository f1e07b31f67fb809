"""An origin without bounds: each path is a script that writes what it likes, and is counted.

Owns the sockets and the count of bytes that went into them. What lies in the kernel's buffers of
both ends is counted as sent: `IN_FLIGHT` is the room for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

IN_FLIGHT = 16 * 1024 * 1024
"""Bytes that may have left the script before the other end's hanging up is noticed."""

_BUFFER = 256 * 1024


class Line:
    """One connection whose request has been read; `sent` counts what was written to it."""

    def __init__(self, connection: socket.socket, request: bytes) -> None:
        self._connection = connection
        self.request = request
        self.sent = 0

    def send(self, piece: bytes) -> None:
        """Write; raises OSError once the other end has hung up."""
        self._connection.sendall(piece)
        self.sent += len(piece)

    def send_for_ever(self, piece: bytes) -> None:
        """Write until the other end hangs up."""
        while True:
            self.send(piece)


class EndlessOrigin:
    """The origin; use it as a context."""

    def __init__(self) -> None:
        self.scripts: dict[str, Callable[[Line], None]] = {}
        self.lines: dict[str, list[Line]] = {}
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def put(self, path: str, script: Callable[[Line], None]) -> str:
        """Have a path answered by a script, and give its URL."""
        self.scripts[path] = script
        return f"http://127.0.0.1:{self.port}{path}"

    def sent(self, path: str) -> int:
        """Count the bytes that were sent for a path, over all its connections."""
        return sum(line.sent for line in self.lines.get(path, ()))

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            # Small buffers, so that what was sent is nearly what was taken.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65_536)
                if not piece:
                    break
                request += piece
            if request:
                path = request.split(b" ")[1].decode()
                line = Line(connection, request)
                self.lines.setdefault(path, []).append(line)
                self.scripts[path](line)
        self._open.discard(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
