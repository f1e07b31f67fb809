"""Waiting for jobs to change: one query serves every waiting request.

Owns how often the store is asked, how long a response is held, and how many may wait. Leaves the
response to the route, and event streams to `events.py`. The cost of all waiting requests together
is bounded: one query for all their jobs every `_LOOK_EVERY` seconds, and less often the more jobs
there are (docs/decisions/0014-asking-the-store.md).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from starlette.concurrency import run_in_threadpool

from packmule.web.documents import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from packmule.jobs.model import JobState
    from packmule.jobs.store import JobStore
    from packmule.web.bounds import RequestBounds
    from packmule.web.event_values import FilesEvent, StatusEvent

_log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
_LOOK_EVERY = 0.15
_JOBS_PER_SECOND = 5000
_SEE_WHO_HAS_GONE_EVERY = 1.0


class WatchPorts(Protocol):
    """What watching jobs needs: the store to ask, and whether the process is about to stop."""

    @property
    def store(self) -> JobStore:
        """The jobs."""

    @property
    def bounds(self) -> RequestBounds:
        """How many responses may wait."""

    @property
    def draining(self) -> Callable[[], bool]:
        """Whether the process is about to stop."""


class WatchedJob:
    """A job that requests wait for: its state and version as last seen, None if it was not found.

    `statuses` and `files` cache what every stream would otherwise read from the store by itself,
    for the job's owner (True) and for others (False); `reading` is held while one of them reads.
    """

    def __init__(self) -> None:
        self.watchers = 0
        self.seen: tuple[JobState, int] | None = None
        self.statuses: dict[bool, StatusEvent] = {}
        self.files: dict[bool, FilesEvent] = {}
        self.reading = asyncio.Lock()
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        return f"<WatchedJob: {self.watchers} watchers, seen {self.seen}>"

    async def news(self, seconds: float) -> None:
        """Wait until the job changes, the process is about to stop, or the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    def see(self, seen: tuple[JobState, int] | None) -> None:
        """Record what was found, and wake the waiting requests if it is new."""
        if seen != self.seen:
            self.seen = seen
            self.wake()

    def wake(self) -> None:
        """Wake the waiting requests."""
        self._news.set()
        self._news = asyncio.Event()


class JobChanges:
    """All watched jobs of this process, and the one task that polls the store for them."""

    def __init__(self) -> None:
        self._jobs: dict[str, WatchedJob] = {}
        self._looking: asyncio.Task[None] | None = None
        self.polls = 0
        self.streams = 0

    def __repr__(self) -> str:
        return f"<JobChanges: {len(self._jobs)} jobs, {self.polls} polls, {self.streams} streams>"

    @contextmanager
    def watched(self, ports: WatchPorts, hash_: str) -> Iterator[WatchedJob]:
        """Watch a job until the context ends."""
        job = self._jobs.setdefault(hash_, WatchedJob())
        job.watchers += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look(ports))
        try:
            yield job
        finally:
            job.watchers -= 1
            if not job.watchers:
                del self._jobs[hash_]

    async def _look(self, ports: WatchPorts) -> None:
        """Poll the store until nobody waits."""
        while self._jobs:
            await self._look_once(ports, list(self._jobs))
            await asyncio.sleep(max(_LOOK_EVERY, len(self._jobs) / _JOBS_PER_SECOND))

    async def _look_once(self, ports: WatchPorts, hashes: list[str]) -> None:
        is_draining = ports.draining()
        try:
            found = await run_in_threadpool(ports.store.find_versions, hashes)
        except Exception as error:  # noqa: BLE001 - whatever it is, try again
            # The waiting requests read the store at the end of their time, and report the error.
            _log.debug("polling for changed jobs failed error=%s", error)
            found = None
        for hash_ in hashes:
            job = self._jobs.get(hash_)
            if job is not None and found is not None:
                job.see(found.get(hash_))
            if job is not None and is_draining:
                job.wake()

    async def hold(self, request: Request, ports: WatchPorts, hash_: str, seconds: float) -> None:
        """Wait until a job has ended, its client has gone, or the process is about to stop.

        Returns at once if too many requests are waiting already: the client gets its response
        earlier. Raises NotFound.
        """
        if self.polls >= ports.bounds.long_polls:
            return
        self.polls += 1
        try:
            await self._until_ended(request, ports, hash_, min(seconds, LONGEST_WAIT))
        finally:
            self.polls -= 1

    async def _until_ended(
        self, request: Request, ports: WatchPorts, hash_: str, seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        state, _ = await run_in_threadpool(ports.store.find_version, hash_)
        if state not in OPEN_STATES:
            return
        with self.watched(ports, hash_) as job:
            while (left := deadline - loop.time()) > 0 and not ports.draining():
                await job.news(min(left, _SEE_WHO_HAS_GONE_EVERY))
                if job.seen is not None and job.seen[0] not in OPEN_STATES:
                    return
                if await request.is_disconnected():
                    return
