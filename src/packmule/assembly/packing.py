"""Small entries, complete when they come: one behind the other in a block that is written as one.

Owns the shared block at the archive's tail. Leaves places for bigger entries to `archive_file`.

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
    from packmule.assembly.archive_file import ArchiveFile

_NOTHING = memoryview(b"")


class Packing:
    """The shared block of one archive; holds one only while there is something in it."""

    __slots__ = ("_archive", "_base", "_block", "_fill", "_packed", "_start")

    def __init__(self, archive: ArchiveFile) -> None:
        self._archive = archive
        self._block = _NOTHING
        self._base = self._start = self._fill = 0
        self._packed: list[DoneEntry] = []

    @property
    def filled(self) -> int:
        """Bytes in the block held now."""
        return self._fill - self._start

    def pack(
        self,
        position: int,
        name: str,
        body: bytes,
        modified_at: int | None,
        *,
        method: int = STORED,
        crc: int | None = None,
        size: int | None = None,
        html_page: bool = False,
    ) -> None:
        """Append a complete entry behind the last one.

        `crc` and `size` are of the body before compression, where `body` is compressed;
        `html_page` is only noted.
        """
        stored = len(body)
        if crc is None:
            crc = crc32(body)
        if size is None:
            size = stored
        archive = self._archive
        offset = archive.tail
        header = local_header(name.encode(), method, crc, stored, size, modified_at, zip64=False)
        block = self._block or self._open_block()
        start = self._fill
        middle = start + len(header)
        stop = middle + stored
        if stop < BLOCK_BYTES:
            block[start:middle] = header
            block[middle:stop] = body
            self._fill = stop
            archive.tail = offset + stop - start
        else:
            self._append(header)
            self._append(body)
        self._packed.append(
            DoneEntry(position, name, offset, method, crc, stored, size, modified_at, html_page)
        )

    def flush(self) -> None:
        """Send the block to the writer as it is, and with it the entries that end in it."""
        block, self._block = self._block, _NOTHING
        entries, self._packed = self._packed, []
        archive = self._archive
        if block:
            archive.pool.holders.discard(self)
            start, end, base = self._start, self._fill, self._base
            self._start = self._fill = 0

            def write() -> None:
                if archive.write_block(block, start, end, base):
                    archive.note_done(entries)

            archive.pool.sent()
            archive.writer.submit(write)
        elif entries:
            # Their last byte filled a block exactly, and that one has gone already.
            archive.run_in_writer(lambda: archive.note_done(entries))

    def _append(self, data: bytes) -> None:
        """Add to the block; what does not fit goes into the next one."""
        archive = self._archive
        block = self._block or self._open_block()
        stop = self._fill + len(data)
        if stop < BLOCK_BYTES:
            block[self._fill : stop] = data
            self._fill = stop
            archive.tail += len(data)
            return
        room = BLOCK_BYTES - self._fill
        block[self._fill :] = data[:room]
        self._fill = BLOCK_BYTES
        archive.tail += room
        # Entries whose last byte is not in this block go with the next one.
        self.flush()
        if room < len(data):
            self._append(data[room:])

    def _open_block(self) -> memoryview:
        pool, tail = self._archive.pool, self._archive.tail
        self._block = pool.take_anyway()
        self._start = self._fill = tail % PAGE
        self._base = tail - self._start
        pool.holders.add(self)
        return self._block
