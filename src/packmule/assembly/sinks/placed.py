"""A body in its reserved place in the archive.

Owns its segments, and the wait before bytes are overwritten that a checkpoint claims. Leaves the
filling of blocks to `block_file`, what is claimed to the ledger. All methods run in the transfer
loop's thread, but for `written`, `held` and `crc`.

    offset         begin                                                     begin + size
    [local header] [body ..... written|on its way|     ][segment ...|        ]

The sink itself is the first segment, and nearly always the only one. Where several transfers bring
one body, each fills a segment, and their CRC-32s are combined at the end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32_combine

from packmule.assembly.sinks.protocol import InPlace
from packmule.assembly.sinks.segment import SegmentSink
from packmule.jobs.model import WrittenSegment

if TYPE_CHECKING:
    from packmule.assembly.body_digest import BodyDigest
    from packmule.assembly.ledger import Hold
    from packmule.assembly.scratch_file import ScratchFile
    from packmule.assembly.sinks.protocol import OnWhole
    from packmule.jobs.model import OpenEntry

_NOTHING = WrittenSegment(0, 0, 0)


class PlacedSink(SegmentSink):
    """Takes a body into `place`, of which some bytes may be there already.

    While there is a `hold` nothing is overwritten. `digest` is fed with the first segment.
    """

    def __init__(
        self,
        scratch: ScratchFile,
        place: OpenEntry,
        on_whole: OnWhole,
        digest: BodyDigest | None = None,
    ) -> None:
        begin = place.offset + place.header_size
        further = place.segments
        stops = [*(one.start for one in further), place.size]
        sure = place.written, place.crc
        super().__init__(scratch, scratch.places, begin, stops[0], sure=sure, digest=digest)
        self.expected = place.size
        self._offset = place.offset
        self._size = place.size
        self._on_whole = on_whole
        # Replaced as a whole: other threads read it.
        self._further = tuple(
            self._segment(one.start, stop, (one.written, one.crc))
            for one, stop in zip(further, stops[1:], strict=True)
        )
        self.hold: Hold | None = None

    def _segment(self, start: int, stop: int, sure: tuple[int, int] = (0, 0)) -> SegmentSink:
        return SegmentSink(
            self._scratch, self._scratch.places, self.begin, stop, start=start, sure=sure
        )

    @property
    def segments(self) -> tuple[SegmentSink, ...]:
        """All segments, in order; they cover the body without a gap (any thread)."""
        return (self, *self._further)

    @property
    def held(self) -> int:
        """Bytes held in all segments (any thread)."""
        return sum(one.kept - one.start for one in self.segments)

    def split(self, at: int) -> SegmentSink:
        """End the segment that byte `at` belongs to there; return one for what lies behind."""
        before = next(one for one in self.segments if one.start < at < one.stop)
        new = self._segment(at, before.stop)
        before.end_at(at)
        self._further = tuple(sorted((*self._further, new), key=_start))
        return new

    def join(self, start: int) -> None:
        """Return the segment that begins there, which is empty, to the one before it."""
        before, segment = next(
            (one, other) for one, other in pairwise(self.segments) if other.start == start
        )
        self._further = tuple(one for one in self._further if one is not segment)
        before.end_at(segment.stop)

    def written(self, version: int) -> tuple[WrittenSegment, ...]:
        """Return which bytes of that version are on disk, neighbours as one (any thread)."""
        further = self._further
        if self._generation != version:
            return (_NOTHING,)
        found = [WrittenSegment(0, *self.on_disk(version))]
        for one in further:
            length, crc = one.on_disk(0)
            if one.start == found[-1].stop:
                found[-1] = _joined(found[-1], length, crc)
            elif length:
                found.append(WrittenSegment(one.start, length, crc))
        return tuple(found)

    def crc(self) -> int:
        """Return the CRC-32 of the body, which is written (the writer's)."""
        (whole,) = self.written(self._generation)
        return whole.crc

    def begin_anew(self, on_whole: OnWhole, digest: BodyDigest | None = None) -> int:
        """Take another version of the body into the same place; return its number."""
        self._on_whole = on_whole
        self._digest = digest
        self._generation += 1  # before the segments go: `written` must not mix two versions
        self._drop_further()
        self.stop = self.expected = self._size
        return self.rewind()

    def _drop_further(self) -> None:
        """Drop all segments but this one; what is on its way for them is not written."""
        further, self._further = self._further, ()
        for one in further:
            one.rewind()

    def keep_first(self) -> None:
        """Drop what is held beyond the first segment, which takes the rest in order."""
        self._drop_further()
        self.end_at(self._size)

    @property
    def is_held(self) -> bool:
        """Whether a checkpoint claims the bytes that are about to be overwritten."""
        return self.hold is not None and not self.hold.released

    def write_when_released(self, view: memoryview) -> bool:
        """Pause until no checkpoint claims the bytes that are about to be overwritten."""
        return True if self.is_held else self.write(view)

    def rest(self) -> None:
        """Between two tries, or at the end: hold no block."""
        for one in self.segments:
            one.flush()

    def discard(self) -> None:
        """Discard the blocks unwritten: nobody wants this body any more."""
        super().discard()
        for one in self._further:
            one.discard()

    def finish(self) -> None:
        """Hand the whole body on."""
        self.rest()
        self._on_whole(InPlace(self._offset, self.begin, self._size, self.crc))


def _start(segment: SegmentSink) -> int:
    return segment.start


def _joined(before: WrittenSegment, length: int, crc: int) -> WrittenSegment:
    if not length:
        return before
    crc = crc32_combine(before.crc, crc, length)
    return WrittenSegment(before.start, before.written + length, crc)
