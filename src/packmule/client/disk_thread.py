"""Blocking calls in a thread, for `AsyncClient`: whoever is cancelled waits for the call to end.

Owns that no call outlives the await for it. A cancelled asyncio task otherwise goes on at once,
closing files and releasing locks that the thread is still using: anyio shields a thread from its
own cancel scopes, but not from `Task.cancel`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

import anyio
from anyio import CancelScope, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOOK_EVERY = 0.01


async def in_thread(call: Callable[[*Ts], T], *given: *Ts) -> T:
    """Call in a thread. If cancelled, wait until the call has ended, or has surely not begun."""
    once = _Once()

    def run() -> T:
        if not once.begin():
            raise RuntimeError("given up before it began")  # which nobody awaits any more
        try:
            return call(*given)
        finally:
            once.ended.set()

    try:
        return await to_thread.run_sync(run)
    except anyio.get_cancelled_exc_class():
        if not once.give_up():
            await _wait_for(once.ended)
        raise


async def _wait_for(ended: threading.Event) -> None:
    # Only a pause is interrupted by the next cancellation, and there may be many: at its end
    # asyncio cancels whatever is left.
    with CancelScope(shield=True):
        while not ended.is_set():
            with suppress(anyio.get_cancelled_exc_class()):
                await anyio.sleep(_LOOK_EVERY)


class _Once:
    """A call that either begins, or was given up before it did."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._decided = False

    def begin(self) -> bool:
        """Return whether the call may begin."""
        return self._decide()

    def give_up(self) -> bool:
        """Return whether the call was prevented."""
        return self._decide()

    def _decide(self) -> bool:
        with self._lock:
            first, self._decided = not self._decided, True
        return first
