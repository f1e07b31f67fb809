"""The segments of a download: which bytes are there, and who receives which of the others.

Owns dividing what is missing: each transfer fills one segment from its start, and an idle one takes
over half of the largest remainder. Bytes are written and counted under one lock, so that no two
transfers write the same ones and none writes after `stop`. Which responses may be written is
decided in `versions.py`, when a transfer begins in `downloading.py`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Ranges = tuple[tuple[int, int], ...]
"""Bytes by their first one and the one behind the last: sorted, without overlaps."""


@dataclass(slots=True, eq=False)
class Segment:
    """Bytes from `start` to `end`, of which those before `at` are there."""

    start: int
    at: int
    end: int
    busy: bool = False

    @property
    def left(self) -> int:
        """The number of missing bytes."""
        return self.end - self.at


class Segments:
    """All segments of a download of `size` bytes, of which those in `held` are there.

    A segment is divided only if both halves have at least `least` bytes. `received` counts the
    bytes that are there.
    """

    def __init__(self, size: int, held: Ranges, least: int) -> None:
        self._least = least
        self._lock = threading.Lock()
        self._stopped = False
        ends = [end for _, end in held]
        starts = [start for start, _ in held]
        filled = [Segment(start, end, end) for start, end in held]
        missing = zip([0, *ends], [*starts, size], strict=True)
        self.received = sum(end - start for start, end in held)
        self._all = filled + [Segment(end, end, start) for end, start in missing if end < start]

    def first(self) -> Segment | None:
        """Claim the first segment with missing bytes, or return None if there is none."""
        with self._lock:
            return self._claimed(min(self._missing(), key=lambda one: one.at, default=None))

    def another(self) -> Segment | None:
        """Claim a segment that nobody fills, else half of the largest remainder, else None."""
        with self._lock:
            free = max(self._missing(), key=lambda one: one.left, default=None)
            if free is not None or self._stopped:
                return None if self._stopped else self._claimed(free)
            largest = max(self._all, key=lambda one: one.left)
            if largest.left < 2 * self._least:
                return None
            middle = largest.at + (largest.left + 1) // 2
            half = Segment(middle, middle, largest.end)
            largest.end = middle
            self._all.append(half)
            return self._claimed(half)

    def release(self, segment: Segment) -> None:
        """Leave what is missing of a segment to others."""
        with self._lock:
            segment.busy = False

    def write(
        self, segment: Segment, piece: bytes, put: Callable[[int, bytes], object]
    ) -> int | None:
        """Write by `put` what fits of a piece at its place; return how many bytes that were.

        Returns None after `stop`.
        """
        with self._lock:
            if self._stopped:
                return None
            fits = piece[: segment.left]
            if fits:
                put(segment.at, fits)
                segment.at += len(fits)
                self.received += len(fits)
            return len(fits)

    def stop(self) -> None:
        """Write nothing any more."""
        with self._lock:
            self._stopped = True

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped

    @property
    def held(self) -> Ranges:
        """Which bytes are there."""
        with self._lock:
            return merged((one.start, one.at) for one in self._all if one.start < one.at)

    def _missing(self) -> Iterable[Segment]:
        return (one for one in self._all if one.left and not one.busy)

    def _claimed(self, segment: Segment | None) -> Segment | None:
        if segment is not None:
            segment.busy = True
        return segment


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch or overlap."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
