"""Archives whose time is over are removed, a few at a time, again and again.

Owns the order: first the job says that it has expired, then its bytes go, so that no link is
promised whose archive is gone. Leaves when a job's time is over to the job store. A task of the
engine, which comes back to it after a pause: so it goes on over restarts, on one worker at a time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packmule.engine.interface import Later
from packmule.errors import NotAllowedInState, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from threading import Event

    from packmule.jobs.store import JobStore
    from packmule.storage.interface import Storage

_log = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between two looks."""


class Expiry:
    """Lets ended jobs go whose time is over: the engine's handler of the task `expire`."""

    def __init__(
        self,
        store: JobStore,
        storage: Storage,
        now: Callable[[], datetime],
        *,
        pause: float = PAUSE,
    ) -> None:
        self._store = store
        self._storage = storage
        self._now = now
        self._pause = pause

    def sweep(self, _key: str, stop: Event) -> Later:
        """Remove what is due now, and look again after a pause."""
        while due := self._store.due_for_expiry(self._now()):
            for hash_ in due:
                if stop.is_set():
                    return Later(0.0)
                self._let_go(hash_)
        return Later(self._pause)

    def _let_go(self, hash_: str) -> None:
        try:
            self._store.expire(hash_)
        except (NotFound, NotAllowedInState):
            # Deleted, or tried again, since it was listed: no longer ours to remove.
            return
        self._storage.remove(hash_)
        _log.info("job %s: expired", hash_)
