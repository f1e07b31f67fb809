"""Small entries, complete when they come: one behind the other in a block that is written as one.

Owns the archive's tail, and the shared block at it. Leaves the headers of bigger entries to
`archive_file`.

       tail                                             base + a block
    ...[hdr][small][hdr][small][hdr][sma|ll][hdr][small]...
                                        goes with the next block

Runs in the transfer loop's thread; what it hands to the writer is no longer its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from packmule.assembly.disk.blocks import BLOCK_BYTES
from packmule.assembly.disk.disk_file import PAGE
from packmule.jobs.model import DoneEntry
from packmule.zipformat.headers import local_header
from packmule.zipformat.records import STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from packmule.assembly.scratch_file import ScratchFile
    from packmule.errors import WarningCode

_NOTHING = memoryview(b"")


class Packing:
    """The shared block of one archive; holds one only while there is something in it."""

    __slots__ = ("_base", "_block", "_fill", "_on_done", "_packed", "_scratch", "_start", "tail")

    def __init__(
        self, scratch: ScratchFile, tail: int, on_done: Callable[[list[DoneEntry]], None]
    ) -> None:
        self.tail = tail
        self._scratch = scratch
        self._on_done = on_done
        self._block = _NOTHING
        self._base = self._start = self._fill = 0
        self._packed: list[DoneEntry] = []

    @property
    def filled(self) -> int:
        """Bytes in the block held now."""
        return self._fill - self._start

    def reserve(self, length: int) -> int:
        """Reserve bytes at the tail and return their offset; what was packed before is sent off."""
        self.flush()
        offset = self.tail
        self.tail += length
        return offset

    def move_to(self, tail: int) -> None:
        """Go on at another place; what was packed before is sent off."""
        self.flush()
        self.tail = tail

    def pack(
        self,
        position: int,
        name: str,
        pieces: Sequence[bytes],
        modified_at: int | None,
        *,
        method: int = STORED,
        crc: int | None = None,
        size: int | None = None,
        warning: WarningCode | None = None,
        receipt: str | None = None,
    ) -> int:
        """Append a complete entry behind the last one; return the length of its pieces.

        `crc` and `size` are of the body before compression, where the pieces are compressed;
        `warning` and `receipt` are only noted.
        """
        stored = 0
        summed = 0
        for piece in pieces:
            stored += len(piece)
            if crc is None:
                summed = crc32(piece, summed)
        if crc is None:
            crc, size = summed, stored
        assert size is not None  # noqa: S101 - given with the CRC
        offset = self.tail
        header = local_header(name.encode(), method, crc, stored, size, modified_at, zip64=False)
        block = self._block or self._open_block()
        start = self._fill
        middle = start + len(header)
        stop = middle + stored
        if stop < BLOCK_BYTES:
            block[start:middle] = header
            for piece in pieces:
                after = middle + len(piece)
                block[middle:after] = piece
                middle = after
            self._fill = stop
            self.tail = offset + stop - start
        else:
            self._append(header)
            for piece in pieces:
                self._append(piece)
        self._packed.append(
            DoneEntry(
                position, name, offset, method, crc, stored, size, modified_at, warning, receipt
            )
        )
        return stored

    def flush(self) -> None:
        """Send the block to the writer as it is, and with it the entries that end in it."""
        block, self._block = self._block, _NOTHING
        entries, self._packed = self._packed, []
        scratch, on_done = self._scratch, self._on_done
        if block:
            scratch.pool.holders.discard(self)
            start, end, base = self._start, self._fill, self._base
            self._start = self._fill = 0

            def write() -> None:
                if scratch.write_block(block, start, end, base) and entries:
                    on_done(entries)

            scratch.pool.sent()
            scratch.writer.submit(write)
        elif entries:
            # Their last byte filled a block exactly, and that one has gone already.
            scratch.run_in_writer(lambda: on_done(entries))

    def _append(self, data: bytes) -> None:
        """Add to the block; what does not fit goes into the next one."""
        block = self._block or self._open_block()
        stop = self._fill + len(data)
        if stop < BLOCK_BYTES:
            block[self._fill : stop] = data
            self._fill = stop
            self.tail += len(data)
            return
        room = BLOCK_BYTES - self._fill
        block[self._fill :] = data[:room]
        self._fill = BLOCK_BYTES
        self.tail += room
        # Entries whose last byte is not in this block go with the next one.
        self.flush()
        if room < len(data):
            self._append(data[room:])

    def _open_block(self) -> memoryview:
        pool, tail = self._scratch.pool, self.tail
        self._block = pool.take_anyway()
        self._start = self._fill = tail % PAGE
        self._base = tail - self._start
        pool.holders.add(self)
        return self._block
