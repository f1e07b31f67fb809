"""Failures before the first byte: told at once with their cause, or waited for where that helps."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.raw_origin import Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.field.case import Field

KIND = "Early failures"
BODY = b"here it is"
PUBLIC = "public reports; no link kept"


def _failure(field: Field, link: str, **settings: str) -> dict[str, object]:
    packed = field.pack(link, **settings)
    assert len(packed.codes) == 1, packed.report
    failure: dict[str, object] = packed.report["failures"][0]
    return failure


@case(
    kind=KIND,
    comes="a host name that does not exist",
    does="fails after a second look-up",
    source=PUBLIC,
)
def unknown_host(field: Field) -> None:
    failure = _failure(field, "http://no-such-host.invalid/a.bin")
    assert failure["code"] == "dns"


@case(
    kind=KIND,
    comes="a refused connection",
    does="fails after a few seconds",
    source=PUBLIC,
    slow=True,
)
def refused_connection(field: Field) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = _failure(field, f"http://127.0.0.1:{port}/a.bin")
    assert failure["code"] == "connect"
    assert "refused" in str(failure["detail"])


@case(
    kind=KIND,
    comes="the first byte after 40 s",
    does="waits for it; the bound is `PACKMULE_FIRST_BYTE_TIMEOUT`",
    source=PUBLIC,
)
def late_first_byte(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        time.sleep(0.6)  # more than the stall timeout
        return response(body=BODY)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", STALL_TIMEOUT="0.3 s")
    assert packed.entries == {"a.bin": BODY}
    assert len(origin.seen) == 1


@case(
    kind=KIND,
    comes="`102 Processing` every few seconds, then the file",
    does="takes each as a sign of life",
    source="https://github.com/lysine-dev/okhttp/issues/2257",
)
def interim_responses(field: Field) -> None:
    def handler(_: Asked, connection: socket.socket) -> bytes:
        for _number in range(4):
            time.sleep(0.3)
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        return response(body=BODY)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", FIRST_BYTE_TIMEOUT="1 s")
    assert packed.entries == {"a.bin": BODY}
    assert len(origin.seen) == 1


@case(
    kind=KIND,
    comes="a certificate that is expired, for another host, self-signed, or without its issuer's",
    does="fails at once and names which, with the remedy",
    source=PUBLIC,
)
def certificates(field: Field) -> None:
    with _certificates() as folder:
        for name, words in (
            ("expired", "has expired"),
            ("other", "another host name"),
            ("alone", "self-signed"),
            ("orphan", "chain is incomplete"),
        ):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / f"{name}.pem", folder / "leaf.key")
            with RawOrigin(lambda *_: response(body=BODY), tls=context) as origin:
                failure = _failure(field, f"{origin.url}/a.bin", CA_FILE=str(folder / "ca.pem"))
            assert failure["code"] == "tls"
            assert words in str(failure["detail"]), failure


@case(
    kind=KIND,
    comes="plain HTTP behind an https link",
    does="fails at once and says to write http://",
    source="https://github.com/curl/curl/issues/912",
)
def plain_http_behind_https(field: Field) -> None:
    _tells(field, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "http://")


@case(
    kind=KIND,
    comes="a TLS alert: only outdated versions, or a host name that the host does not know",
    does="fails at once and says so",
    source="https://github.com/ArchiveTeam/ArchiveBot/pull/565",
)
def tls_alerts(field: Field) -> None:
    _tells(field, _alert(70), "outdated versions of TLS")
    _tells(field, _alert(112), "does not know this host name")
    _tells(field, _alert(40), "no form of TLS in common")


def _alert(number: int) -> bytes:
    """Return a fatal alert of TLS 1.2 (RFC 8446 6)."""
    return bytes([21, 3, 3, 0, 2, 2, number])


def _tells(field: Field, answer: bytes, words: str) -> None:
    """Answer a ClientHello so, and see what is told of it."""
    context = _Raw(answer)
    with RawOrigin(lambda *_: b"", tls=context) as origin:  # type: ignore[arg-type]
        failure = _failure(field, f"{origin.url}/a.bin")
    assert (failure["code"], context.handshakes) == ("tls", 1), failure
    assert words in str(failure["detail"]), failure


class _Raw:
    """Stands where a TLS context is wanted, and answers every handshake with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.handshakes = 0

    def wrap_socket(self, connection: socket.socket, *, server_side: bool) -> socket.socket:
        assert server_side
        self.handshakes += 1
        connection.recv(4096)
        connection.sendall(self._answer)
        connection.close()
        raise OSError


@contextlib.contextmanager
def _certificates() -> Iterator[Path]:
    """Make an authority and its certificates; all leaves have the key leaf.key."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        root = "-x509 -days 900 -addext basicConstraints=critical,CA:TRUE"
        for authority in ("ca", "gone"):
            _openssl(
                folder,
                f"{new} {root} -keyout {authority}.key -out {authority}.pem -subj /CN={authority}",
            )
        _openssl(folder, f"{new} -keyout leaf.key -out leaf.csr -subj /CN=leaf")
        (folder / "here").write_text("subjectAltName=IP:127.0.0.1\n")
        (folder / "there").write_text("subjectAltName=DNS:other.example\n")
        sign = "x509 -req -in leaf.csr -CAcreateserial -days"
        _openssl(folder, f"{sign} 9 -CA ca.pem -CAkey ca.key -extfile there -out other.pem")
        _openssl(folder, f"{sign} 9 -CA gone.pem -CAkey gone.key -extfile here -out orphan.pem")
        _openssl(
            folder, "x509 -req -in leaf.csr -signkey leaf.key -days 9 -extfile here -out alone.pem"
        )
        (folder / "index").touch()
        (folder / "serial").write_text("0A\n")
        (folder / "expired.cnf").write_text(
            "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        _openssl(
            folder,
            "ca -batch -config expired.cnf -cert ca.pem -keyfile ca.key -in leaf.csr "
            "-extfile here -startdate 20200101000000Z -enddate 20210101000000Z "
            "-notext -out expired.pem",
        )
        yield folder


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
