"""A worker that is to stop finishes what ends soon, and hands over the rest at once.

Owns the decision. A run is asked to stop for two reasons: others wait for its place, then it stops;
or the process is to end, then it goes on if its job will be done in the time that is left. How long
a job takes is known once the lengths of all its files are: until then it is handed over.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from packmule.assembly.run import StopSignal
    from packmule.jobs.model import Progress

# Of the seconds that a drain may take, those in which jobs may still go on: the rest is for their
# last checkpoints.
_SHARE = 0.7


class Drain:
    """The end of this process: whether it has been asked for, and how much time is left.

    `stop` is set when the process is to end; it may take `seconds` from then on.
    """

    def __init__(
        self, stop: StopSignal, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stop = stop
        self._seconds = seconds * _SHARE
        self._clock = clock
        self._began: float | None = None

    def left(self) -> float | None:
        """Return the seconds in which jobs may go on, 0.0 at the least; None without a drain.

        They count from the first call: each run asks every second.
        """
        if not self._stop.is_set():
            return None
        now = self._clock()
        if self._began is None:
            self._began = now
        return max(0.0, self._began + self._seconds - now)


class PatientStop:
    """Whether a run is to stop now; `stop` asks for it, `progress` tells how far the job is."""

    def __init__(
        self, stop: StopSignal, drain: Drain | None, progress: Callable[[], Progress]
    ) -> None:
        self._stop = stop
        self._drain = drain
        self._progress = progress

    def is_set(self) -> bool:
        """Return whether the run is to stop."""
        left = None if self._drain is None else self._drain.left()
        if left is None:
            return self._stop.is_set()
        return not ends_within(self._progress(), left)


def ends_within(progress: Progress, seconds: float) -> bool:
    """Return whether a job will be done in so many seconds, as far as can be known."""
    if progress.waiting or progress.bytes_total is None or seconds <= 0:
        return False
    remaining = progress.bytes_total - progress.bytes_done
    return remaining <= progress.bytes_per_second * seconds
