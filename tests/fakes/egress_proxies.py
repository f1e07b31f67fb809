"""Real proxies on loopback as networks have them at their exit: HTTP and SOCKS5.

Owns the wire: HTTP requests in absolute form and CONNECT (RFC 9110 9.3.6), SOCKS5 (RFC 1928) with
and without a password (RFC 1929). A proxy notes each destination it was asked for, exactly as it
was named, and connects to where `leads` says, so that a name may lead anywhere without DNS.
"""

from __future__ import annotations

import base64
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl

Destination = tuple[str, int]
_PIECE = 64 * 1024
# With fields that would rename and cut the file if they were taken for the origin's.
_ESTABLISHED = (
    b"HTTP/1.1 200 Connection established\r\nContent-Encoding: gzip\r\n"
    b"Content-Disposition: attachment; filename=of-the-proxy.bin\r\n\r\n"
)


class EgressProxy:
    """What both kinds share: use one as a context.

    `leads` maps a destination to where it is; one it does not map is taken as it is. `answer` is
    what every request gets instead: the end of a status line from HTTP, a reply code from SOCKS5.
    """

    scheme = ""

    def __init__(
        self,
        *,
        leads: dict[Destination, Destination] | None = None,
        password: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        answer: str | int | None = None,
    ) -> None:
        self.leads = leads or {}
        self.password = password
        self.answer = answer
        self.asked: list[Destination] = []
        self.connections = 0
        self._tls = tls
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._server.getsockname()[1]

    def url(self, scheme: str | None = None, login: str = "") -> str:
        """Return the value for the setting."""
        return f"{scheme or self.scheme}://{login}{'@' if login else ''}127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self.connections += 1
                threading.Thread(target=self._begin, args=(near,), daemon=True).start()

    def _begin(self, near: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._tls is not None:
                near = self._tls.wrap_socket(near, server_side=True)
            with near:
                self._serve(near)

    def _serve(self, near: socket.socket) -> None:
        raise NotImplementedError

    def _connect(self, destination: Destination) -> socket.socket:
        """Note a destination and connect to it. Raises OSError."""
        self.asked.append(destination)
        return socket.create_connection(self.leads.get(destination, destination), 10)


def _relay(near: socket.socket, far: socket.socket) -> None:
    """Pass bytes on in both directions until both sides have ended."""

    def back() -> None:
        _copy(far, near)

    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    _copy(near, far)
    thread.join()
    far.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _head(near: socket.socket) -> bytes:
    """Read a head, up to and with its empty line. Raises ValueError at an early end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = near.recv(1)
        if not byte:
            raise ValueError
        head += byte
    return head


@dataclass(frozen=True)
class ForwardedRequest:
    """A request head as the proxy got it."""

    target: str
    fields: dict[str, str]


class HttpProxy(EgressProxy):
    """An HTTP proxy; `requests` are the heads as they came."""

    scheme = "http"

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.requests: list[ForwardedRequest] = []

    def _serve(self, near: socket.socket) -> None:
        while True:
            head = _head(near).decode("latin-1")
            first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            method, target, _ = first.split(" ")
            fields = {}
            for line in lines:
                name, _, value = line.partition(":")
                fields[name.lower()] = value.strip()
            self.requests.append(ForwardedRequest(target, fields))
            authority = target if method == "CONNECT" else target.split("/")[2]
            host, _, port = authority.rpartition(":") if ":" in authority else (authority, "", "80")
            destination = (host.strip("[]"), int(port))
            refusal = self._refusal(fields) or self.answer
            if refusal is not None:
                body = b"the proxy's own page"
                near.sendall(
                    f"HTTP/1.1 {refusal}\r\nContent-Length: {len(body)}\r\n"
                    f"Proxy-Authenticate: Basic realm=x\r\n\r\n".encode()
                    + body
                )
                continue
            try:
                far = self._connect(destination)
            except OSError:
                near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                continue
            if method == "CONNECT":
                near.sendall(_ESTABLISHED)
                _relay(near, far)
                return
            # In origin form, and one request a connection: what follows is only a copy.
            path = "/" + target.split("/", 3)[3]
            own = [line for line in lines if not line.lower().startswith(("proxy-", "connection"))]
            asked = "\r\n".join([f"{method} {path} HTTP/1.1", *own, "Connection: close"])
            with far:
                far.sendall(f"{asked}\r\n\r\n".encode("latin-1"))
                _copy(far, near)
            return

    def _refusal(self, fields: dict[str, str]) -> str | None:
        if self.password is None:
            return None
        wanted = base64.b64encode(":".join(self.password).encode()).decode()
        if fields.get("proxy-authorization") == f"Basic {wanted}":
            return None
        return "407 Proxy Authentication Required"


class Socks5Proxy(EgressProxy):
    """A SOCKS5 proxy."""

    scheme = "socks5"

    def _serve(self, near: socket.socket) -> None:
        _, count = _exactly(near, 2)
        methods = _exactly(near, count)
        wanted = 0 if self.password is None else 2
        if wanted not in methods:
            near.sendall(b"\x05\xff")
            return
        near.sendall(bytes([5, wanted]))
        if self.password is not None and not self._is_known(near):
            return
        _, _, _, kind = _exactly(near, 4)
        if kind == 3:
            host = _exactly(near, _exactly(near, 1)[0]).decode("ascii")
        else:
            host = str(ip_address(_exactly(near, 4 if kind == 1 else 16)))
        (port,) = struct.unpack(">H", _exactly(near, 2))
        reply, far = self.answer, None
        if reply is None:
            try:
                far = self._connect((host, port))
            except OSError:
                reply = 5  # connection refused
        near.sendall(bytes([5, int(reply or 0), 0, 1]) + bytes(6))
        if far is not None:
            _relay(near, far)

    def _is_known(self, near: socket.socket) -> bool:
        _, length = _exactly(near, 2)
        user = _exactly(near, length).decode()
        password = _exactly(near, _exactly(near, 1)[0]).decode()
        good = (user, password) == self.password
        near.sendall(b"\x01\x00" if good else b"\x01\x01")
        return good


def _exactly(near: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = near.recv(count - len(data))
        if not piece:
            raise ValueError
        data += piece
    return data
