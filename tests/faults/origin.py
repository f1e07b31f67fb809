"""An origin that misbehaves on purpose, over real sockets on loopback.

Owns the sockets: one thread listens, one serves each connection, and a script decides what becomes
of each request. Leaves what is wrong with an answer to the scripts. Counts the body bytes that went
out, so that a test can tell what was asked for twice.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Script = Callable[["Exchange"], None]

_HEAD_BYTES = 65536


class Ended(Exception):
    """The script has ended the connection."""


@dataclass
class Exchange:
    """One request, and the means to answer it well or badly. `number` counts from 0."""

    origin: Origin
    socket: socket.socket
    number: int
    target: str
    fields: dict[str, str]

    @property
    def start(self) -> int | None:
        """Where the asked Range begins; None where the whole was asked for."""
        value = self.fields.get("range", "")
        return int(value.removeprefix("bytes=").removesuffix("-")) if value else None

    def raw(self, data: bytes) -> None:
        """Send bytes that are no body."""
        self.socket.sendall(data)

    def head(self, status: int, *lines: str) -> None:
        """Send a head."""
        text = "\r\n".join((f"HTTP/1.1 {status} Because", *lines, "", ""))
        self.socket.sendall(text.encode("latin-1"))

    def body(self, data: bytes | memoryview) -> None:
        """Send bytes of a body, and count them."""
        self.origin.count(len(data))
        self.socket.sendall(data)

    def close(self) -> None:
        """End the connection properly (FIN)."""
        raise Ended

    def reset(self) -> None:
        """End the connection at once (RST)."""
        reset(self.socket)
        raise Ended

    def stall(self) -> None:
        """Send nothing more until the other side gives up, or the origin ends."""
        self.pause(60.0)
        raise Ended

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the other side does."""
        self.socket.settimeout(seconds)
        try:
            if not self.socket.recv(1):
                raise Ended
        except TimeoutError:
            self.socket.settimeout(None)


def reset(connection: socket.socket) -> None:
    """Make closing this socket an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass
class Origin:
    """Serves every request by `script`. `refuse` connections at first are reset unread."""

    script: Script
    refuse: int = 0
    tls: ssl.SSLContext | None = None
    asked: list[tuple[str, int | None]] = field(default_factory=list)
    connections: int = 0
    body_bytes: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread that waits in `accept`.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def url(self, path: str = "/file.bin") -> str:
        """Give the link of a path here."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}{path}"

    def count(self, size: int) -> None:
        """Count bytes of a body."""
        with self._lock:
            self.body_bytes += size

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            if self.connections <= self.refuse:
                reset(connection)
                connection.close()
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            if self.tls is not None:
                secured = self.tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.discard(connection)
                    connection = secured
                    self._open.add(connection)
            self.converse(connection)
        except (Ended, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def converse(self, connection: socket.socket) -> None:
        """Serve one connection until either side ends it; here by HTTP/1.1."""
        while (exchange := self._read(connection)) is not None:
            self.script(exchange)

    def _read(self, connection: socket.socket) -> Exchange | None:
        """Read one request; None where no more comes."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = connection.recv(_HEAD_BYTES)
            if not piece:
                return None
            data += piece
        first, *lines = data.decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        with self._lock:
            target = first.split(" ")[1]
            number = sum(1 for known, _ in self.asked if known == target)
            exchange = Exchange(self, connection, number, target, fields)
            self.asked.append((target, exchange.start))
        return exchange
