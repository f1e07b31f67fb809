"""Clean-up lets go what has had its time, and nothing else."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated
from tests.fakes.jobs import RETENTION, in_state

from packmule.cleanup.expiry import HOLD, PAUSE, Expiry, Removal
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.errors import StorageFailed
from packmule.jobs.model import JobState
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.jobs.model import Job


class ShortLists(JobStore):
    """A job store that lists a few jobs at a time, so that few make more than one list."""

    def due_for_expiry(self, now: datetime, _limit: int = 0) -> tuple[str, ...]:
        return super().due_for_expiry(now, 3)


class House:
    """A store, a storage and the clean-up over both, on a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.engine = migrated(folder / "packmule.db")
        self.store = ShortLists(self.engine, self.clock, retention=RETENTION)
        self.storage = LocalStorage(folder)
        self.queue = EmbeddedEngine(self.engine)
        self.expiry = Expiry(self.store, self.defer_removal, lambda: self.clock.now)

    def defer_removal(self, connection: Connection, job: Job) -> None:
        self.queue.defer(connection, Task("remove", job.hash))

    def work(self, storage: LocalStorage | None = None) -> None:
        """Run what is in the queue, as a worker would that was started now."""
        removal, stop = Removal(storage or self.storage), Event()

        def remove(key: str, stopping: Event) -> None:
            removal.remove(key, stopping)
            if not self.waiting() - 1:
                stop.set()

        if self.waiting():
            self.queue.run({"remove": remove}, concurrency={"remove": 1}, stop=stop)

    def waiting(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM tasks")).scalar_one())

    def archive(self, state: JobState = JobState.COMPLETED) -> str:
        hash_ = in_state(self.store, state)
        with self.storage.claim(hash_, 1, ()) as scratch:
            scratch.write_bytes(b"an archive")
        if state is JobState.COMPLETED:
            self.storage.publish(hash_, 1, scratch)
        return hash_

    def scratch(self, hash_: str) -> bytes:
        with self.storage.claim(hash_, 2, [(0, 10)]) as scratch:
            return scratch.read_bytes()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.engine.dispose()


def test_an_archive_stays_until_its_time_is_over(house: House) -> None:
    hash_ = house.archive()
    house.clock.advance(RETENTION - 1)
    assert house.expiry.sweep("all", Event()) == Later(PAUSE)
    assert house.store.get(hash_).state is JobState.COMPLETED
    assert house.storage.find(hash_) is not None


def test_an_archive_whose_time_is_over_is_gone_and_its_job_says_so(house: House) -> None:
    hash_ = house.archive()
    house.clock.advance(RETENTION + 1)
    house.expiry.sweep("all", Event())
    # A kill here loses nothing: the removal waits in the queue.
    assert house.store.get(hash_).state is JobState.EXPIRED
    house.work()
    assert house.storage.find(hash_) is None
    assert house.waiting() == 0


class Reluctant(LocalStorage):
    """Refuses to remove anything at first."""

    refusals = 0

    def remove(self, key: str) -> None:
        """Refuse once."""
        self.refusals += 1
        if self.refusals == 1:
            raise StorageFailed("Not now.")
        super().remove(key)


def test_an_archive_that_storage_will_not_let_go_is_removed_later(
    house: House, tmp_path: Path
) -> None:
    hash_ = house.archive()
    house.clock.advance(RETENTION + 1)
    house.expiry.sweep("all", Event())
    storage = Reluctant(tmp_path)
    house.work(storage)
    assert storage.refusals == 2
    assert house.storage.find(hash_) is None


def test_the_scratch_of_a_failed_job_goes_with_its_time(house: House) -> None:
    hash_ = house.archive(JobState.FAILED)
    house.clock.advance(RETENTION + 1)
    house.expiry.sweep("all", Event())
    house.work()
    assert house.scratch(hash_) == b""


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_job_in_work_is_never_removed(house: House, state: JobState) -> None:
    hash_ = house.archive(state)
    house.clock.advance(100 * RETENTION)
    house.expiry.sweep("all", Event())
    assert house.store.get(hash_).state is state
    assert house.scratch(hash_) == b"an archive"


def test_more_than_one_lot_is_removed_in_one_sweep(house: House) -> None:
    hashes = [house.archive() for _ in range(8)]
    house.clock.advance(RETENTION + 1)
    house.expiry.sweep("all", Event())
    assert {house.store.get(hash_).state for hash_ in hashes} == {JobState.EXPIRED}


def test_a_sweep_that_is_told_to_stop_goes_on_at_once_later(house: House) -> None:
    hash_ = house.archive()
    house.clock.advance(RETENTION + 1)
    stop = Event()
    stop.set()
    assert house.expiry.sweep("all", stop) == Later(0.0)
    assert house.store.get(hash_).state is JobState.COMPLETED


def test_nothing_expires_soon_after_the_clock_was_set_forward(tmp_path: Path) -> None:
    house = House(tmp_path)
    steady = FakeClock()
    expiry = Expiry(house.store, house.defer_removal, lambda: house.clock.now, steady=steady)
    hash_ = house.archive()
    house.clock.advance(RETENTION + 1)
    assert expiry.sweep("", Event()) == Later(PAUSE)
    assert house.store.get(hash_).state is JobState.COMPLETED
    for clock in (house.clock, steady):
        clock.advance(HOLD)
    expiry.sweep("", Event())
    assert house.store.get(hash_).state is JobState.EXPIRED
