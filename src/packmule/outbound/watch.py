"""The watch over slow transfers: who moves too little, or takes too long, is cut.

Owns the window over which a transfer's bytes are counted. A stalled transfer and one that drips
are the same: fewer bytes than the least rate over a whole window. One that moves a little more, or
has not been watched so long, is only slow. Leaves what follows to `endings.py` and `shares.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.errors import FailureCode
from packmule.outbound.verdicts import Broken

if TYPE_CHECKING:
    from packmule.outbound.loop_settings import LoopSettings
    from packmule.outbound.slot import Slot

_LONGEST_INTERVAL = 1.0
_SLOW_AFTER = 1.0


def interval(window: float) -> float:
    """Tell how often to look, so that a window is not much exceeded; in seconds."""
    return min(_LONGEST_INTERVAL, window / 4)


def look(slot: Slot, now: float, settings: LoopSettings) -> Broken | None:
    """Judge one transfer: None where it may go on, else how it is to end."""
    fetch = slot.fetch
    if fetch is not None and fetch.deadline is not None and now >= fetch.deadline:
        detail = f"the file was not whole after {settings.limits.seconds:g} s"
        return Broken(FailureCode.TIMEOUT, detail, lasting=True)
    window = settings.stall_timeout
    if slot.paused:
        # It waits for us, not for the host.
        slot.window_start, slot.window_moved = now, slot.moved
        return None
    if now - slot.window_start < window:
        return None
    moved = slot.moved
    if moved - slot.window_moved >= settings.least_rate * window:
        slot.window_start, slot.window_moved = now, moved
        return None
    if not slot.answered:
        return Broken(FailureCode.TIMEOUT, f"the host sent no answer within {window:g} s")
    detail = f"fewer than {settings.least_rate:g} bytes a second came over {window:g} s"
    return Broken(FailureCode.STALLED, detail)


def is_slow(slot: Slot, now: float, settings: LoopSettings) -> bool:
    """Tell whether a transfer takes so little of what there is that it may be left out of count.

    One that waits for us takes all it is given.
    """
    passed = now - slot.window_start
    if slot.paused or passed < _SLOW_AFTER:
        return False
    return slot.moved - slot.window_moved < settings.slow_rate * passed
