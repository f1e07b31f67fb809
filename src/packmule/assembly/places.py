"""Where the bytes of one body go: memory if it is small, else blocks to its reserved place.

Owns the two plainest ways in which bytes are taken and kept. Leaves choosing one to `incoming`,
writing to `archive_file`, what becomes of a whole body to `ending`; other ways are in `spooling`,
`candidate` and `deflating`. All methods but the writer's run in the transfer loop's thread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from isal.isal_zlib import crc32

from packmule.assembly.blocks import BLOCK_BYTES
from packmule.assembly.parting import Mark
from packmule.assembly.punching import PAGE
from packmule.errors import Failure, FailureCode
from packmule.outbound.receiver import BodyRefused

if TYPE_CHECKING:
    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.blocks import Pool
    from packmule.assembly.disk_file import DiskFile
    from packmule.assembly.ending import Ending
    from packmule.jobs.model import OpenEntry

SMALL_BYTES = 256 * 1024


class Body(Protocol):
    """A body on its way: takes bytes, over as many tries as it needs, and is whole at last."""

    @property
    def kept(self) -> int:
        """Bytes held, as the origin counts them: where a resume begins."""

    def write(self, view: memoryview) -> bool:
        """Take bytes and answer False, or answer True: no room now, they come again."""

    def rest(self) -> None:
        """Between two tries: hold little memory; what is kept may become less."""

    def wake(self) -> None:
        """Another try begins, where the last one ended."""

    def finish(self, ending: Ending) -> None:
        """Hand the whole body on. Raises BodyRefused."""

    def discard(self) -> None:
        """Let everything go: nobody wants this body any more."""


def overflow(announced: int) -> BodyRefused:
    """Refuse a body longer than announced."""
    detail = f"the origin sends more than the {announced} bytes it announced"
    return BodyRefused(Failure(FailureCode.BAD_RESPONSE, detail))


def too_large(limit: int) -> BodyRefused:
    """Refuse a body that has grown beyond the limit of bytes a file may have."""
    detail = f"the file is larger than the limit of {limit:,} bytes"
    return BodyRefused(Failure(FailureCode.TOO_LARGE, detail))


class SmallBody:
    """A body kept in memory until it is whole; `limit` bytes at most."""

    __slots__ = ("_counted", "_limit", "_pool", "kept", "pieces")

    def __init__(self, pool: Pool, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._counted = 0
        self.pieces: list[bytes] = []
        self.kept = 0

    def write(self, view: memoryview) -> bool:
        """Take bytes; never without room."""
        self.kept += len(view)
        if self.kept > self._limit:
            raise overflow(self._limit)
        self.pieces.append(bytes(view))
        return False

    def rest(self) -> None:
        """Between two tries: stay in memory while there is enough of it for all who wait."""
        self.wake()
        if self.kept and self._pool.may_rest(self.kept):
            self._counted = self.kept
        else:
            self.discard()

    def wake(self) -> None:
        """End the waiting: no longer counted among those who rest."""
        self._pool.resting_bytes -= self._counted
        self._counted = 0

    def finish(self, ending: Ending) -> None:
        """Hand the whole body on."""
        if self._counted:
            self.wake()
        ending.pack(self.pieces)

    def discard(self) -> None:
        """Let everything go."""
        self.wake()
        self.pieces = []
        self.kept = 0


class BlockBody:
    """Bytes written in blocks to a file, from offset `begin` on; their CRC-32 runs with the writes.

    `size` is how many there will be, None where only the end tells; `sure` how many are written
    already, and their CRC-32.
    """

    def __init__(
        self,
        archive: ArchiveFile,
        file: DiskFile,
        begin: int,
        size: int | None,
        *,
        sure: tuple[int, int] = (0, 0),
    ) -> None:
        self._archive = archive
        self._file = file
        self.begin = begin
        self._end = None if size is None else begin + size
        self._at = begin + sure[0]
        self._block: memoryview | None = None
        self._base = self._start = self._fill = self._limit = 0
        self._generation = 0
        self._noted = (0, *sure)
        self._summed = (0, sure[1])

    @property
    def sure(self) -> tuple[int, int]:
        """How many bytes are written, and the CRC-32 of those."""
        generation, written, crc = self._noted
        return (written, crc) if generation == self._generation else (0, 0)

    @property
    def kept(self) -> int:
        """Bytes held, written or on their way."""
        return self._at - self.begin + self._fill - self._start

    @property
    def filled(self) -> int:
        """Bytes in the block held now."""
        return self._fill - self._start

    def write(self, view: memoryview) -> bool:
        """Take bytes (less than half a block), or say that there is no room for them now."""
        stop = self._fill + len(view)
        if stop <= self._limit:
            self._block[self._fill : stop] = view  # type: ignore[index]  # a limit means a block
            self._fill = stop
            return False
        return self._write_across(view)

    def _write_across(self, view: memoryview) -> bool:
        """Take bytes that need a block more: all of them, or none."""
        if self._end is not None and self.begin + self.kept + len(view) > self._end:
            raise overflow(self._end - self.begin)
        if self._archive.must_wait() or (block := self._archive.pool.take()) is None:
            return True
        room = self._limit - self._fill
        if room:
            self.write(view[:room])
        self.flush()
        self._open(block)
        return self.write(view[room:])

    def _open(self, block: memoryview) -> None:
        self._block = block
        self._base = self._at - self._at % PAGE
        self._start = self._fill = self._at - self._base
        self._limit = BLOCK_BYTES if self._end is None else min(BLOCK_BYTES, self._end - self._base)
        self._archive.pool.holders.add(self)

    def flush(self) -> None:
        """Hand what is in the block to the writer."""
        block = self._block
        if block is None:
            return
        pool = self._archive.pool
        pool.holders.discard(self)
        start, end, base = self._start, self._fill, self._base
        self._at = base + end
        self._block = None
        self._start = self._fill = self._limit = 0
        generation = self._generation
        crc = 0

        def sum_up() -> None:
            nonlocal crc
            before, so_far = self._summed
            if generation == self._generation:
                crc = crc32(block[start:end], so_far if before == generation else 0)
                self._summed = (generation, crc)

        def write() -> None:
            if generation != self._generation:
                pool.give(block)
            elif self._archive.write_block(block, start, end, base, self._file):
                self._noted = (generation, base + end - self.begin, crc)

        pool.sent()
        self._archive.writer.submit(write, sum_up)

    def rest(self) -> None:
        """Between two tries: hold no block."""
        self.flush()

    def wake(self) -> None:
        """Another try begins; nothing was put away."""

    def discard(self) -> None:
        """Let the block go unwritten: nobody wants this body any more."""
        if self._block is not None:
            self._archive.pool.holders.discard(self)
            self._archive.pool.give(self._block, written=False)
            self._block = None
            self._start = self._fill = self._limit = 0

    def rewind(self) -> None:
        """Begin anew at the same offset."""
        self.discard()
        self._generation += 1
        self._at = self.begin


class PlacedBody(BlockBody):
    """A body in its reserved place in the archive; `place` is its record as it was reserved.

    A checkpoint may claim what is written of it. Beginning anew overwrites that: so it waits until
    a checkpoint has been recorded that claims it no longer.
    """

    def __init__(self, archive: ArchiveFile, place: OpenEntry) -> None:
        sure = (place.written, place.crc)
        begin = place.offset + place.header_size
        super().__init__(archive, archive.file, begin, place.size, sure=sure)
        self._placed = (0, place)
        self._claimed = place.written > 0
        self.barred = False

    @property
    def place(self) -> OpenEntry:
        """The record of the place under the version that fills it now."""
        return self._placed[1]

    @property
    def mark(self) -> Mark:
        """Tell which version fills which place (any thread)."""
        version, place = self._placed
        return Mark(place.position, place.offset, version)

    def snapshot(self) -> OpenEntry:
        """Give the record as it is true now (any thread)."""
        self._claimed = True  # before the look: beginning anew waits from now on
        version, place = self._placed
        generation, written, crc = self._noted
        if generation != version:
            written, crc = 0, 0
        return replace(place, written=written, crc=crc)

    def begin_anew(self, place: OpenEntry) -> bool:
        """Take another version of the body; True where a checkpoint must forget the old one first.

        `place` is the same as before but for the validator.
        """
        self.rewind()
        self._placed = (self._generation, place)
        # After the generation has changed: a snapshot sees the new one, or is seen here.
        self.barred = self._claimed
        return self.barred

    def write_when_forgotten(self, view: memoryview) -> bool:
        """Pause until no checkpoint claims the bytes that are about to be overwritten."""
        return True if self.barred else self.write(view)

    def finish(self, ending: Ending) -> None:
        """Hand the whole body on."""
        self.flush()
        ending.complete(self)
