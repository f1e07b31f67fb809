"""Disk space: archives expire before jobs run out of it, and leftovers are removed.

Owns when that begins and ends, whose archives go, and what is spared: a job that is not completed,
an archive that is being downloaded or was requested a moment ago. If a job still finds no room,
some is made for it, if there is as much as it wants. The order is that of docs/decisions/0039.
Leaves expiring a job to `expiry.py`, which first records that it has expired and then removes its
bytes.

    free   0 ────── reserve ────── 1.5 ────── 2 ──────
                    jobs stop      begins     ends, in reserves
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Protocol

from packmule.engine.interface import Later
from packmule.errors import NotFound, StorageFailed
from packmule.jobs.model import JobState
from packmule.telemetry.context import about

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from packmule.jobs.model import Job
    from packmule.jobs.store import JobStore

_log = logging.getLogger(__name__)

LOOK_EVERY = 10.0
SWEEP_EVERY = 600.0

# A download that is gone on with in pieces has nothing open between them.
GRACE = 600.0

OLD = 86_400.0
"""Seconds after which an archive that nobody has asked for may go for another job."""

# Scratch and uploads that no job knows may be of a database that is being restored.
_UNKNOWN_FOR = 86_400.0

_BEGINS = 1.5
_ENDS = 2.0


class LocalSpace(Protocol):
    """A storage whose archives take up space on this machine's disk."""

    def free_bytes(self) -> int:
        """Return how many bytes may still be written."""

    def is_in_use(self, key: str, within: float) -> bool:
        """Return whether an archive is being read, or was requested within so many seconds."""

    def remove(self, key: str) -> None:
        """Remove scratch and archive, for good; nothing there is no error."""


class Leftovers(Protocol):
    """A storage in which dead jobs may have left something."""

    def left_over(self) -> Iterator[tuple[str, float]]:
        """List the keys of which something is left besides archives, with when it was written."""

    def discard(self, key: str) -> None:
        """Remove all but the archive; nothing there is no error."""

    def remove(self, key: str) -> None:
        """Remove the archive as well, for good; nothing there is no error."""


class SpaceReclaimer:
    """Makes room when the disk runs short; a part of the task `expire`.

    `reserve` is what is to stay free, in bytes; `let_go` lets a job go, and has its bytes removed.
    """

    def __init__(
        self,
        store: JobStore,
        storage: LocalSpace,
        let_go: Callable[[str], None],
        reserve: int,
    ) -> None:
        self._store = store
        self._storage = storage
        self._let_go = let_go
        self._reserve = reserve
        self._making = threading.Lock()

    def make(self, _key: str, stop: Event) -> Later:
        """Expire archives while the disk is short, and look again after a pause."""
        free = self._storage.free_bytes()
        if free < self._reserve * _BEGINS:
            _log.warning("disk is short of space free_bytes=%d", free)
            for job in self._may_go(None):
                if stop.is_set() or self._storage.free_bytes() >= self._reserve * _ENDS:
                    break
                self._remove(job)
        return Later(LOOK_EVERY)

    def make_for(self, client: str, wanted: int | None, in_all: int = 0) -> bool:
        """Expire archives for a client's job that needs room; False if it finds none.

        `wanted`: how many bytes are to be free now, None where that is not known; `in_all`: how
        many the job will want by what is announced. Nothing goes in vain: not where all that may
        go would not be enough. Raises StorageFailed, DiskFull.
        """
        with self._making:  # what one job has made room for is seen by the next
            free = self._storage.free_bytes()
            usual = int(self._reserve * _ENDS) - free
            missing = usual if wanted is None else wanted - free
            if missing <= 0 and in_all <= free:
                return wanted is not None
            # Where some has to go, as much goes as would soon go anyway.
            going, found = self._collect(client, max(usual, missing), max(missing, in_all - free))
            if wanted is not None and found < max(missing, in_all - free):
                return False
            for job in going if missing > 0 else ():
                self._remove(job)
            return wanted is not None or bool(going)

    def _collect(self, client: str, to_free: int, to_find: int) -> tuple[list[Job], int]:
        """Choose archives to free some bytes; return them, and how many bytes might be freed.

        It looks no further than for `to_find`, where that is more.
        """
        going: list[Job] = []
        found = 0
        for job in self._may_go(client):
            if found < to_free:
                going.append(job)
            found += job.size or 0
            if found >= max(to_free, to_find):
                break
        return going, found

    def _may_go(self, client: str | None) -> Iterator[Job]:
        """List the archives that may go for a client's job, or for no job, in their order."""
        own = () if client is None else self._unread(GRACE, client)
        listed: set[int] = set()
        for job in itertools.chain(own, self._unread(OLD), self._of_the_largest(client)):
            if job.id not in listed:
                listed.add(job.id)
                yield job

    def _unread(self, seconds: float, client: str | None = None) -> Iterator[Job]:
        """List archives that nobody has asked for in so many seconds, the oldest first.

        Of one client, or of all where that is None.
        """
        after = -1
        while jobs := self._store.oldest_completed(after):
            for job in jobs:
                after = job.id
                if client in {None, job.client} and not self._storage.is_in_use(job.hash, seconds):
                    yield job

    def _of_the_largest(self, client: str | None) -> Iterator[Job]:
        """List archives of the client that holds the most, while it holds more than `client`.

        For no job in particular, it is only the one that holds the most: where that one's bytes
        are all in open jobs, nobody else's archives go for them.
        """
        held = self._store.bytes_held()
        archives: dict[str, deque[Job]] = defaultdict(deque)
        for job in self._unread(GRACE):
            archives[job.client].append(job)
        own = held.get(client, 0) if client is not None else 0
        while held:
            largest = max(held, key=held.__getitem__)
            if held[largest] <= own:
                return
            if archives[largest]:
                job = archives[largest].popleft()
                held[largest] -= job.size or 0
                yield job
            elif client is None:
                return
            else:
                del held[largest]

    def _remove(self, job: Job) -> None:
        self._let_go(job.hash)
        # At once, so that what is free is known; should that fail, the task does it.
        self._storage.remove(job.hash)


class LeftoverSweep:
    """Removes scratch and uploads of jobs that nobody will take up; a part of the task `expire`.

    Runs do so themselves; this is for what a kill or a crash has left.
    """

    def __init__(self, store: JobStore, storage: Leftovers) -> None:
        self._store = store
        self._storage = storage
        self._due_at = -math.inf

    def sweep(self, _key: str, stop: Event) -> Later:
        """Look at all scratch where that is due, and look again after a pause."""
        now = time.monotonic()
        if now < self._due_at:
            return Later(self._due_at - now)
        self._due_at = now + SWEEP_EVERY
        try:
            found = list(self._storage.left_over())
        except StorageFailed as error:
            _log.warning("leftovers not listed reason=%s", error)
            found = []
        for key, written_at in found:
            if stop.is_set():
                return Later(0.0)
            remove = self._removal(key, time.time() - written_at)
            if remove is not None:
                with about(job=key):
                    try:
                        remove(key)
                    except StorageFailed as error:
                        _log.warning("leftovers not removed reason=%s", error)
                    else:
                        _log.info("leftovers removed")
        return Later(SWEEP_EVERY)

    def _removal(self, key: str, age: float) -> Callable[[str], None] | None:
        """Return how to remove what is left of a job; None if it may still be resumed.

        A run that was frozen until its job had ended may have published an archive after all others
        were removed. Only its leftovers tell of it.
        """
        try:
            state, _ = self._store.find_version(key)
        except NotFound:
            return self._storage.discard if age > _UNKNOWN_FOR else None
        match state:
            case JobState.COMPLETED:
                return self._storage.discard
            case JobState.CANCELLED | JobState.EXPIRED:
                return self._storage.remove
            case _:
                return None
