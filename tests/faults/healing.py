"""Faults of an origin that asking again mends: one function a case, named as in the table.

A function answers one request; `x.number` counts the requests before it. Leaves sockets to
`origin`, right answers to `objects`, what must come of it to the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.objects import Version, send, serve, serve_until, whole
from tests.faults.register import SCRIPTS, Objects, case

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.origin import Exchange


@case
def plain(x: Exchange, o: Objects) -> None:
    serve(x, o.a)


@case
def rst_mid(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.a)
    serve_until(x, o.a, o.cut)
    x.pause(0.05)  # an RST overtakes what is still on its way
    return x.reset()


@case
def close_mid(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.a)
    serve_until(x, o.a, o.cut)
    return x.close()


@case
def close_every_60k(x: Exchange, o: Objects) -> None:
    serve_until(x, o.a, (x.start or 0) + len(o.a.data) // 5)
    x.close()


@case
def norange(x: Exchange, o: Objects) -> None:
    whole(x, o.a)
    send(x, o.a, end=None if x.number else o.cut)
    x.close()


@case
def wrong_content_range(x: Exchange, o: Objects) -> None:
    if x.start is None:
        return norange(x, o)
    total = len(o.a.data)
    x.head(
        206, f"Content-Range: bytes 0-{total - 1}/{total}", f"Content-Length: {total}", *o.a.fields
    )
    return send(x, o.a)


@case
def r416(x: Exchange, o: Objects) -> None:
    if x.start is None:
        return norange(x, o)
    return x.head(416, "Content-Length: 0")


def _chunked(x: Exchange, of: Version, end: int | None = None) -> None:
    x.head(200, "Transfer-Encoding: chunked", *of.fields)
    view = memoryview(of.data)[:end]
    for at in range(0, len(view), 8192):
        piece = view[at : at + 8192]
        x.raw(b"%x\r\n" % len(piece))
        x.body(piece)
        x.raw(b"\r\n")
    if end is None:
        x.raw(b"0\r\n\r\n")


@case
def chunked(x: Exchange, o: Objects) -> None:
    _chunked(x, o.a)


@case
def chunked_trunc_first(x: Exchange, o: Objects) -> None:
    if x.number:
        return _chunked(x, o.a)
    return chunked_trunc_always(x, o)


@case
def chunked_trunc_always(x: Exchange, o: Objects) -> None:
    _chunked(x, o.a, o.cut)
    x.close()


@case
def close_delimited(x: Exchange, o: Objects) -> None:
    x.head(200, "Connection: close", *o.a.fields)
    send(x, o.a)
    x.close()


def _twice(status: int, *fields: str) -> Callable[[Exchange, Objects], None]:
    def script(x: Exchange, o: Objects) -> None:
        if x.number >= 2:
            return serve(x, o.a)
        x.head(status, "Content-Length: 5", *fields)
        return x.raw(b"later")

    return script


SCRIPTS |= {
    "s503": _twice(503, "Retry-After: 1"),
    "s429": _twice(429, "Retry-After: 1"),
    "s500": _twice(500),
    "s502": _twice(502),
    "s504": _twice(504),
    "s408": _twice(408),
}


@case
def s503_mid_resume(x: Exchange, o: Objects) -> None:
    if x.number in {1, 2}:
        return x.head(503, "Retry-After: 1", "Content-Length: 0")
    return close_mid(x, o)


@case
def redir3(x: Exchange, o: Objects) -> None:
    hops = x.target.count("/hop")
    if hops == 3:
        return serve(x, o.a)
    return x.head(302, f"Location: {x.target}/hop", "Content-Length: 0")


@case
def stall_first(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.a)
    serve_until(x, o.a, o.cut)
    return x.stall()


@case
def empty_reply(x: Exchange, o: Objects) -> None:
    if x.number < 2:
        x.close()
    serve(x, o.a)


@case
def rst_on_accept(x: Exchange, o: Objects) -> None:
    serve(x, o.a)


@case
def early_hints(x: Exchange, o: Objects) -> None:
    x.head(103, "Link: </style.css>; rel=preload", "Content-Length: 7")
    serve(x, o.a)


@case
def etag_changed(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.b)
    return close_mid(x, o)


@case
def etag_changed_no_ifrange(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.b, honour_if_range=False)
    return close_mid(x, o)


@case
def lastmod_changed(x: Exchange, o: Objects) -> None:
    etag_changed(x, o)


@case
def etag_changed_smaller(x: Exchange, o: Objects) -> None:
    if x.number:
        return serve(x, o.smaller)
    return close_mid(x, o)


@case
def zero(x: Exchange, o: Objects) -> None:
    serve(x, o.empty)


@case
def cl_too_large(x: Exchange, o: Objects) -> None:
    x.head(200, f"Content-Length: {len(o.a.data) * 4 // 3}", *o.a.fields)
    send(x, o.a)
    x.close()
