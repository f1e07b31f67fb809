r"""A body that is deflated while it comes: cut in chunks, each made by itself, joined in order.

Owns the cutting, the joining and where the result waits: in memory while it is short, then in a
spool. Leaves threads to `compress_pool`, the making of a chunk to `compression`.

    body      |-- chunk --|-- chunk --|-- ch           cut at the same bytes however it comes
                    |   \32 KiB/  |
    made      [deflate+flush][deflate+flush] ...       in any order, by any thread
    joined    one stream of deflate, its CRC-32 combined; its length is known at the end

Two threads meet here, under a lock: the transfer loop's cuts, a compress thread's joins.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32, crc32_combine

from packmule.assembly.compression import (
    CHUNK_BYTES,
    LEAST_BYTES,
    WINDOW_BYTES,
    deflate,
    deflate_chunk,
    is_worth_it,
    looks_random,
)
from packmule.assembly.sinks.protocol import Deflated, InMemory, InSpool, overflow, too_large

if TYPE_CHECKING:
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.compress_pool import CompressPool
    from packmule.assembly.disk.disk_file import DiskFile
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.sinks.protocol import OnWhole
    from packmule.jobs.model import Compression

# Beyond it what was made goes to a spool: so many bytes a transfer, at most, are held in memory.
JOINED_BYTES = 512 * 1024
# To hand over a body as short as that costs more than to deflate it.
_AT_ONCE_BYTES = 4 * 1024


class DeflatedSink:
    """Takes a body of `size` bytes, or of an unknown number up to `limit`.

    `on_whole` may be called by any thread.
    """

    __slots__ = (
        "_before", "_buffer", "_compress_pool", "_counted", "_cut", "_joining", "_limit",
        "_scratch", "_size",
    )  # fmt: skip

    def __init__(
        self,
        scratch: ScratchFile,
        compress_pool: CompressPool,
        size: int | None,
        limit: int,
        on_whole: OnWhole,
        *,
        digest: BodyDigest | None = None,
    ) -> None:
        self._scratch = scratch
        self._compress_pool = compress_pool
        self._size = size
        self._limit = limit
        self._buffer = bytearray()
        self._counted = 0
        self._before = b""
        self._cut = 0
        self._joining = Joining(scratch, on_whole, digest)

    @property
    def kept(self) -> int:
        """Bytes held."""
        return self._cut + len(self._buffer)

    def write(self, view: memoryview) -> bool:
        """Take bytes (less than a chunk), or say that there is no room for them now."""
        room = CHUNK_BYTES - len(self._buffer)
        kept = self.kept + len(view)
        if self._size is not None and kept > self._size:
            raise overflow(self._size)
        if kept > self._limit:
            raise too_large(self._limit)
        if len(view) <= room:
            # A full chunk waits for what follows: the last of all is made otherwise.
            self._buffer += view
            return False
        if not self._compress_pool.has_room():
            return True
        self._buffer += view[:room]
        self._send(last=False)
        self._buffer += view[room:]
        return False

    def _send(self, *, last: bool) -> None:
        """Submit a chunk made of what is in the buffer."""
        body, before, joining = bytes(self._buffer), self._before, self._joining
        self._buffer = bytearray()
        self._before = body[-WINDOW_BYTES:]
        self._cut += len(body)
        chunk = Chunk(len(body), last, body if joining.digest is not None else b"")
        joining.expect(chunk)

        def make() -> None:
            if not joining.cancelled:
                chunk.crc = crc32(body)
                chunk.made = deflate_chunk(body, before, last=last)
                joining.join()

        self._compress_pool.submit(self._scratch, len(body), self._scratch.guarded(make))

    def tail(self, length: int) -> bytes:
        """Return the last bytes: those of the chunk before are held for the next one."""
        return (self._before + self._buffer)[-length:]

    def rest(self) -> None:
        """Between two tries: keep what is not yet a chunk only while there is memory for it."""
        self.wake()
        if self._buffer and self._scratch.pool.may_rest(CHUNK_BYTES):
            self._counted = CHUNK_BYTES
        else:
            self._buffer = bytearray()

    def wake(self) -> None:
        """Another try begins."""
        self._scratch.pool.resting_bytes -= self._counted
        self._counted = 0

    def finish(self) -> None:
        """Hand the whole body on, as soon as it is made."""
        self.wake()
        self._send(last=True)

    def discard(self) -> None:
        """Discard everything."""
        self.wake()
        self._buffer = bytearray()
        self._joining.cancelled = True
        # Not here: a compress thread may be about to write to the spool.
        self._compress_pool.submit(self._scratch, 0, self._joining.drop)


@dataclass(slots=True)
class Chunk:
    """A chunk of `size` bytes on its way: what was made of it, once it was.

    `body` has those bytes where they are to be digested.
    """

    size: int
    last: bool
    body: bytes = b""
    crc: int = 0
    made: bytes | None = None


class Joining:
    """What was made of one body so far, joined in order; `digest` is fed with what it was."""

    def __init__(
        self, scratch: ScratchFile, on_whole: OnWhole, digest: BodyDigest | None = None
    ) -> None:
        self.cancelled = False
        self.digest = digest
        self._scratch = scratch
        self._on_whole = on_whole
        self._lock = threading.Lock()
        self._expected: deque[Chunk] = deque()
        self._pieces: list[bytes] = []
        self._spool: DiskFile | None = None
        self._spooled = self._length = self._size = self._crc = 0

    def expect(self, chunk: Chunk) -> None:
        """Record which chunk comes next."""
        with self._lock:
            self._expected.append(chunk)

    def join(self) -> None:
        """Join what is there in order; hand it on where it is whole. A compress thread's."""
        with self._lock:
            while self._expected and (made := self._expected[0].made) is not None:
                if self.cancelled:
                    return
                chunk = self._expected.popleft()
                self._add(chunk, made)
                if chunk.last:
                    self._hand_on()

    def _add(self, chunk: Chunk, made: bytes) -> None:
        if self.digest is not None:
            self.digest.take(chunk.body, chunk.size, self._size)
        self._crc = crc32_combine(self._crc, chunk.crc, chunk.size)
        self._size += chunk.size
        self._length += len(made)
        self._pieces.append(made)
        held = self._length - self._spooled
        if self._spool is None and self._length > JOINED_BYTES:
            self._spool = self._scratch.open_spool()
        if self._spool is not None and (held >= CHUNK_BYTES or chunk.last):
            self._spool.write(b"".join(self._pieces), self._spooled)
            self._spooled = self._length
            self._pieces.clear()

    def _hand_on(self) -> None:
        pieces, spool = self._pieces, self._spool
        self._pieces, self._spool = [], None
        length, size, crc = self._length, self._size, self._crc
        if spool is None:
            self._on_whole(InMemory(pieces, Deflated(length, size, crc)))
        else:
            self._on_whole(InSpool(spool, length, size, lambda: crc, is_deflated=True))

    def drop(self) -> None:
        """Discard what was made. A compress thread's."""
        with self._lock:
            self._pieces.clear()
            if self._spool is not None:
                self._scratch.close_spool(self._spool)
                self._spool = None


def pack_deflated(
    pieces: list[bytes],
    wanted: Compression,
    scratch: ScratchFile,
    compress_pool: CompressPool,
    *,
    on_whole: OnWhole,
    on_whole_soon: OnWhole,
    digest: BodyDigest | None = None,
) -> None:
    """Deflate a whole small body where that is worth it, and hand it on; a longer one soon.

    `digest` is fed with what is deflated.
    """
    size = sum(map(len, pieces))

    def make() -> InMemory:
        body = b"".join(pieces)
        if looks_random(wanted, body):
            return InMemory(pieces)
        made = deflate(body)
        if not is_worth_it(wanted, size, len(made)):
            return InMemory(pieces)
        if digest is not None:
            digest.take(body, size, 0)
        return InMemory([made], Deflated(len(made), size, crc32(body)))

    if size < LEAST_BYTES:
        on_whole(InMemory(pieces))
    elif size <= _AT_ONCE_BYTES:
        on_whole(make())
    else:
        compress_pool.submit(scratch, size, scratch.guarded(lambda: on_whole_soon(make())))
