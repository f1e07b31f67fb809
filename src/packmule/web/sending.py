"""Sending an archive, or ranges of it, with little memory whatever its size.

Owns how bytes get from storage to the server. While few responses are under way, pieces are large
and the next one is read while the last is sent: measured, the fastest way here. The server may
buffer several pieces for each slow client; so among many responses a piece is no larger than the
client's own speed earns it, and a whole local file is passed on by its path (the ASGI extension
`http.response.pathsend`) without going through Python, as long as not too many are
(`path_sends.py`). If the file is held open, as much of its
beginning as is cached in memory is sent without a thread (`storage/page_cache_read.py`).

Follows RFC 9110 14.4 (Content-Range) and 14.6 (multipart/byteranges).
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from starlette.responses import Response

from packmule.web.path_sends import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import Receive, Scope, Send

    from packmule.storage.interface import Bytes, Reader
    from packmule.storage.page_cache_read import OpenFile

# A piece is what the client takes in a fiftieth of a second, within these bounds. Its speed counts
# from half a second on: what the buffers on the way swallow at first says nothing about it.
_LEAST_PIECE = 64 * 1024
_MOST_PIECE = 2 * 1024 * 1024
_PIECES_PER_SECOND = 50
_FIRST_SECONDS = 0.5

# So many bytes have the pieces of all answers under way together, until each has the least. A
# client that does not read costs several pieces: one is read ahead, one on its way to the server,
# and the server holds three or four.
_PIECES_OF_ALL = 4 * 1024 * 1024

# So many answers at once have large pieces whatever their clients' speed, within that bound.
_FEW = 8
_PIECE_OF_FEW = 1024 * 1024

# Reads of downloads must not keep the API's own threads busy when the disk is slow.
_readers = anyio.CapacityLimiter(16)

_under_way: set[object] = set()

# Used and done with between two turns of the event loop, so one serves all.
_buffer = bytearray(_PIECE_OF_FEW)


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """Where an archive's bytes are; `file` too if it is held open at the moment."""

    bytes: Bytes
    file: OpenFile | None = None


@contextmanager
def _counted() -> Iterator[None]:
    """Count a response as under way."""
    answer = object()
    _under_way.add(answer)
    try:
        yield
    finally:
        _under_way.remove(answer)


class WholeFile(Response):
    """200: all of an archive."""

    def __init__(self, source: ArchiveSource, size: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, 200, {**headers, "Content-Length": str(size)})
        self.source = source
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and, unless for HEAD, the file."""
        if scope["method"] == "HEAD":
            await _start(self, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif self._may_be_handed_over(scope):
            await _start(self, send)
            await send({"type": EXTENSION, "path": str(self.source.bytes.path)})
        else:
            await _stream(self, [range(self._size)], receive, send)

    def _may_be_handed_over(self, scope: Scope) -> bool:
        able = EXTENSION in scope.get("extensions", {})
        return able and self.source.bytes.path is not None and len(_under_way) >= _FEW


class FileParts(Response):
    """206: some ranges of an archive, several of them as multipart/byteranges."""

    def __init__(
        self,
        source: ArchiveSource,
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
    """Send literal bytes and ranges from storage until the end, or until the client has gone."""
    with _counted():
        reading = _Reading(response.source, pieces)
        body = reading.at_hand()
        try:
            if not reading.is_over:
                # Opened before anything is promised. One turn of a thread costs as much as reading
                # 256 KiB does: so there is one for both.
                body = await to_thread.run_sync(reading.begin, body, limiter=_readers)
            if reading.is_over:
                await _start(response, send)
                await send({"type": "http.response.body", "body": body, "more_body": False})
            else:
                await _send_all(response, reading, body, receive, send)
        finally:
            reading.close()


async def _send_all(
    response: WholeFile | FileParts, reading: _Reading, first: bytes, receive: Receive, send: Send
) -> None:
    # Without a buffer: what is read ahead is the one piece that waits to be taken.
    giving, taking = anyio.create_memory_object_stream[bytes](0)

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    async def read() -> None:
        async with giving:
            await giving.send(first)
            while not reading.is_over:
                # A thread that reads is waited for, whoever is gone: its file stays open so long.
                await giving.send(await to_thread.run_sync(reading.next, limiter=_readers))

    async with taking, anyio.create_task_group() as tasks:
        tasks.start_soon(until_gone)
        tasks.start_soon(read)
        await _start(response, send)
        async for body in taking:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            reading.pace.sent += len(body)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        tasks.cancel_scope.cancel()


class _Reading:
    """The rest of a response, and the reader it comes from."""

    def __init__(self, source: ArchiveSource, pieces: list[bytes | range]) -> None:
        self.pace = _Pace()
        self._source = source
        self._left = pieces[::-1]
        self._reader: Reader | None = None

    @property
    def is_over(self) -> bool:
        """Return whether everything was read."""
        return not self._left

    def at_hand(self) -> bytes:
        """Return as much of the beginning as can be read without waiting, maybe nothing."""
        piece, file = self._left[-1], self._source.file
        if isinstance(piece, bytes):
            return self._take(piece)
        if file is None:
            return b""
        return self._take(file.read(piece[: self.pace.piece()], _buffer))

    def begin(self, body: bytes) -> bytes:
        """Open the reader; read the beginning, unless it is there."""
        self._reader = self._source.bytes.open()
        return body or self.next()

    def next(self) -> bytes:
        """Return the next bytes."""
        piece = self._left[-1]
        if isinstance(piece, bytes):
            return self._take(piece)
        assert self._reader is not None  # noqa: S101 - opened by begin
        body = self._reader.read(piece, self.pace.piece())
        if not body:
            raise OSError("the archive is shorter than it was when it was published")
        return self._take(body)

    def _take(self, body: bytes) -> bytes:
        """Remove what was read from the rest."""
        piece = self._left.pop() if body else b""
        if len(body) < len(piece):
            self._left.append(piece[len(body) :])
        return body

    def close(self) -> None:
        """Close the reader."""
        if self._reader is not None:
            self._reader.close()


class _Pace:
    """How fast a client receives."""

    def __init__(self) -> None:
        self.sent = 0
        self._since = time.monotonic()

    def piece(self) -> int:
        """Return how many bytes the next piece should have."""
        seconds = max(time.monotonic() - self._since, _FIRST_SECONDS)
        wanted = int(self.sent / seconds) // _PIECES_PER_SECOND
        among = len(_under_way)
        share = _PIECES_OF_ALL // among
        least = min(_PIECE_OF_FEW, share) if among <= _FEW else _LEAST_PIECE
        return max(min(wanted, _MOST_PIECE, share), least)
