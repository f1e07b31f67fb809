"""Long polls: held until the job has ended, and never more of them than may be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from packmule.jobs.model import JobState
from packmule.web.parts import Bounds
from packmule.web.waiting import LongPolls

if TYPE_CHECKING:
    from starlette.requests import Request

    from packmule.web.parts import Parts


class Waiting:
    """The parts, the store and the request of a long poll, as far as it asks them."""

    def __init__(self, *, most: int) -> None:
        self.bounds = Bounds(long_polls=most)
        self.store = self
        self.state = JobState.RUNNING
        self.looks = 0
        self.hung_up = False
        self.draining = lambda: False

    def find_version(self, _hash: str) -> tuple[JobState, int]:
        self.looks += 1
        return self.state, 1

    async def is_disconnected(self) -> bool:
        return self.hung_up

    async def poll(self, polls: LongPolls, seconds: float) -> None:
        await polls.hold(cast("Request", self), cast("Parts", self), "0" * 32, seconds)


def held(waiting: Waiting, number: int, **after: Any) -> int:
    """Hold so many, then change something; tell how many were held until then."""

    async def run() -> int:
        polls = LongPolls()
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
        polls = LongPolls()
        for _ in range(3):
            await waiting.poll(polls, 60)

    asyncio.run(run())
    assert waiting.looks == 3
