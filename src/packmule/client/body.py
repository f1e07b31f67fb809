"""A response body on its way into a segment.

Owns when to go on reading: until the body ends by itself, so that its connection can be used again,
or until the segment is full, because another transfer has taken over the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packmule.client.arrival import Arrival
    from packmule.client.segments import Segment


class Body:
    """Writes a body, which is to end before byte `end` of the archive, into a segment.

    `too_long` is set once it had more bytes than that.
    """

    def __init__(self, arrival: Arrival, segment: Segment, end: int) -> None:
        self._arrival = arrival
        self._segment = segment
        self._end = end
        self.too_long = False

    def write(self, piece: bytes) -> bool:
        """Write a piece; return whether to go on reading."""
        written = self._arrival.write(self._segment, piece)
        if written is None:
            return False
        ends_here = self._segment.end == self._end
        if written < len(piece):
            self.too_long = ends_here
            return False
        return ends_here or self._segment.left > 0
