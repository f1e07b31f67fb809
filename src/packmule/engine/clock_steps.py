"""Noticing that the wall clock was set: it and a clock that nobody sets move apart.

Rows carry wall-clock time, as they outlive every process. A step makes what they say wrong at once:
set back, what is due waits for as long as the step; set forward, each lease seems to be over. A
machine that was asleep looks like a clock set forward (clock_gettime(2): CLOCK_MONOTONIC stands
still meanwhile). Leaves what follows to the caller. Pure: what both clocks say is passed in.
"""

from __future__ import annotations

TOLERANCE = 5.0
"""Seconds by which the two may move apart, as they do while a clock is adjusted slowly."""


class ClockSteps:
    """Compares a wall clock with a steady one, which never jumps."""

    def __init__(self) -> None:
        self._apart: float | None = None

    def look(self, wall: float, steady: float) -> float:
        """Return by how many seconds the wall clock was set since the last step; 0.0 if not."""
        apart = wall - steady
        step = 0.0 if self._apart is None else apart - self._apart
        if self._apart is None or abs(step) > TOLERANCE:
            self._apart = apart
        return step if abs(step) > TOLERANCE else 0.0
