"""Framing: how servers mark where a response ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.raw_origin import DATE, Asked, RawOrigin, response
from tests.field.case import case

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Framing"
BODY = b"hello"


@case(
    kind=KIND,
    comes="a redirect without Content-Length on a connection that stays open",
    does="follows it at once; the connection is dropped",
    source="https://github.com/psf/requests/issues/6407",
)
def redirect_without_a_length(field: Field) -> None:
    def handler(asked: Asked, _: socket.socket) -> bytes:
        if asked.path == "/final.bin":
            return response(body=BODY)
        return f"HTTP/1.1 302 Found\r\n{DATE}\r\nLocation: /final.bin\r\n\r\n".encode()

    with RawOrigin(handler) as origin:
        # Waiting for a body would fail the source: it may take 5 s, and a stall takes 30.
        packed = field.pack(f"{origin.url}/a.bin", FILE_TIMEOUT="5s")
    assert list(packed.entries.values()) == [BODY], packed.report


@case(
    kind=KIND,
    comes="`Transfer-Encoding: identity` beside a Content-Length, then the end of the connection",
    does="takes the Content-Length",
    source="https://github.com/nodejs/node/issues/37580",
)
def transfer_encoding_identity(field: Field) -> None:
    def handler(_: Asked, connection: socket.socket) -> bool:
        connection.sendall(response(fields=["Transfer-Encoding: identity"], body=BODY))
        return False

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert packed.entries == {"a.bin": BODY}


@case(
    kind=KIND,
    comes="a status line that begins with `http/1.1` in lower case",
    does="reads it as browsers do",
    source="https://github.com/curl/curl/issues/11802",
)
def status_line_in_lower_case(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(body=BODY).replace(b"HTTP/1.1", b"http/1.1")

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
    assert packed.entries == {"a.bin": BODY}


@case(
    kind=KIND,
    comes="`Transfer-Encoding: identity` beside a Content-Length, on a connection that stays open",
    does="takes the Content-Length, and waits two seconds at most for more",
    source="https://github.com/hyperium/hyper/issues/2058 "
    "https://github.com/croservices/cro-http/issues/89",
)
def transfer_encoding_identity_on_a_kept_connection(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=["Transfer-Encoding: identity"], body=BODY)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", FILE_TIMEOUT="15s")
    assert packed.entries == {"a.bin": BODY}
    assert len(origin.seen) == 1


@case(
    kind=KIND,
    comes="a Content-Length that is no number: `-1`, `undefined`, nothing",
    does="asks again and takes the end of the connection for the end of the body, as browsers do",
    source="https://github.com/viezel/NappDownloadManager/issues/22 "
    "https://github.com/chef/chef/pull/4646",
)
def length_that_is_no_number(field: Field) -> None:
    def handler(asked: Asked, connection: socket.socket) -> bool:
        value = asked.path[1:].partition(".")[0]
        connection.sendall(response(fields=[f"Content-Length: {value}"], body=BODY, length=False))
        return False

    names = ("-1.bin", "undefined.bin", ".bin")
    with RawOrigin(handler) as origin:
        packed = field.pack(*(f"{origin.url}/{name}" for name in names))
    assert list(packed.entries.values()) == [BODY] * 3, packed.report
    assert sum(asked.fields.get("connection") == "close" for asked in origin.seen) == len(names)


@case(
    kind=KIND,
    comes="more bytes than Content-Length announces",
    does="takes what was announced, as browsers and curl do: what follows belongs to no answer",
    source="https://github.com/xroche/httrack/pull/424",
)
def more_than_was_announced(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(body=BODY) + b"more"

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin", f"{origin.url}/b.bin", TRANSFERS="1")
    assert packed.entries == {"a.bin": BODY, "b.bin": BODY}


@case(
    kind=KIND,
    comes="a 404 without a body or a Content-Length on a connection that stays open",
    does="fails after two seconds",
    source="https://github.com/kumaryu/peercaststation/pull/286",
)
def refusal_without_a_length(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response("404 Not Found", length=False)

    with RawOrigin(handler) as origin:
        # A stall would take 30 s.
        packed = field.pack(f"{origin.url}/a.bin", FILE_TIMEOUT="15s")
    assert packed.codes == ["http-status"]


@case(
    kind=KIND,
    comes="a head of 70 kB, and one of 340 kB (policies that grow with each request)",
    does="fails at once and names `PACKMULE_MAX_HEAD_BYTES`, with which the first is read",
    source="https://github.com/renatoathaydes/rawhttp/issues/60 "
    "https://github.com/snibox/snibox/issues/8",
)
def large_head(field: Field) -> None:
    def handler(asked: Asked, _: socket.socket) -> bytes:
        lines = 70 if asked.path == "/a.bin" else 340
        return response(fields=["Content-Security-Policy: " + "a" * 1000] * lines, body=BODY)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/a.bin")
        assert packed.codes == ["bad-response"]
        assert "PACKMULE_MAX_HEAD_BYTES" in packed.report["failures"][0]["detail"]
        more = field.pack(f"{origin.url}/a.bin", MAX_HEAD_BYTES="300 KiB")
        assert more.entries == {"a.bin": BODY}
        assert field.pack(f"{origin.url}/b.bin", MAX_HEAD_BYTES="300 KiB").codes == ["bad-response"]
