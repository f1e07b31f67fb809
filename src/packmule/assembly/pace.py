"""How fast a job goes: a rate that follows changes within seconds and does not jump.

Owns the smoothing only; the clock is handed in. What was there at the first look counts for
nothing: a job that is resumed did not fetch it just now. After some seconds in which nothing
came the rate is 0, rather than ever smaller: a fraction of an old rate says nothing of the end.
"""

from __future__ import annotations

import math

_SMOOTHING_SECONDS = 5.0

# Two looks closer than that tell nothing: a piece that came between them would be a flood.
_LEAST_SECONDS = 0.05

STANDS_AFTER = 10.0
"""Seconds without a byte after which a job stands."""


class Pace:
    """Bytes per second, smoothed exponentially; 0.0 while nothing is known, or comes."""

    def __init__(self) -> None:
        self._bytes = 0
        self._at = self._moved_at = -math.inf
        self._rate = 0.0

    def at(self, count: int, now: float) -> float:
        """Return the rate, now that `count` bytes are there at `now` seconds."""
        elapsed = now - self._at
        if self._at == -math.inf:
            self._moved_at = now
        elif elapsed >= _LEAST_SECONDS:
            self._move(max(0, count - self._bytes), elapsed, now)
        else:
            return self._rate
        self._at, self._bytes = now, count
        return self._rate

    def _move(self, gained: int, elapsed: float, now: float) -> None:
        if gained:
            self._moved_at = now
        elif now - self._moved_at >= STANDS_AFTER:
            self._rate = 0.0
        # What follows a time in which it stood is no change of rate: it is the rate.
        weight = 1 - math.exp(-elapsed / _SMOOTHING_SECONDS) if self._rate else 1.0
        self._rate += (gained / elapsed - self._rate) * weight
