"""A body in its reserved place in the archive.

Owns what a checkpoint may claim of it, and the wait before claimed bytes are overwritten. Leaves
the filling of blocks to `block_file`. All methods run in the transfer loop's thread, but for
`mark` and `snapshot`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packmule.assembly.sinks.block_file import BlockFileSink
from packmule.assembly.sinks.protocol import Mark

if TYPE_CHECKING:
    from packmule.assembly.archive_file import ArchiveFile
    from packmule.assembly.committing import Ending
    from packmule.jobs.model import OpenEntry


class PlacedSink(BlockFileSink):
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
