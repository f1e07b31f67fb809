"""Expired archives are removed, a few at a time, at intervals.

Owns the order: first the job says that it has expired, then its bytes go, so that no link is
promised whose archive is gone. The removal is a task of its own, put into the queue in the
transaction in which the job expires: a kill between the two, or a storage that refuses for a while,
leaves no bytes behind. Leaves when a job's time is over to the job store. Looking is a task too,
which comes back after a pause: so it goes on over restarts, on one worker at a time.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from packmule.engine.clock_steps import ClockSteps
from packmule.engine.interface import Later
from packmule.errors import NotAllowedInState, NotFound
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from threading import Event

    from packmule.jobs.store import JobStore
    from packmule.jobs.transitions import InSameTransaction
    from packmule.storage.interface import Storage

_log = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two looks."""

HOLD = 600.0
"""Seconds for which nothing expires after the clock was set forward: time to correct it."""


class Expiry:
    """Expires ended jobs whose time is over: the engine's handler of the task `expire`.

    `defer_removal(connection, job)` puts the removal of a job's bytes into the queue. `steady` is
    a clock that nobody sets, by which it is noticed that the wall clock was; None if it is not.
    """

    def __init__(
        self,
        store: JobStore,
        defer_removal: InSameTransaction,
        now: Callable[[], datetime],
        *,
        pause: float = PAUSE,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._defer_removal = defer_removal
        self._now = now
        self._pause = pause
        self._steady = steady
        self._held_until = -math.inf
        self._steps = ClockSteps()
        if steady is not None:
            self._steps.look(now().timestamp(), steady())

    def sweep(self, _key: str, stop: Event) -> Later:
        """Expire what is due now, and look again after a pause."""
        if self._is_held():
            return Later(self._pause)
        while due := self._store.due_for_expiry(self._now()):
            for hash_ in due:
                if stop.is_set():
                    return Later(0.0)
                self.let_go(hash_)
        return Later(self._pause)

    def _is_held(self) -> bool:
        """Return whether the clock was set forward a moment ago: bytes do not come back."""
        if self._steady is None:
            return False
        now = self._steady()
        step = self._steps.look(self._now().timestamp(), now)
        if step > 0:
            self._held_until = now + HOLD
            _log.warning("clock set forward by=%.0f expiry_in=%.0f", step, HOLD)
        return now < self._held_until

    def let_go(self, hash_: str) -> None:
        """Expire a job, unless that is done already or it is being retried."""
        try:
            self._store.expire(hash_, in_same_transaction=self._defer_removal)
        except (NotFound, NotAllowedInState):
            # Deleted, or tried again, since it was listed: it must stay.
            return
        with about(job=hash_):
            _log.info("job expired")


class Removal:
    """Removes the bytes of expired jobs: the engine's handler of the task `remove`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def remove(self, key: str, _stop: Event) -> None:
        """Remove scratch and archive. Raises StorageFailed; the engine tries again then."""
        self._storage.remove(key)
