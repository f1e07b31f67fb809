"""A body on its way to a file, block by block.

Owns the filling of blocks and the CRC-32 that runs with the writes. Leaves memory and the writing
thread to `blocks`, the file to `scratch_file`. All methods run in the transfer loop's thread, but
for what is handed to the writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from packmule.assembly.disk.blocks import BLOCK_BYTES, Beside
from packmule.assembly.disk.disk_file import PAGE
from packmule.assembly.sinks.protocol import overflow

if TYPE_CHECKING:
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.disk.placed_file import PlacedFile
    from packmule.assembly.scratch_file import ScratchFile


class BlockFileSink:
    """Bytes written in blocks to a file; their CRC-32 runs with the writes.

    Byte 0 of the body belongs at offset `begin`. These are the bytes from `start` to `stop`, which
    is None where only the end tells; `sure` is how many of them are written already, and their
    CRC-32. `digest` is fed with them in order, from byte 0 of the body on.
    """

    def __init__(
        self,
        scratch: ScratchFile,
        file: PlacedFile,
        begin: int,
        stop: int | None,
        *,
        start: int = 0,
        sure: tuple[int, int] = (0, 0),
        digest: BodyDigest | None = None,
    ) -> None:
        self._scratch = scratch
        self._file = file
        self.begin = begin
        self.start = start
        self.stop = stop
        self._at = begin + start + sure[0]
        self._block: memoryview | None = None
        self._base = self._start = self._fill = self._limit = 0
        self._generation = 0
        self._noted = (0, *sure)
        self._summed = (0, sure[1])
        self._digest = digest

    def on_disk(self, version: int) -> tuple[int, int]:
        """Return how many of its bytes are on disk, and their CRC-32 (any thread).

        None of another version of the body.
        """
        generation, written, crc = self._noted  # replaced as a whole by the writer
        return (written, crc) if generation == version else (0, 0)

    def crc(self) -> int:
        """Return the CRC-32 of what is written (the writer's)."""
        return self._noted[2]

    @property
    def kept(self) -> int:
        """Where the next byte belongs in the body: those before it, from `start` on, are held."""
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
        if self.stop is not None and self.kept + len(view) > self.stop:
            raise overflow(self.stop)
        if self._scratch.must_wait() or (block := self._scratch.pool.take()) is None:
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
        self._limit = self._room_in_block()
        self._scratch.pool.holders.add(self)

    def _room_in_block(self) -> int:
        """Return up to where the block may be filled without another look."""
        if self.stop is None:
            return BLOCK_BYTES
        return min(BLOCK_BYTES, self.begin + self.stop - self._base)

    def flush(self) -> None:
        """Hand what is in the block to the writer."""
        block = self._block
        if block is None:
            return
        pool = self._scratch.pool
        pool.holders.discard(self)
        start, end, base = self._start, self._fill, self._base
        self._at = base + end
        self._block = None
        self._start = self._fill = self._limit = 0
        generation, first = self._generation, self.begin + self.start
        digest, body_at = self._digest, base + start - self.begin
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
            elif self._scratch.write_block(block, start, end, base, self._file):
                self._noted = (generation, base + end - first, crc)

        pool.sent()
        beside = None
        if digest is not None:
            piece = block[start:end]
            beside = Beside(digest.lane, lambda: digest.take(piece, len(piece), body_at))
        self._scratch.writer.submit(write, sum_up, beside)

    def tail(self, length: int) -> bytes | None:
        """Return the last bytes, from the block and from the file; None until those are written."""
        length = min(length, self.kept - self.start)
        held = b"" if self._block is None else bytes(self._block[self._start : self._fill])
        missing = length - len(held)
        if missing <= 0:
            return held[-length:] if length else b""
        if self.on_disk(self._generation)[0] < self._at - self.begin - self.start:
            # The writer does things in their order, so what is on its way is written by then.
            self._scratch.writer.submit(self._scratch.pool.on_room)
            return None
        return self._file.read(self._at - missing, missing) + held

    def rest(self) -> None:
        """Between two tries: hold no block."""
        self.flush()

    def wake(self) -> None:
        """Another try begins; nothing was put away."""

    def discard(self) -> None:
        """Discard the block unwritten: nobody wants this body any more."""
        if self._block is not None:
            self._scratch.pool.holders.discard(self)
            self._scratch.pool.give(self._block, written=False)
            self._block = None
            self._start = self._fill = self._limit = 0

    def rewind(self) -> int:
        """Start over at the same offset, with another version of the body; return its number."""
        self.discard()
        self._generation += 1
        self._at = self.begin + self.start
        return self._generation
