"""Waiting for changes of jobs: one look at the store serves all that wait, within bounds.

Owns how often the store is asked, how long an answer is held back and how many are at once. Leaves
what is answered to the route, and streams of events to `events.py`. What all that wait cost
together is bounded: one question for all their jobs, `_LOOK_EVERY` seconds apart, and farther apart
the more jobs there are (docs/decisions/0014-asking-the-store.md).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from packmule.web.documents import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from packmule.jobs.model import JobState
    from packmule.web.event_feed import FilesEvent, StatusEvent
    from packmule.web.services import Services

_log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
_LOOK_EVERY = 0.15
_JOBS_PER_SECOND = 5000
_SEE_WHO_HAS_GONE_EVERY = 1.0


class WatchedJob:
    """A job that is waited for: its state and version as last seen, None where it is not there.

    `status` and `files` are for what those who wait would otherwise each read from the store;
    `reading` is held meanwhile.
    """

    def __init__(self) -> None:
        self.watchers = 0
        self.seen: tuple[JobState, int] | None = None
        self.status: StatusEvent | None = None
        self.files: FilesEvent | None = None
        self.reading = asyncio.Lock()
        self._news = asyncio.Event()

    async def news(self, seconds: float) -> None:
        """Wait until something about the job, or this process, has changed; or the seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    def see(self, seen: tuple[JobState, int] | None) -> None:
        """Note what was found, and wake all who wait if it is news."""
        if seen != self.seen:
            self.seen = seen
            self.wake()

    def wake(self) -> None:
        """Wake all who wait."""
        self._news.set()
        self._news = asyncio.Event()


class JobChanges:
    """All jobs that are waited for in this process, and the one task that looks after them."""

    def __init__(self) -> None:
        self._jobs: dict[str, WatchedJob] = {}
        self._looking: asyncio.Task[None] | None = None
        self.polls = 0
        self.streams = 0

    @contextmanager
    def watched(self, services: Services, hash_: str) -> Iterator[WatchedJob]:
        """Have a job looked after until the end of the context."""
        job = self._jobs.setdefault(hash_, WatchedJob())
        job.watchers += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look(services))
        try:
            yield job
        finally:
            job.watchers -= 1
            if not job.watchers:
                del self._jobs[hash_]

    async def _look(self, services: Services) -> None:
        """Look again and again, until nobody waits."""
        while self._jobs:
            await self._look_once(services, list(self._jobs))
            await asyncio.sleep(max(_LOOK_EVERY, len(self._jobs) / _JOBS_PER_SECOND))

    async def _look_once(self, services: Services, hashes: list[str]) -> None:
        is_draining = services.draining()
        try:
            found = await run_in_threadpool(services.store.find_versions, hashes)
        except Exception as error:  # noqa: BLE001 - whatever it is, one looks again
            # Those who wait find out at the end of their time what it means.
            _log.debug("whether jobs have changed cannot be asked: %s", error)
            found = None
        for hash_ in hashes:
            job = self._jobs.get(hash_)
            if job is not None and found is not None:
                job.see(found.get(hash_))
            if job is not None and is_draining:
                job.wake()

    async def hold(self, request: Request, services: Services, hash_: str, seconds: float) -> None:
        """Wait until a job is no longer open; also no longer than its client, or this process.

        Returns at once where as many wait as may: its client is answered, only sooner. Raises
        NotFound.
        """
        if self.polls >= services.bounds.long_polls:
            return
        self.polls += 1
        try:
            await self._until_ended(request, services, hash_, min(seconds, LONGEST_WAIT))
        finally:
            self.polls -= 1

    async def _until_ended(
        self, request: Request, services: Services, hash_: str, seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        state, _ = await run_in_threadpool(services.store.find_version, hash_)
        if state not in OPEN_STATES:
            return
        with self.watched(services, hash_) as job:
            while (left := deadline - loop.time()) > 0 and not services.draining():
                await job.news(min(left, _SEE_WHO_HAS_GONE_EVERY))
                if job.seen is not None and job.seen[0] not in OPEN_STATES:
                    return
                if await request.is_disconnected():
                    return
