"""A body in its reserved place in the archive.

Owns the wait before bytes are overwritten that a checkpoint claims. Leaves the filling of blocks to
`block_file`, what is claimed to the ledger. All methods run in the transfer loop's thread, but for
`written`.

    offset         begin                      begin + size
    [local header] [body ..... written|on its way|     ]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.sinks.block_file import BlockFileSink
from packmule.assembly.sinks.protocol import InPlace

if TYPE_CHECKING:
    from packmule.assembly.ledger import Hold
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.sinks.protocol import OnWhole
    from packmule.jobs.model import OpenEntry


class PlacedSink(BlockFileSink):
    """Takes a body into `place`, of which `place.written` bytes are there already.

    While there is a `hold` nothing is overwritten.
    """

    def __init__(self, scratch: ScratchFile, place: OpenEntry, on_whole: OnWhole) -> None:
        begin = place.offset + place.header_size
        sure = (place.written, place.crc)
        super().__init__(scratch, scratch.file, begin, place.size, sure=sure)
        self._offset = place.offset
        self._size = place.size
        self._on_whole = on_whole
        self.hold: Hold | None = None

    def begin_anew(self, on_whole: OnWhole) -> int:
        """Take another version of the body into the same place; return its number."""
        self._on_whole = on_whole
        return self.rewind()

    @property
    def is_held(self) -> bool:
        """Whether a checkpoint claims the bytes that are about to be overwritten."""
        return self.hold is not None and not self.hold.released

    def write_when_released(self, view: memoryview) -> bool:
        """Pause until no checkpoint claims the bytes that are about to be overwritten."""
        return True if self.is_held else self.write(view)

    def finish(self) -> None:
        """Hand the whole body on."""
        self.flush()
        self._on_whole(InPlace(self._offset, self._size, self.crc))
