"""Content-Encoding: what servers claim, and what they send."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.field.case import case
from tests.field.raw_origin import Asked, RawOrigin, response

if TYPE_CHECKING:
    import socket

    from tests.field.case import Field

KIND = "Content-Encoding"
TARBALL = gzip.compress(b"x" * 50_000)


@case(
    kind=KIND,
    comes="`app.tar.gz` with `Content-Encoding: gzip`: the file's own coding, announced again",
    does="keeps the bytes as they were sent",
    source="public reports; no link kept",
)
def tarball_announced_as_gzip(field: Field) -> None:
    def handler(_: Asked, _socket: socket.socket) -> bytes:
        return response(fields=["Content-Encoding: gzip", 'ETag: "a"'], body=TARBALL)

    with RawOrigin(handler) as origin:
        packed = field.pack(f"{origin.url}/app.tar.gz")
    assert packed.entries == {"app.tar.gz": TARBALL}
