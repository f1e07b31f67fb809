"""Archives of which the job database knows nothing are removed, a day after that was found.

They come from a database that was restored to an earlier time, or from a kill between two steps.
Owns when it is looked, and what is spared: what was found a moment ago. Leaves the notes to
`jobs/orphans.py`.
"""

from __future__ import annotations

import itertools
import logging
import time
from typing import TYPE_CHECKING, Protocol

from packmule.engine.interface import Later
from packmule.errors import DiskFull, StorageFailed
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from packmule.jobs.orphans import OrphanNotes

_log = logging.getLogger(__name__)

# Seconds until the first look, between two looks, and for which an orphan is kept.
FIRST = 3600.0
EVERY = 6 * 3600.0
KEPT = 86_400.0

_AT_ONCE = 500


class Archives(Protocol):
    """A storage that can say of which keys it holds an archive."""

    def archived(self) -> Iterator[str]:
        """List the keys of all archives, in any order; one may come twice. Raises StorageFailed."""

    def remove(self, key: str) -> None:
        """Remove all there is of a key. Raises StorageFailed."""


class OrphanSweep:
    """Removes the archives of unknown jobs; a part of the task `expire`."""

    def __init__(self, notes: OrphanNotes, storage: Archives, *, first: float = FIRST) -> None:
        self._notes = notes
        self._storage = storage
        self._due_at = time.monotonic() + first

    def sweep(self, _key: str, stop: Event) -> Later:
        """Look at all archives where that is due, and look again after a pause."""
        now = time.monotonic()
        if now < self._due_at:
            return Later(self._due_at - now)
        self._due_at = now + EVERY
        try:
            archived = self._storage.archived()
            while some := list(itertools.islice(archived, _AT_ONCE)):
                for hash_ in self._notes.look(some, KEPT):
                    if stop.is_set():
                        return Later(0.0)
                    self._remove(hash_)
        except (StorageFailed, DiskFull) as error:
            _log.warning("orphaned archives not looked for reason=%s", error)
        return Later(EVERY)

    def _remove(self, hash_: str) -> None:
        with about(job=hash_):
            self._storage.remove(hash_)
            _log.warning("orphaned archive removed reason=no job of that hash is known")
        self._notes.forget(hash_)
