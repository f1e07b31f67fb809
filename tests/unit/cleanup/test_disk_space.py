"""Where the disk runs short the oldest archives go, and nothing that anybody still needs."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.databases import migrated
from tests.fakes.jobs import PROGRESS, PUBLISHED, in_state, no_defer, request

from packmule.cleanup.disk_space import (
    GRACE,
    LOOK_EVERY,
    SWEEP_EVERY,
    LeftoverSweep,
    SpaceReclaimer,
)
from packmule.cleanup.expiry import Expiry
from packmule.engine.interface import Later
from packmule.jobs.model import Checkpoint, JobState
from packmule.jobs.store import JobStore
from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.jobs.model import Job

SIZE = 1000
LONG_AGO = 1_700_000_000.0


class SmallDisk(LocalStorage):
    """Local storage on a disk of so many bytes, of which each archive and scratch takes SIZE."""

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder)
        self._folder_ = folder
        self.size = size

    def free_bytes(self) -> int:
        return self.size - SIZE * sum(1 for _ in self._folder_.glob("*/*/*.zip"))


class ShortLists(JobStore):
    """A job store that lists a few jobs at a time, so that few make more than one list."""

    def oldest_completed(self, after: int, _limit: int = 0) -> tuple[Job, ...]:
        return super().oldest_completed(after, 3)


class House:
    """A store and a small disk."""

    def __init__(self, folder: Path) -> None:
        self.database = migrated(folder / "packmule.db")
        self.store = ShortLists(self.database)
        self.storage = SmallDisk(folder, 10 * SIZE)
        self.removals: list[str] = []

    def defer_removal(self, _connection: Connection, job: Job) -> None:
        self.removals.append(job.hash)

    def job(
        self,
        state: JobState = JobState.COMPLETED,
        *,
        client: str = "",
        read: bool = False,
        asked_at: float = LONG_AGO,
    ) -> str:
        """Make a job with its archive or scratch, which nobody has asked for in a long time."""
        hash_ = in_state(self.store, state, client=client)
        with self.storage.claim(hash_, 1, ()) as path:
            path.write_bytes(b"bytes")
        if state is JobState.COMPLETED:
            published = self.storage.publish(hash_, 1, path).path
            assert published is not None
            path = published
        if not read:
            os.utime(path, (asked_at, LONG_AGO))
        return hash_

    def make(self, reserve: int, stop: Event | None = None) -> None:
        expiry = Expiry(self.store, self.defer_removal, lambda: pytest.fail("no time is asked"))
        room = SpaceReclaimer(self.store, self.storage, expiry.let_go, reserve)
        assert room.make("all", stop or Event()) == Later(LOOK_EVERY)

    def make_for(
        self, wanted: int | None, in_all: int = 0, *, client: str = "", reserve: int = SIZE
    ) -> bool:
        expiry = Expiry(self.store, self.defer_removal, lambda: pytest.fail("no time is asked"))
        room = SpaceReclaimer(self.store, self.storage, expiry.let_go, reserve)
        return room.make_for(client, wanted, in_all)

    def states(self, hashes: list[str]) -> list[str]:
        return [self.store.get(hash_).state.value for hash_ in hashes]

    def sweep(self) -> None:
        assert LeftoverSweep(self.store, self.storage).sweep("all", Event()) == Later(SWEEP_EVERY)

    def has_scratch(self, hash_: str) -> bool:
        return hash_ in {key for key, _ in self.storage.left_over()}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.database.dispose()


def test_the_oldest_archives_go_until_twice_the_reserve_is_free(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    house.make(2 * SIZE)
    assert house.states(jobs) == ["expired"] * 2 + ["completed"] * 6
    assert house.storage.find(jobs[1]) is None
    assert house.storage.find(jobs[2]) is not None
    assert house.removals == jobs[:2]


def test_nothing_goes_while_there_is_room(house: House) -> None:
    jobs = [house.job() for _ in range(7)]
    house.make(2 * SIZE)  # 3,000 bytes are free: one and a half times the reserve
    assert house.states(jobs) == ["completed"] * 7


def test_only_what_is_completed_goes(house: House) -> None:
    others = [JobState.QUEUED, JobState.RUNNING, JobState.FAILED]
    kept = [house.job(state) for state in others]
    jobs = [house.job() for _ in range(6)]
    house.make(5 * SIZE)
    assert house.states(kept) == [state.value for state in others]
    assert all(house.has_scratch(hash_) for hash_ in kept)
    assert house.states(jobs) == ["expired"] * 6


def test_what_was_asked_for_lately_is_spared(house: House) -> None:
    jobs = [house.job(read=number == 0) for number in range(8)]
    assert GRACE > 60
    house.make(2 * SIZE)
    assert house.states(jobs) == ["completed", "expired", "expired"] + ["completed"] * 5


def test_what_is_being_downloaded_is_spared(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    archive = house.storage.find(jobs[0])
    assert archive is not None
    assert archive.path is not None
    with archive.path.open("rb"):
        house.make(2 * SIZE)
    assert house.states(jobs) == ["completed", "expired", "expired"] + ["completed"] * 5


def test_a_stop_ends_it_between_two_archives(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    stop = Event()
    stop.set()
    house.make(2 * SIZE, stop)
    assert house.states(jobs) == ["completed"] * 8


def test_more_archives_than_one_look_lists_can_go(house: House) -> None:
    house.storage.size = 15 * SIZE
    jobs = [house.job(read=number < 5) for number in range(10)]
    house.make(5 * SIZE)
    assert house.states(jobs) == ["completed"] * 5 + ["expired"] * 5


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.CANCELLED, JobState.EXPIRED])
def test_what_a_crash_has_left_of_a_dead_job_is_removed(house: House, state: JobState) -> None:
    hash_ = in_state(house.store, state)
    with house.storage.claim(hash_, 1, ()) as scratch:
        beside = scratch.with_name(f"{scratch.name}.spool-1")
        beside.write_bytes(b"spooled")
    house.sweep()
    assert not house.has_scratch(hash_)
    assert not beside.exists()


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.EXPIRED])
def test_an_archive_that_a_frozen_run_published_too_late_is_removed_with_its_leftovers(
    house: House, state: JobState
) -> None:
    hash_ = in_state(house.store, state)
    for attempt in (1, 2):  # the second is killed before it has tidied up
        with house.storage.claim(hash_, attempt, ()) as scratch:
            scratch.write_bytes(b"bytes")
            if attempt == 1:
                house.storage.publish(hash_, attempt, scratch)
    house.sweep()
    assert house.storage.find(hash_) is None
    assert not house.has_scratch(hash_)


def test_the_archive_of_a_completed_job_stays_where_its_leftovers_are_removed(
    house: House,
) -> None:
    hash_ = house.job()
    with house.storage.claim(hash_, 2, ()) as scratch:
        scratch.write_bytes(b"bytes")
    house.sweep()
    assert house.storage.find(hash_) is not None
    assert not house.has_scratch(hash_)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.FAILED])
def test_scratch_that_will_be_gone_on_with_stays(house: House, state: JobState) -> None:
    hash_ = house.job(state)
    house.sweep()
    assert house.has_scratch(hash_)


def test_scratch_that_no_job_knows_is_removed_after_an_hour(house: House) -> None:
    old, new = "0a" * 16, "0b" * 16
    for key in (old, new):
        with house.storage.claim(key, 1, ()) as scratch:
            scratch.write_bytes(b"of whom?")
        if key == old:
            os.utime(scratch, (LONG_AGO, LONG_AGO))
    house.sweep()
    assert not house.has_scratch(old)
    assert house.has_scratch(new)


def test_all_scratch_is_looked_at_only_every_ten_minutes(house: House) -> None:
    sweep = LeftoverSweep(house.store, house.storage)
    sweep.sweep("all", Event())
    hash_ = house.job(JobState.CANCELLED)
    assert SWEEP_EVERY - 60 < sweep.sweep("all", Event()).delay <= SWEEP_EVERY
    assert house.has_scratch(hash_)


def test_an_archive_is_not_swept(house: House) -> None:
    hash_ = house.job()
    house.sweep()
    assert house.storage.find(hash_) is not None


def test_a_job_begun_meanwhile_is_not_touched(house: House) -> None:
    hash_ = house.store.create(request(), defer=no_defer)
    house.make(10 * SIZE)
    house.sweep()
    assert house.states([hash_]) == ["queued"]


def test_for_a_job_as_many_of_the_oldest_go_as_it_wants(house: House) -> None:
    jobs = [house.job(read=number == 1) for number in range(8)]
    # By what the job store says of it, each is more than twelve times as large as it is.
    assert house.make_for(2 * SIZE + 2 * PUBLISHED.size)
    assert house.states(jobs) == ["expired", "completed", "expired"] + ["completed"] * 5
    assert house.removals == [jobs[0], jobs[2]]


def test_for_a_job_that_would_find_too_little_all_the_same_nothing_goes(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    assert not house.make_for(3 * SIZE + 8 * PUBLISHED.size)
    assert house.states(jobs) == ["completed"] * 8


def test_what_another_job_has_made_room_for_need_not_go_twice(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    assert house.make_for(2 * SIZE)
    assert house.states(jobs) == ["completed"] * 8


def test_where_it_is_not_known_how_much_is_wanted_twice_the_reserve_is_made(house: House) -> None:
    house.storage.size = 9 * SIZE
    jobs = [house.job() for _ in range(8)]
    assert house.make_for(None)
    assert house.states(jobs) == ["expired"] + ["completed"] * 7
    # As much as that was free, and it was not enough: more of the same helps nobody.
    assert not house.make_for(None)
    assert house.states(jobs) == ["expired"] + ["completed"] * 7


def test_where_nothing_may_go_there_is_no_room_to_be_made(house: House) -> None:
    house.storage.size = 8 * SIZE
    jobs = [house.job(read=True) for _ in range(8)]
    assert not house.make_for(None)
    assert not house.make_for(SIZE)
    assert house.states(jobs) == ["completed"] * 8


def an_hour_ago() -> float:
    return time.time() - 3600


def test_a_job_takes_its_own_clients_archives_first(house: House) -> None:
    older = [house.job(client="bob") for _ in range(3)]
    own = [house.job(client="ann", asked_at=an_hour_ago()) for _ in range(5)]
    assert house.make_for(3 * SIZE, client="ann")
    assert house.states(older) == ["completed"] * 3
    assert house.states(own) == ["expired"] + ["completed"] * 4


def test_anothers_archives_go_once_nobody_has_asked_for_them_in_a_day(house: House) -> None:
    fresh = [house.job(client="bob", asked_at=an_hour_ago()) for _ in range(4)]
    forgotten = [house.job(client="bob") for _ in range(4)]
    in_state(house.store, JobState.RUNNING, client="ann")
    assert house.make_for(3 * SIZE, client="ann")
    assert house.states(forgotten) == ["expired"] + ["completed"] * 3
    assert house.states(fresh) == ["completed"] * 4


def test_fresh_archives_go_only_of_a_client_that_holds_more(house: House) -> None:
    few = [house.job(client="bob", asked_at=an_hour_ago())]
    many = [house.job(client="eve", asked_at=an_hour_ago()) for _ in range(7)]
    assert house.make_for(3 * SIZE, client="ann")
    assert house.states(few + many) == ["completed", "expired"] + ["completed"] * 6
    # Eve, who holds the most, cannot take what Bob has.
    for hash_ in many[1:]:
        path = house.storage.find(hash_)
        assert path is not None
        assert path.path is not None
        os.utime(path.path)
    assert not house.make_for(8 * SIZE, client="eve")
    assert house.states(few) == ["completed"]


def test_a_false_length_expires_nothing_beyond_the_step(house: House) -> None:
    jobs = [house.job() for _ in range(8)]
    assert not house.make_for(3 * SIZE, 400_000_000_000)
    assert house.states(jobs) == ["completed"] * 8
    assert house.make_for(3 * SIZE, 5 * SIZE)
    assert house.states(jobs) == ["expired"] + ["completed"] * 7


def test_for_bytes_of_open_jobs_nobody_elses_fresh_archives_go(house: House) -> None:
    hash_ = house.store.create(request(client="eve"), defer=no_defer)
    run = house.store.begin(hash_)
    assert run is not None
    held = replace(PROGRESS, bytes_done=10**12)
    house.store.checkpoint(run.fence, Checkpoint(0, held))
    jobs = [house.job(client="bob", asked_at=an_hour_ago()) for _ in range(8)]
    house.make(2 * SIZE)
    assert house.states(jobs) == ["completed"] * 8
