"""An origin that answers at every address of a machine, and notes who was asked where.

Owns the sockets: HTTP and HTTPS, IPv4 and IPv6, each on one port. It stands for the public site
that may be reached and, at every other address, for the canary that must not be: which address a
connection was made to is noted as it is accepted. Leaves what is answered to a script.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_HEAD_BYTES = 65536
_HANDSHAKE = b"\x16"  # RFC 8446 5.1
BODY = b"what is public\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `number` counts those before it, `address` and `port` are our side's."""

    number: int
    address: str
    port: int
    target: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent; `cut` ends the connection after so many bytes of the body, `hint` goes before.

    `hint` is a field of an interim answer (RFC 8297).
    """

    status: int = 200
    fields: tuple[str, ...] = ()
    body: bytes = BODY
    cut: int | None = None
    hint: str | None = None


def always(_asked: Asked) -> Answer:
    """Answer well."""
    return Answer()


@dataclass
class Everywhere:
    """Listens at every address, on `port` and, with `tls`, on `tls_port`; 0 is any free port."""

    port: int = 0
    tls_port: int = 0
    tls: ssl.SSLContext | None = None
    script: Callable[[Asked], Answer] = always
    connected: list[tuple[str, int]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._listeners = [*_listen(self.port)]
        self.port = self._listeners[0].getsockname()[1]
        self._secured: set[socket.socket] = set()
        if self.tls is not None:
            self._secured = {*_listen(self.tls_port)}
            self._listeners += self._secured
            self.tls_port = next(iter(self._secured)).getsockname()[1]
        for listener in self._listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            with suppress(OSError):  # closing alone would not wake the thread in `accept`
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def forget(self, script: Callable[[Asked], Answer] = always) -> None:
        """Begin a new case."""
        with self._lock:
            self.connected, self.asked, self.script = [], [], script

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            name = connection.getsockname()
            where = plain(name[0]), name[1]
            with self._lock:
                self.connected.append(where)
            secured = listener in self._secured
            threading.Thread(
                target=self._serve, args=(connection, where), kwargs={"tls": secured}, daemon=True
            ).start()

    def _serve(self, connection: socket.socket, where: tuple[str, int], *, tls: bool) -> None:
        with suppress(OSError), connection:
            first = connection.recv(1, socket.MSG_PEEK)
            if tls and self.tls is not None and first == _HANDSHAKE:  # a link may say http to 443
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while self._exchange(connection, where):
                    pass

    def _exchange(self, connection: socket.socket, where: tuple[str, int]) -> bool:
        """Answer one request; False where the connection ends."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = connection.recv(_HEAD_BYTES)
            if not piece:
                return False
            data += piece
        first, *lines = data.decode("latin-1").split("\r\n")
        parted = (line.partition(":") for line in lines if line)
        fields = {name.lower(): value.strip() for name, _, value in parted}
        with self._lock:
            asked = Asked(len(self.asked), *where, first.split(" ")[1], fields)
            self.asked.append(asked)
        answer = self.script(asked)
        length = () if answer.status == 206 else (f"Content-Length: {len(answer.body)}",)
        head = [f"HTTP/1.1 {answer.status} Said", *length, *answer.fields, "", ""]
        if answer.hint is not None:
            head = ["HTTP/1.1 103 Early Hints", answer.hint, "", *head]
        connection.sendall("\r\n".join(head).encode("latin-1") + answer.body[: answer.cut])
        return answer.cut is None


def _listen(port: int) -> Iterable[socket.socket]:
    """Listen on one port at all IPv4 and at all IPv6 addresses."""
    four = socket.create_server(("0.0.0.0", port), backlog=512)
    yield four
    six = socket.socket(socket.AF_INET6)
    six.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    six.bind(("::", four.getsockname()[1]))
    six.listen(512)
    yield six


def plain(address: str) -> str:
    """Write an address in its one short form; a mapped one is what the kernel connects to."""
    read = ip_address(address.partition("%")[0])
    return str(getattr(read, "ipv4_mapped", None) or read)


def certificate(folder: Path, names: Iterable[str], label: str = "tests") -> Path:
    """Make a certificate for these hosts and addresses, its own authority; its key lies with it."""
    made = folder / f"{label}.pem"
    alternatives = ",".join(
        f"IP:{name}" if ":" in name or name.replace(".", "").isdigit() else f"DNS:{name}"
        for name in sorted(set(names))
    )
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={label}", "-addext",
         f"subjectAltName={alternatives}", "-keyout", made, "-out", f"{made}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    with made.open("ab") as whole:
        whole.write(made.with_name(f"{made.name}.crt").read_bytes())
    return made


def served_by(whole: Path) -> ssl.SSLContext:
    """Give the server's side of a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    return context
