"""The archive while it is assembled: every byte written once, at its final place.

Owns places for big entries, their headers, and the question whether there is room. Leaves small
entries and the tail to `packing`, the file itself to `scratch_file`, bytes of records to
`zipformat`, which entries are done to `ledger`.

    0                                                        tail
    [hdr][body......][hdr][small][hdr][small][hdr][body....   |
         place            packed, one write      place, open

The transfer loop reserves and packs; the writer writes, and then notes what is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.assembly.packing import Packing
from packmule.zipformat.headers import local_header, needs_zip64_room

if TYPE_CHECKING:
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.space_check import SpaceCheck
    from packmule.jobs.model import DoneEntry


class ArchiveFile:
    """Places for entries in the scratch file, which ends at `tail`."""

    def __init__(
        self, scratch: ScratchFile, ledger: Ledger, space: SpaceCheck, *, tail: int
    ) -> None:
        self.scratch = scratch
        self.packing = Packing(scratch, tail, ledger.done)
        self._ledger = ledger
        self.space = space

    @property
    def tail(self) -> int:
        """The archive's length so far, places included."""
        return self.packing.tail

    def __repr__(self) -> str:
        return f"<ArchiveFile tail={self.tail} packing={self.packing.filled}>"

    # The transfer loop's side.

    def check_space(self, length: int) -> None:
        """Fail the archive where it would outgrow its limit."""
        if self.packing.tail + length > self.space.until:
            self.scratch.fail(self.space.refusal())

    def reserve(self, length: int) -> int:
        """Reserve bytes at the tail and return their offset; what was packed before is sent off."""
        self.check_space(length)
        return self.packing.reserve(length)

    def flush(self) -> None:
        """Send off what was packed, although its block is not full."""
        self.packing.flush()

    # The writer's side.

    def complete(self, entry: DoneEntry) -> None:
        """Write a big entry's header, now that its body is in place: it is done."""
        header = local_header(
            entry.name.encode(),
            entry.method,
            entry.crc,
            entry.compressed_size,
            entry.size,
            entry.modified_at,
            zip64=needs_zip64_room(max(entry.size, entry.compressed_size)),
        )
        self.scratch.file.write(header, entry.offset)
        self._ledger.done((entry,))
