"""How fast a job goes: a rate that follows changes within seconds and does not jump.

Owns the smoothing only; the clock is handed in.
"""

from __future__ import annotations

import math

_SMOOTHING_SECONDS = 5.0


class Pace:
    """Bytes per second, smoothed exponentially."""

    def __init__(self, start: int) -> None:
        self._bytes = start
        self._at: float | None = None
        self._rate = 0.0

    def at(self, count: int, now: float) -> float:
        """Give the rate, now that `count` bytes are there at `now` seconds."""
        if self._at is None:
            self._at, self._bytes = now, count
            return 0.0
        elapsed = now - self._at
        if elapsed > 0:
            current = max(0, count - self._bytes) / elapsed
            weight = 1 - math.exp(-elapsed / _SMOOTHING_SECONDS)
            self._rate += (current - self._rate) * (weight if self._rate else 1.0)
            self._at, self._bytes = now, count
        return self._rate
