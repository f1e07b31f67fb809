"""Detect stalled and slow transfers: those that move too few bytes, or take too long, are cut.

Owns the window over which a transfer's bytes are counted. A stalled transfer and one that drips are
the same: fewer bytes than the minimum rate over a whole window. A transfer that moves a little
more, or has not been watched for that long, is only slow. Leaves what follows to
`outcome_handler.py` and `transfer_shares.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed

if TYPE_CHECKING:
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.transfer_handle import TransferHandle

_LONGEST_INTERVAL = 1.0
_SLOW_AFTER = 1.0


def interval(window: float) -> float:
    """Return how often to check, in seconds, so that a window is not exceeded by much."""
    return min(_LONGEST_INTERVAL, window / 4)


def check(handle: TransferHandle, now: float, settings: LoopSettings) -> TryFailed | None:
    """Return how a transfer must end, or None if it may go on."""
    fetch = handle.fetch
    if fetch is not None and fetch.deadline is not None and now >= fetch.deadline:
        detail = f"the file was not complete after {settings.limits.seconds:g} s"
        return TryFailed(FailureCode.TIMEOUT, detail, lasting=True)
    window = settings.stall_timeout
    if handle.paused:
        # It waits for us, not for the host.
        handle.window_start, handle.window_moved = now, handle.moved
        return None
    if now - handle.window_start < window:
        return None
    moved = handle.moved
    if moved - handle.window_moved >= settings.least_rate * window:
        handle.window_start, handle.window_moved = now, moved
        return None
    if not handle.answered:
        return TryFailed(FailureCode.TIMEOUT, f"the host did not respond within {window:g} s")
    detail = f"less than {settings.least_rate:g} bytes per second arrived for {window:g} s"
    return TryFailed(FailureCode.STALLED, detail)


def is_slow(handle: TransferHandle, now: float, settings: LoopSettings) -> bool:
    """Return whether a transfer moves so little that it need not count as one.

    A transfer that waits for us is not slow: it would take more.
    """
    passed = now - handle.window_start
    if handle.paused or passed < _SLOW_AFTER:
        return False
    return handle.moved - handle.window_moved < settings.slow_rate * passed
