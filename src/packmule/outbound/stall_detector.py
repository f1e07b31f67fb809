"""Detect stalled and slow transfers: those that move too few bytes, or take too long, are cut.

Owns the window over which a transfer's bytes are counted. A stalled transfer and one that drips are
the same: fewer bytes than the minimum rate over a whole window. A transfer that moves a little
more, or has not been watched for that long, is only slow. Where nothing more is wanted, because the
outcome is known, the window is short. Until a response begins another, longer bound counts: a
server may have to build the file first. An interim response (1xx) restarts it. A small request
that stays silent is due to be repeated. Leaves what follows to `outcome_handler.py` and
`transfer_shares.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.errors import FailureCode
from packmule.outbound.outcomes import TryFailed
from packmule.outbound.response_waits import SMALL_FILE

if TYPE_CHECKING:
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.transfer_handle import TransferHandle

_LONGEST_INTERVAL = 1.0
_SLOW_AFTER = 1.0
_SHORT_WINDOW = 2.0
"""Seconds for what need not come: an error's body, or the end of a body that is complete."""
_SLOW_STARTS = 2
"""Tries that may wait for the first byte in vain, as each waits for minutes."""


def interval(window: float) -> float:
    """Return how often to check, in seconds, so that a window is not exceeded by much."""
    return min(_LONGEST_INTERVAL, window / 4)


def check(handle: TransferHandle, now: float, settings: LoopSettings) -> TryFailed | None:
    """Return how a transfer must end, or None if it may go on."""
    fetch = handle.fetch
    if fetch is not None and fetch.is_late(now, settings.limits.seconds):
        detail = f"the file was not complete after {fetch.time_for(settings.limits.seconds):g} s"
        return TryFailed(FailureCode.TIMEOUT, detail, lasting=True)
    if not handle.answered:
        return _unanswered(now - handle.window_start, settings.first_byte_timeout)
    window = settings.stall_timeout
    if handle.wants_nothing:
        window = min(window, _SHORT_WINDOW)
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
    detail = f"less than {settings.least_rate:g} bytes per second arrived for {window:g} s"
    return TryFailed(FailureCode.STALLED, detail)


def must_repeat(handle: TransferHandle, now: float) -> bool:
    """Return whether a transfer's request must be sent again now, and count it if so.

    See `response_waits.py`.
    """
    fetch, host = handle.fetch, handle.host
    if fetch is None or host is None or handle.answered or handle.lines or fetch.is_repeated:
        return False
    if fetch.lane is not None or fetch.state.kept or (host.size or 0.0) > SMALL_FILE:
        return False
    if not host.waits.may_repeat(now - handle.window_start):
        return False
    host.waits.repeated()
    fetch.is_repeated = True
    return True


def _unanswered(passed: float, window: float) -> TryFailed | None:
    if passed < window:
        return None
    detail = f"the host did not begin its response within {window:g} s"
    return TryFailed(FailureCode.TIMEOUT, detail, enough=_SLOW_STARTS)


def is_slow(handle: TransferHandle, now: float, settings: LoopSettings) -> bool:
    """Return whether a transfer moves so little that it need not count as one.

    A transfer that waits for us is not slow: it would take more.
    """
    passed = now - handle.window_start
    if handle.paused or passed < _SLOW_AFTER:
        return False
    return handle.moved - handle.window_moved < settings.slow_rate * passed
