"""Faults of an origin that no asking mends, and answers that must not be believed.

One function a case, named as in the table, as in `healing`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tests.faults.healing import close_mid, norange
from tests.faults.objects import send, serve_until, whole
from tests.faults.register import SCRIPTS, Objects, case

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.origin import Exchange

_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has '
    b"expired</Message><X-Amz-Expires>300</X-Amz-Expires></Error>"
)
_PAGE = b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>"


def _always(status: int, page: bytes, *fields: str) -> Callable[[Exchange, Objects], None]:
    def script(x: Exchange, _: Objects) -> None:
        x.head(status, f"Content-Length: {len(page)}", *fields)
        x.raw(page)

    return script


_expired = _always(403, _XML, "Content-Type: application/xml")
SCRIPTS |= {
    "s404": _always(404, b"not here"),
    "s410": _always(410, b"gone"),
    "s403xml": _expired,
}


@case
def s403_on_resume(x: Exchange, o: Objects) -> None:
    if x.number:
        return _expired(x, o)
    return close_mid(x, o)


@case
def html_on_resume(x: Exchange, o: Objects) -> None:
    if x.number:
        return _always(200, _PAGE, "Content-Type: text/html; charset=utf-8")(x, o)
    return close_mid(x, o)


@case
def redir_loop(x: Exchange, _: Objects) -> None:
    x.head(302, f"Location: {x.target}", "Content-Length: 0")


@case
def stall_always(x: Exchange, o: Objects) -> None:
    serve_until(x, o.a, o.cut)
    x.stall()


@case
def drip(x: Exchange, o: Objects) -> None:
    whole(x, o.a)
    for at in range(len(o.a.data)):
        x.body(o.a.data[at : at + 1])
        x.pause(0.1)


@case
def slow_headers(x: Exchange, _: Objects) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 1000:
        x.raw(bytes([byte]))
        x.pause(0.1)
    x.close()


@case
def garbage(x: Exchange, o: Objects) -> None:
    x.raw(o.b.data[:2000])
    x.close()


@case
def infinite(x: Exchange, _: Objects) -> None:
    x.head(200, "Transfer-Encoding: chunked")
    zeros = bytes(65536)
    while True:
        x.raw(b"10000\r\n")
        x.body(zeros)
        x.raw(b"\r\n")


@case
def dup_cl(x: Exchange, o: Objects) -> None:
    x.head(200, f"Content-Length: {o.cut}", f"Content-Length: {len(o.a.data)}", *o.a.fields)
    send(x, o.a)
    x.close()


@case
def unsolicited_206(x: Exchange, o: Objects) -> None:
    total = len(o.a.data)
    x.head(
        206, f"Content-Range: bytes 0-{o.cut - 1}/{total}", f"Content-Length: {o.cut}", *o.a.fields
    )
    send(x, o.a, end=o.cut)


@case
def gzip_trunc(x: Exchange, o: Objects) -> None:
    packed = _gzipped(o.a.data)[: o.cut]
    x.head(200, "Content-Encoding: gzip", f"Content-Length: {len(packed)}", *o.a.fields)
    x.body(packed)


@case
def gzip_unasked(x: Exchange, o: Objects) -> None:
    packed = _gzipped(o.a.data)
    x.head(200, "Content-Encoding: gzip", f"Content-Length: {len(packed)}", *o.a.fields)
    x.body(packed)


def _gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


@case
def huge_header(x: Exchange, o: Objects) -> None:
    x.head(200, f"X-Huge: {'x' * 2_000_000}", f"Content-Length: {len(o.a.data)}", *o.a.fields)
    send(x, o.a)


@case
def many_headers(x: Exchange, o: Objects) -> None:
    many = (f"X-Many-{number}: x" for number in range(20_000))
    x.head(200, *many, f"Content-Length: {len(o.a.data)}", *o.a.fields)
    send(x, o.a)


@case
def bad_cl(x: Exchange, o: Objects) -> None:
    x.head(200, "Content-Length: -5", *o.a.fields)
    send(x, o.a)
    x.close()


@case
def multipart_206(x: Exchange, o: Objects) -> None:
    if x.start is None:
        return norange(x, o)
    total, mark = len(o.a.data), b"\r\n--mark"
    part = f"\r\nContent-Range: bytes {x.start}-{total - 1}/{total}\r\n\r\n".encode()
    page = mark + part + o.a.data[x.start :] + mark + b"--\r\n"
    fields = "Content-Type: multipart/byteranges; boundary=mark", f"Content-Length: {len(page)}"
    x.head(206, *fields, f"ETag: {o.a.etag}")
    return x.body(page)


@case
def total_changed_206(x: Exchange, o: Objects) -> None:
    if x.start is None:
        return norange(x, o)
    end = len(o.a.data) + 1000
    fields = f"Content-Range: bytes {x.start}-{end - 1}/{end}", f"Content-Length: {end - x.start}"
    x.head(206, *fields, *o.a.fields)
    return x.body(o.a.data[x.start :] + bytes(1000))
