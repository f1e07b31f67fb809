"""An origin that sends exactly what a case says, byte by byte.

Owns reading requests. What is answered, and whether the connection stays open, is the case's.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

DATE = "Date: Tue, 01 Jul 2025 10:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """A request: `path` with its query, `fields` by lower-case name, `number` from 1 on."""

    method: str
    path: str
    fields: dict[str, str]
    number: int

    def range_start(self) -> int | None:
        """Return where the asked range begins; None without a Range field."""
        value = self.fields.get("range")
        return None if value is None else int(value.removeprefix("bytes=").partition("-")[0])


def response(
    status: str = "200 OK",
    fields: Sequence[str] = (),
    body: bytes = b"",
    *,
    length: bool = True,
    date: bool = True,
) -> bytes:
    """Return a response as bytes; `length` adds Content-Length, `date` a Date."""
    head = [f"HTTP/1.1 {status}", *([DATE] if date else []), *fields]
    if length:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


if TYPE_CHECKING:
    # Returns what is sent, then keeps the connection; or sends by itself and returns whether to.
    Handler = Callable[[Asked, socket.socket], bytes | bool]


@contextlib.contextmanager
def each_on_its_host(answers: Iterable[bytes]) -> Iterator[list[str]]:
    """Answer with each of these bytes, then hang up, at a URL of its own; return the URLs.

    The hosts are addresses of the loopback network, so what one answer teaches the program about
    its host changes nothing for another.
    """

    def sending(answer: bytes) -> Handler:
        def send(_asked: Asked, connection: socket.socket) -> bool:
            connection.sendall(answer)
            return False

        return send

    with contextlib.ExitStack() as running:
        origins = [
            running.enter_context(RawOrigin(sending(answer), f"127.1.{n // 250}.{n % 250 + 1}"))
            for n, answer in enumerate(answers)
        ]
        yield [f"{origin.url}/{n}" for n, origin in enumerate(origins, 1)]


class RawOrigin:
    """Runs `handler` for each request; `url` is where, `seen` what was asked so far."""

    def __init__(
        self, handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.seen: list[Asked] = []
        self._handler = handler
        self._tls = tls
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A shutdown wakes the thread that accepts; closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            closing.enter_context(connection)
            while (asked := self._read(connection)) is not None:
                answer = self._handler(asked, connection)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                elif not answer:
                    connection.shutdown(socket.SHUT_WR)
                    return

    def _read(self, connection: socket.socket) -> Asked | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        first, *lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        method, path, _ = first.split(" ")
        with self._lock:
            asked = Asked(method, path, fields, len(self.seen) + 1)
            self.seen.append(asked)
        return asked
