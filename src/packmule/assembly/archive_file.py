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
from packmule.jobs.split_places import area_of
from packmule.zipformat.headers import local_header, needs_zip64_room

if TYPE_CHECKING:
    from packmule.assembly.ledger import Ledger
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.space_check import SpaceCheck
    from packmule.assembly.split.split_plan import SplitPlan
    from packmule.jobs.model import DoneEntry


class ArchiveFile:
    """Places for entries in the scratch file, which ends at `tail`, or in areas by a `plan`."""

    def __init__(
        self,
        scratch: ScratchFile,
        ledger: Ledger,
        space: SpaceCheck,
        *,
        tail: int,
        plan: SplitPlan | None = None,
    ) -> None:
        self.scratch = scratch
        self.plan = plan
        if plan is not None:
            plan.fail = scratch.fail
        self.packing = Packing(scratch, tail if plan is None else plan.tail, ledger.done)
        self._ledger = ledger
        self.space = space

    @property
    def tail(self) -> int:
        """The archive's length so far, places included; that of all parts together."""
        tail = self.packing.tail
        return tail if self.plan is None else self.plan.total(tail)

    @property
    def on_disk(self) -> int:
        """How much of that is in the scratch, or will be."""
        tail = self.packing.tail
        return tail if self.plan is None else self.plan.on_disk(tail)

    def __repr__(self) -> str:
        return f"<ArchiveFile tail={self.tail} packing={self.packing.filled}>"

    # The transfer loop's side.

    def check_space(self, length: int) -> None:
        """Fail the archive where it would outgrow its limit."""
        if self.tail + length > self.space.until:
            self.scratch.fail(self.space.refusal())

    def reserve(self, header_size: int, length: int) -> int:
        """Reserve a place for an entry and return its offset; what was packed before is sent off.

        `length` is that of its body.
        """
        size = header_size + length
        self.check_space(size)
        plan, packing = self.plan, self.packing
        if plan is not None:
            place = plan.choose(packing.tail, header_size, length, may_stand_aside=True)
            if area_of(place) != plan.current:
                return place
            if place != packing.tail:
                packing.move_to(place)
        return packing.reserve(size)

    def make_room(self, position: int, header_size: int, length: int) -> None:
        """Make the entry that is packed next begin in the area that has room for it."""
        plan, packing = self.plan, self.packing
        assert plan is not None  # noqa: S101 - only where the archive is split
        place = plan.choose(packing.tail, header_size, length, may_stand_aside=False)
        if place != packing.tail:
            packing.move_to(place)
        self._ledger.in_flight(position, place)

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
        self.scratch.places.write(header, entry.offset)
        self._ledger.done((entry,))
