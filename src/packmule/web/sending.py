"""Sending an archive, or ranges of it, with little memory whatever its size.

Owns how bytes go from the storage to the server. A whole file of this machine is handed over by its
path (the ASGI extension `http.response.pathsend`) and never passes through Python. All else is read
in pieces that grow with the client's own speed, since the server may hold several of them for each
slow client.

The law: RFC 9110 14.4 (Content-Range), 14.6 (multipart/byteranges).
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import Receive, Scope, Send

    from packmule.storage.interface import Bytes, Reader

# A piece is what the client takes in a fiftieth of a second, within these bounds. Its speed counts
# from half a second on: what the buffers on the way swallow at first says nothing about it.
_LEAST_PIECE = 64 * 1024
_MOST_PIECE = 1024 * 1024
_PIECES_PER_SECOND = 50
_FIRST_SECONDS = 0.5

# Reads of downloads must not keep the API's own threads busy when the disk is slow.
_readers = anyio.CapacityLimiter(16)


class WholeFile(Response):
    """200: all of an archive."""

    def __init__(self, source: Bytes, size: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, 200, {**headers, "Content-Length": str(size)})
        self.source = source
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and, unless for HEAD, the file."""
        if scope["method"] == "HEAD":
            await _start(self, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif self.source.path and "http.response.pathsend" in scope.get("extensions", {}):
            await _start(self, send)
            await send({"type": "http.response.pathsend", "path": str(self.source.path)})
        else:
            await _stream(self, [range(self._size)], receive, send)


class FileParts(Response):
    """206: some ranges of an archive, several of them as multipart/byteranges."""

    def __init__(
        self,
        source: Bytes,
        size: int,
        ranges: tuple[range, ...],
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        self.source = source
        if len(ranges) == 1:
            self._pieces: list[bytes | range] = [ranges[0]]
            of_parts = {
                "Content-Type": media_type,
                "Content-Range": _content_range(ranges[0], size),
            }
        else:
            boundary = secrets.token_hex(16)
            self._pieces = list(_multipart(ranges, size, media_type, boundary))
            of_parts = {"Content-Type": f"multipart/byteranges; boundary={boundary}"}
        length = sum(len(piece) for piece in self._pieces)
        super().__init__(None, 206, {**headers, **of_parts, "Content-Length": str(length)})

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and the ranges; the method is GET, no other has ranges."""
        await _stream(self, self._pieces, receive, send)


def _content_range(part: range, size: int) -> str:
    return f"bytes {part.start}-{part.stop - 1}/{size}"


def _multipart(
    ranges: tuple[range, ...], size: int, media_type: str, boundary: str
) -> Iterator[bytes | range]:
    start = ""
    for part in ranges:
        yield (
            f"{start}--{boundary}\r\nContent-Type: {media_type}\r\n"
            f"Content-Range: {_content_range(part, size)}\r\n\r\n"
        ).encode("ascii")
        yield part
        start = "\r\n"
    yield f"\r\n--{boundary}--\r\n".encode("ascii")


async def _start(response: Response, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )


async def _stream(
    response: WholeFile | FileParts, pieces: list[bytes | range], receive: Receive, send: Send
) -> None:
    """Send bytes as they are and ranges from the storage, until the end or the client's."""
    reader = await to_thread.run_sync(response.source.open, limiter=_readers)
    try:
        async with anyio.create_task_group() as tasks:

            async def until_gone() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_gone)
            await _start(response, send)
            pace = _Pace()
            for piece in pieces:
                if isinstance(piece, bytes):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                else:
                    await _send_range(reader, piece, pace, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            tasks.cancel_scope.cancel()
    finally:
        reader.close()


async def _send_range(reader: Reader, part: range, pace: _Pace, send: Send) -> None:
    at = part.start
    while at < part.stop:
        body = await to_thread.run_sync(
            reader.read, range(at, part.stop), pace.piece(), limiter=_readers
        )
        if not body:
            raise OSError("the archive is shorter than it was when it was published")
        await send({"type": "http.response.body", "body": body, "more_body": True})
        pace.sent += len(body)
        at += len(body)


class _Pace:
    """How fast a client takes what it is sent."""

    def __init__(self) -> None:
        self.sent = 0
        self._since = time.monotonic()

    def piece(self) -> int:
        """Say how many bytes the next piece should have."""
        seconds = max(time.monotonic() - self._since, _FIRST_SECONDS)
        wanted = int(self.sent / seconds) // _PIECES_PER_SECOND
        return min(max(wanted, _LEAST_PIECE), _MOST_PIECE)
