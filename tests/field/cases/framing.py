"""Framing: how servers mark where a response ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.field.case import case
from tests.field.raw_origin import DATE, Asked, RawOrigin, response

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
