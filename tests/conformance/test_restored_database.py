"""A database that was restored under a worker: numbers come again, tokens do not.

Whoever was frozen before the restore, and wakes up after it, harms nothing that was begun since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import FAILURE, PUBLISHED, begun, checkpoint, done
from tests.fakes.postgres import database_with_tables
from tests.fakes.restoring import Backup

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Task
from packmule.engine.postgres import PostgresEngine
from packmule.engine.procrastinate_queue import ProcrastinateQueue
from packmule.engine.queue import Ended, Leased, Queue, WorkerQueue
from packmule.errors import StaleAttempt
from packmule.jobs.database import writing
from packmule.jobs.model import Fence, JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> str:
    """Name a database of the test's own: it is not the one that all others are given."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'packmule.db'}"
    return database_with_tables(request.getfixturevalue("postgres_server"))


WRITES: dict[str, Callable[[JobStore, Fence], object]] = {
    "checkpoint": lambda store, fence: store.checkpoint(fence, checkpoint(done())),
    "complete": lambda store, fence: store.complete(fence, PUBLISHED, checkpoint(done())),
    "fail": lambda store, fence: store.fail(fence, FAILURE),
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_run_of_a_lost_past_is_not_taken_for_one_of_the_same_numbers(
    db: Engine, store: JobStore
) -> None:
    backup = Backup(db)
    frozen = begun(store)
    backup.restore()
    other = begun(store)
    assert frozen.fence[:2] == other.fence[:2], "the numbers came again"
    assert store.still_held([frozen.fence, other.fence]) == {other.fence: False}
    for write in WRITES.values():
        with pytest.raises(StaleAttempt):
            write(store, frozen.fence)
    assert store.complete(other.fence, PUBLISHED, checkpoint()).state is JobState.COMPLETED


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_run_that_the_restore_has_forgotten_does_not_end_the_one_begun_since(
    db: Engine, store: JobStore
) -> None:
    first = begun(store)
    backup = Backup(db)
    frozen = store.begin(first.job.hash)
    backup.restore()
    again = store.begin(first.job.hash)
    assert frozen is not None
    assert again is not None
    assert frozen.fence[:2] == again.fence[:2]
    with pytest.raises(StaleAttempt):
        store.complete(frozen.fence, PUBLISHED, checkpoint())
    store.checkpoint(again.fence, checkpoint(done()))


class Worker:
    """A worker's side of the queue."""

    def __init__(self, db: Engine, clock: FakeClock) -> None:
        self.queue: Queue
        if db.dialect.name == "sqlite":
            self.queue = WorkerQueue(db, clock, worker=f"worker-{id(self)}", lease=15.0)
        else:
            self.queue = ProcrastinateQueue(db, clock, lease=15.0)
        self.clock = clock
        self.show_life()

    def show_life(self) -> None:
        """Do what a worker does at intervals: on PostgreSQL, let the heart beat."""
        vars(self.queue).update(_beat_at=float("-inf"))
        self.queue.free_the_gone(lambda _: False)

    def take(self) -> Leased:
        """Take the only task."""
        found = self.queue.find_due(self.clock(), {"build": 1}, ())
        (leased,) = self.queue.exchange((), (), found["build"]).leased
        return leased

    def loses(self, task: Leased) -> bool:
        """Tell whether a task turns out to be in other hands."""
        return task.lease in self.queue.exchange((), [task.lease], ()).lost


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("before_the_backup", ["nothing", "put in"])
def test_a_worker_of_a_lost_past_neither_keeps_nor_ends_nor_frees_the_task_of_another(
    db: Engine, clock: FakeClock, kind: str, before_the_backup: str
) -> None:
    engine: Any = EmbeddedEngine(db, clock) if kind == "sqlite" else PostgresEngine(db, clock)

    def put_in() -> None:
        with writing(db) as connection:
            engine.defer(connection, Task("build", "a" * 32))

    if before_the_backup != "nothing":
        put_in()
    backup = Backup(db)
    if before_the_backup == "nothing":
        put_in()
    frozen = Worker(db, clock)
    lost = frozen.take()
    backup.restore()
    if before_the_backup == "nothing":
        put_in()
    other = Worker(db, clock)
    held = other.take()
    assert held.id == lost.id, "the numbers came again"
    assert frozen.loses(lost)
    frozen.queue.exchange([Ended(lost)], (), ())
    frozen.show_life()
    frozen.queue.exchange([Ended(lost, again=0.0)], (), ())
    assert not other.loses(held)
    assert [task.in_work for task in engine.to_do("a" * 32)] == [True]
    other.queue.exchange([Ended(held)], (), ())
    assert engine.to_do("a" * 32) == ()
