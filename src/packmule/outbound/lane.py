"""A segment of a file on its way, by one of several transfers.

Owns what is known of that transfer's progress. Leaves which segments there are to
`segmented_fetch.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packmule.outbound.segments import Remainder, rate_of

if TYPE_CHECKING:
    from collections.abc import Sized

    from packmule.outbound.receiver import SegmentReceiver


@dataclass(slots=True)
class Lane:
    """One segment and the transfer that brings it, `among` all those of its file.

    `is_own`: it is the file's own, which alone may finish it or fail it. The transfer began at byte
    `first` at the time `since`; it stood at `last` at the last look, and moved last at `moved_at`.
    """

    segment: SegmentReceiver
    is_own: bool
    among: Sized
    first: int
    since: float
    last: int
    moved_at: float

    @property
    def is_alone(self) -> bool:
        """Return whether no other transfer of the file is under way."""
        return len(self.among) == 1

    def remainder(self, now: float) -> Remainder:
        """Return what is missing, and how fast it comes."""
        segment = self.segment
        rate = rate_of(segment.kept - self.first, now - self.since)
        return Remainder(segment.kept, segment.stop, rate)

    def look(self, now: float) -> float:
        """Return for how many seconds nothing has come."""
        if self.segment.kept != self.last:
            self.last, self.moved_at = self.segment.kept, now
        return now - self.moved_at
