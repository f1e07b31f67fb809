"""Records and links of ended jobs are bounded; what is unknown goes after a day."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import FAILURE, PUBLISHED, begun, checkpoint, done, failed, in_state

from packmule.cleanup.records import EVERY, RecordBounds
from packmule.engine.interface import Later
from packmule.errors import NotFound
from packmule.jobs.model import JobState
from packmule.jobs.orphans import OrphanNotes

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore

DAY = 86_400.0
KEEP = 90 * DAY


def bounds(store: JobStore, most_links: int = 1000) -> RecordBounds:
    def let_go(hash_: str) -> None:
        store.expire(hash_)

    return RecordBounds(store, let_go, keep=KEEP, most_links=most_links)


def is_there(store: JobStore, hash_: str) -> bool:
    try:
        store.get(hash_)
    except NotFound:
        return False
    return True


def links(store: JobStore, hash_: str) -> int:
    return len(store.files(hash_).files)


def test_a_record_is_deleted_when_it_is_old_enough_and_not_before(
    store: JobStore, clock: FakeClock
) -> None:
    old = in_state(store, JobState.EXPIRED)
    clock.advance(DAY)
    young = in_state(store, JobState.EXPIRED)
    clock.advance(KEEP - DAY / 2)
    assert bounds(store).sweep("all", Event()) == Later(EVERY)
    assert [is_there(store, hash_) for hash_ in (old, young)] == [False, True]


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.EXPIRED}))
def test_only_a_job_that_has_expired_is_deleted(
    store: JobStore, clock: FakeClock, state: JobState
) -> None:
    hash_ = in_state(store, state)
    clock.advance(10 * KEEP)
    bounds(store).sweep("all", Event())
    assert is_there(store, hash_)


def test_records_are_deleted_some_at_a_time_until_none_is_left(
    store: JobStore, clock: FakeClock
) -> None:
    for _ in range(5):
        in_state(store, JobState.EXPIRED)
    clock.advance(2 * KEEP)
    assert [store.delete_expired(KEEP, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_the_links_of_a_cancelled_job_are_not_kept(store: JobStore) -> None:
    cancelled = in_state(store, JobState.CANCELLED)
    running = begun(store)
    store.cancel(running.job.hash)
    assert [links(store, hash_) for hash_ in (cancelled, running.job.hash)] == [0, 0]


def completed(store: JobStore, client: str) -> str:
    """Complete a job of three files, one of which failed."""
    run = begun(store, client=client)
    store.complete(run.fence, PUBLISHED, checkpoint(done(0), done(1), failed(2)))
    return run.job.hash


def test_of_a_client_with_too_many_links_the_oldest_jobs_lose_theirs(store: JobStore) -> None:
    jobs = [completed(store, "ann") for _ in range(4)]
    of_another = completed(store, "bob")
    bounds(store, most_links=7).sweep("all", Event())
    assert [links(store, hash_) for hash_ in jobs] == [1, 1, 3, 3]
    assert links(store, of_another) == 3
    oldest = store.get(jobs[0])
    assert oldest.state is JobState.COMPLETED
    (failure,) = store.failures(oldest.id, 10)
    assert failure.position == 2, "what the status tells is kept"
    bounds(store, most_links=7).sweep("all", Event())
    assert [links(store, hash_) for hash_ in jobs] == [1, 1, 3, 3]


def test_a_failed_job_without_room_for_its_links_expires(store: JobStore) -> None:
    runs = [begun(store, client="ann") for _ in range(3)]
    for run in runs:
        store.fail(run.fence, FAILURE)
    bounds(store, most_links=6).sweep("all", Event())
    states = [store.get(run.job.hash).state for run in runs]
    assert states == [JobState.EXPIRED, JobState.FAILED, JobState.FAILED]


def test_open_jobs_keep_their_links_however_many(store: JobStore) -> None:
    run = begun(store, files=20, client="ann")
    bounds(store, most_links=5).sweep("all", Event())
    assert links(store, run.job.hash) == 20


def test_what_is_unknown_is_an_orphan_once_it_was_so_for_a_while(
    db: Engine, store: JobStore, clock: FakeClock
) -> None:
    notes = OrphanNotes(db, clock)
    known = in_state(store, JobState.EXPIRED)
    unknown, later = "0" * 32, "1" * 32
    assert notes.look([known, unknown], DAY) == []
    clock.advance(DAY - 1)
    assert notes.look([known, unknown, later], DAY) == []
    clock.advance(1)
    assert notes.look([known, unknown, later], DAY) == [unknown]
    notes.forget(unknown)
    assert notes.look([unknown], DAY) == []


def test_what_becomes_known_again_is_no_orphan(
    db: Engine, store: JobStore, clock: FakeClock
) -> None:
    notes = OrphanNotes(db, clock)
    hash_ = in_state(store, JobState.EXPIRED)
    clock.advance(KEEP)
    store.delete_expired(KEEP)
    notes.look([hash_], DAY)
    clock.advance(2 * DAY)
    other = in_state(store, JobState.COMPLETED)
    assert notes.look([other], 0.0) == []
    assert notes.look([hash_], DAY) == [hash_]
