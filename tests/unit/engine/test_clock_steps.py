"""A clock that was set: what waits still begins in time, and what is in work stays in hand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock

from packmule.engine.change_watch import Poll
from packmule.engine.clock_steps import TOLERANCE, ClockSteps
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.engine.queue import WorkerQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

LEASE = 15.0
HOUR = 3600.0
PATIENCE = 30.0


def test_a_step_is_reported_once_and_drift_is_none() -> None:
    steps = ClockSteps()
    assert steps.look(1000.0, 5.0) == 0.0
    assert steps.look(1000.0 + TOLERANCE, 5.0) == 0.0
    assert steps.look(1000.0 - HOUR, 5.0) == -HOUR
    assert steps.look(1001.0 - HOUR, 6.0) == 0.0
    assert steps.look(1001.0, 6.0) == HOUR


class Worker:
    """A worker turned by hand, whose clocks the test moves; handlers run until let go."""

    def __init__(self, db: Engine, wall: FakeClock, steady: FakeClock, name: str) -> None:
        self.begun: list[str] = []
        self.stops: list[threading.Event] = []
        self.let_go = threading.Event()
        self.answer: Later | None = None
        self.news = threading.Semaphore(0)
        self.dispatcher = Dispatcher(
            WorkerQueue(db, wall, worker=name, lease=LEASE),
            Poll(),
            handlers={"job": self._handle},
            concurrency={"job": 4},
            stop=threading.Event(),
            clock=wall,
            steady=steady,
            is_gone=lambda _: False,
            lease=LEASE,
        )

    def _handle(self, key: str, stop: threading.Event) -> Later | None:
        self.begun.append(key)
        self.stops.append(stop)
        self.news.release()
        assert self.let_go.wait(PATIENCE)
        return self.answer

    def turn(self, begins: int = 0) -> None:
        self.dispatcher.turn()
        for _ in range(begins):
            assert self.news.acquire(timeout=PATIENCE)


@pytest.fixture
def steady() -> FakeClock:
    return FakeClock()


@pytest.fixture
def workers(db: Engine, clock: FakeClock, steady: FakeClock) -> Iterator[list[Worker]]:
    made = [Worker(db, clock, steady, name) for name in ("ann", "bob")]
    yield made
    for worker in made:
        worker.let_go.set()


def defer(db: Engine, clock: FakeClock, key: str, delay: float = 0.0) -> None:
    with db.begin() as connection:
        EmbeddedEngine(db, clock).defer(connection, Task("job", key, delay=delay))


def test_a_task_that_waits_begins_although_the_clock_was_set_back(
    db: Engine, clock: FakeClock, workers: list[Worker]
) -> None:
    ann, _ = workers
    ann.turn()
    defer(db, clock, "a")
    clock.advance(-HOUR)
    ann.turn(begins=1)
    assert ann.begun == ["a"]


def test_a_delay_is_no_longer_after_the_clock_was_set_back(
    db: Engine, clock: FakeClock, steady: FakeClock, workers: list[Worker]
) -> None:
    ann, _ = workers
    ann.turn()
    defer(db, clock, "a", delay=60.0)
    clock.advance(-HOUR)
    ann.turn()
    for each in (clock, steady):
        each.advance(59.0)
    ann.turn()
    assert ann.begun == []
    for each in (clock, steady):
        each.advance(1.0)
    ann.turn(begins=1)


def test_a_worker_that_starts_after_the_clock_was_set_back_begins_what_waits(
    db: Engine, clock: FakeClock, workers: list[Worker]
) -> None:
    defer(db, clock, "a")
    clock.advance(-HOUR)
    workers[0].turn(begins=1)


def test_what_a_dead_worker_held_is_free_after_its_lease_though_the_clock_was_set_back(
    db: Engine, clock: FakeClock, steady: FakeClock, workers: list[Worker]
) -> None:
    ann, bob = workers
    defer(db, clock, "a")
    ann.turn(begins=1)
    bob.turn()
    clock.advance(-HOUR)
    bob.turn()  # ann is dead: it never turns again
    for each in (clock, steady):
        each.advance(LEASE)
    bob.turn(begins=1)
    assert bob.begun == ["a"]


def test_no_run_is_lost_because_the_clock_was_set_forward(
    db: Engine, clock: FakeClock, workers: list[Worker]
) -> None:
    ann, bob = workers
    defer(db, clock, "a")
    ann.turn(begins=1)
    bob.turn()
    clock.advance(HOUR)
    bob.turn()  # it comes first, and ann's lease seems to be over
    ann.turn()
    clock.advance(1.0)
    bob.turn()
    ann.turn()
    assert bob.begun == []
    assert not ann.stops[0].is_set()


def test_what_a_dead_worker_held_is_free_soon_though_the_clock_was_set_forward(
    db: Engine, clock: FakeClock, steady: FakeClock, workers: list[Worker]
) -> None:
    ann, bob = workers
    defer(db, clock, "a")
    ann.turn(begins=1)
    bob.turn()
    clock.advance(HOUR)
    bob.turn()
    for each in (clock, steady):
        each.advance(5.0)
    bob.turn(begins=1)
    assert bob.begun == ["a"]


def test_a_run_is_renewed_and_not_stopped_when_the_clock_was_set_back(
    db: Engine, clock: FakeClock, steady: FakeClock, workers: list[Worker]
) -> None:
    ann, bob = workers
    defer(db, clock, "a")
    ann.turn(begins=1)
    bob.turn()
    clock.advance(-HOUR)
    for _ in range(4):
        bob.turn()
        ann.turn()
        for each in (clock, steady):
            each.advance(LEASE / 2)
    assert bob.begun == []
    assert not ann.stops[0].is_set()
