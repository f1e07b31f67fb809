"""Long polls: held until the job has ended, and never more of them than may be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from packmule.errors import StorageFailed
from packmule.jobs.model import JobState
from packmule.web.bounds import RequestBounds
from packmule.web.job_changes import JobChanges

if TYPE_CHECKING:
    from starlette.requests import Request

    from packmule.web.services import Services


class Waiting:
    """The services, the store and the request of a long poll, as far as it asks them."""

    def __init__(self, *, most: int) -> None:
        self.bounds = RequestBounds(long_polls=most)
        self.store = self
        self.state = JobState.RUNNING
        self.asked: list[list[str]] = []
        self.looks = 0
        self.hung_up = False
        self.draining = lambda: False

    def find_version(self, _hash: str) -> tuple[JobState, int]:
        self.looks += 1
        return self.state, 1

    def find_versions(self, hashes: list[str]) -> dict[str, tuple[JobState, int]]:
        self.asked.append(hashes)
        return dict.fromkeys(hashes, (self.state, 1))

    async def is_disconnected(self) -> bool:
        return self.hung_up

    async def poll(self, changes: JobChanges, seconds: float, hash_: str = "0" * 32) -> None:
        await changes.hold(cast("Request", self), cast("Services", self), hash_, seconds)


def held(waiting: Waiting, number: int, **after: Any) -> int:
    """Hold so many, then change something; tell how many were held until then."""

    async def run() -> int:
        polls = JobChanges()
        tasks = [asyncio.create_task(waiting.poll(polls, 60)) for _ in range(number)]
        while waiting.looks < min(number, waiting.bounds.long_polls):  # noqa: ASYNC110 - by a thread
            await asyncio.sleep(0.01)
        held = sum(not task.done() for task in tasks)
        for name, value in after.items():
            setattr(waiting, name, value)
        await asyncio.gather(*tasks)
        return held

    return asyncio.run(run())


@pytest.mark.parametrize(
    "after",
    [{"state": JobState.COMPLETED}, {"hung_up": True}, {"draining": lambda: True}],
    ids=["the job ends", "the client hangs up", "the process ends"],
)
def test_it_is_held_until(after: dict[str, Any]) -> None:
    assert held(Waiting(most=5), 3, **after) == 3


def test_no_more_are_held_than_may_be() -> None:
    assert held(Waiting(most=2), 5, state=JobState.FAILED) == 2


def test_room_is_made_by_those_that_end() -> None:
    waiting = Waiting(most=1)
    waiting.state = JobState.COMPLETED

    async def run() -> None:
        polls = JobChanges()
        for _ in range(3):
            await waiting.poll(polls, 60)

    asyncio.run(run())
    assert waiting.looks == 3


def test_one_question_is_asked_for_all_jobs_that_are_waited_for() -> None:
    waiting = Waiting(most=5)

    async def run() -> None:
        changes = JobChanges()
        hashes = ["a" * 32, "a" * 32, "b" * 32]
        tasks = [asyncio.create_task(waiting.poll(changes, 60, each)) for each in hashes]
        while ["a" * 32, "b" * 32] not in waiting.asked:  # noqa: ASYNC110 - by a thread
            await asyncio.sleep(0.01)
        assert repr(changes) == "<JobChanges: 2 jobs, 3 polls, 0 streams>"
        waiting.state = JobState.COMPLETED
        await asyncio.gather(*tasks)
        assert repr(changes) == "<JobChanges: 0 jobs, 0 polls, 0 streams>"

    asyncio.run(run())
    assert waiting.looks == 3


def test_a_watched_job_is_forgotten_with_its_last_watcher() -> None:
    waiting, changes = Waiting(most=5), JobChanges()

    async def run() -> None:
        ports = cast("Services", waiting)
        with changes.watched(ports, "a" * 32) as job, changes.watched(ports, "a" * 32) as same:
            assert job is same
            await job.news(60)
            assert repr(job) == f"<WatchedJob: 2 watchers, seen {(JobState.RUNNING, 1)}>"
        with changes.watched(ports, "a" * 32) as anew:
            assert anew is not job

    asyncio.run(run())


def test_a_store_that_fails_for_a_while_is_asked_again() -> None:
    waiting = Waiting(most=5)
    answers = waiting.find_versions

    def failing(hashes: list[str]) -> dict[str, tuple[JobState, int]]:
        if len(waiting.asked) < 3:
            waiting.asked.append(hashes)
            raise StorageFailed("Not now.")
        waiting.state = JobState.COMPLETED
        return answers(hashes)

    waiting.find_versions = failing  # type: ignore[method-assign]
    assert held(waiting, 2) == 2
