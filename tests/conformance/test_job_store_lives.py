"""The job store: a job's life goes the ways of `TRANSITIONS` and no other; what may be asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.jobs import (
    FAILURE,
    PUBLISHED,
    Entry,
    Notes,
    begun,
    checkpoint,
    done,
    failed,
    in_state,
    no_defer,
    opened,
    request,
)

from packmule.errors import Failure, FailureCode, NotAllowedInState, NotFound
from packmule.jobs.model import (
    TRANSITIONS,
    FileState,
    JobState,
    OnError,
    Remembered,
    WaitingFile,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from tests.fakes.clock import FakeClock

    from packmule.jobs.model import Job
    from packmule.jobs.store import JobStore

UNKNOWN = "0" * 32

CHANGES: dict[JobState, Callable[[JobStore, str], Job]] = {
    JobState.CANCELLED: lambda store, hash_: store.cancel(hash_),
    JobState.QUEUED: lambda store, hash_: store.retry(hash_, defer=no_defer),
    JobState.EXPIRED: lambda store, hash_: store.expire(hash_),
}


@pytest.mark.parametrize("target", CHANGES)
@pytest.mark.parametrize("state", JobState)
def test_a_change_is_made_where_the_table_allows_it_and_else_refused(
    store: JobStore, state: JobState, target: JobState
) -> None:
    hash_ = in_state(store, state)
    before = store.get(hash_)
    if target in TRANSITIONS[state]:
        after = CHANGES[target](store, hash_)
        assert after.state is target
        assert after == store.get(hash_)
    elif state is target and state is not JobState.QUEUED:
        # Said again, it is so already.
        assert CHANGES[target](store, hash_) == before == store.get(hash_)
    else:
        with pytest.raises(NotAllowedInState, match=f"The job is {state}"):
            CHANGES[target](store, hash_)
        assert store.get(hash_) == before


@pytest.mark.parametrize(
    ("state", "target", "sentence"),
    [
        (
            JobState.COMPLETED,
            JobState.CANCELLED,
            "The job is completed; only one that is queued or running can be cancelled.",
        ),
        (
            JobState.RUNNING,
            JobState.QUEUED,
            "The job is running; only one that is failed can be retried.",
        ),
        (
            JobState.QUEUED,
            JobState.EXPIRED,
            "The job is queued; only one that is failed or completed or cancelled can be removed.",
        ),
    ],
)
def test_a_refusal_says_which_states_would_allow_the_change(
    store: JobStore, state: JobState, target: JobState, sentence: str
) -> None:
    hash_ = in_state(store, state)
    with pytest.raises(NotAllowedInState) as refused:
        CHANGES[target](store, hash_)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("change", [*CHANGES.values(), lambda store, hash_: store.delete(hash_)])
def test_an_unknown_hash_is_not_found(
    store: JobStore, change: Callable[[JobStore, str], Job]
) -> None:
    for ask in (change, lambda store, h: store.get(h), lambda store, h: store.find_version(h)):
        with pytest.raises(NotFound):
            ask(store, UNKNOWN)
    with pytest.raises(NotFound):
        store.files(UNKNOWN)


# --- retry --------------------------------------------------------------------------------------


def test_a_retry_keeps_what_is_there_and_tries_again_what_failed(store: JobStore) -> None:
    hash_ = in_state(store, JobState.FAILED)
    job = store.retry(hash_, defer=no_defer)
    assert (job.failure, job.finished_at, job.expires_at) == (None, None, None)
    assert job.progress.files_failed == 0
    run = store.begin(hash_)
    assert run is not None
    assert run.attempt == 2
    assert run.remembered == Remembered(
        tail=checkpoint().tail, done=(done(0),), open=(opened(1),), failed=()
    )
    assert store.files(hash_, state=FileState.PENDING).files[0].failure is None


@pytest.mark.parametrize(("asked", "then"), [(None, OnError.FAIL), (OnError.SKIP, OnError.SKIP)])
def test_a_retry_may_change_what_becomes_of_failures(
    store: JobStore, asked: OnError | None, then: OnError
) -> None:
    hash_ = in_state(store, JobState.FAILED)
    assert store.retry(hash_, asked, defer=no_defer).on_error is then


def test_how_fast_a_run_was_is_not_told_of_the_next_one(store: JobStore) -> None:
    hash_ = in_state(store, JobState.FAILED)
    assert store.get(hash_).progress.bytes_per_second > 0
    assert store.retry(hash_, defer=no_defer).progress.bytes_per_second == 0
    run = store.begin(hash_)
    assert run is not None
    store.checkpoint(run.fence, checkpoint(opened()))
    assert store.get(hash_).progress.bytes_per_second > 0
    store.begin(hash_)
    assert store.get(hash_).progress.bytes_per_second == 0


def test_the_files_that_wait_are_those_of_the_last_checkpoint_of_this_run(store: JobStore) -> None:
    failure = Failure(FailureCode.HTTP_STATUS, "the origin answered 503", 503, 2)
    waiting = (
        WaitingFile(1, "b.png", failure, 1_772_445_600.25),
        WaitingFile(0, None, replace(failure, http_status=None), 1_772_445_601.0),
    )
    run = begun(store)
    now = checkpoint(opened())
    told = replace(now, progress=replace(now.progress, waiting=waiting))
    store.checkpoint(run.fence, told)
    assert store.get(run.job.hash).progress.waiting == waiting
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.job.progress.waiting == ()
    store.checkpoint(again.fence, told)
    store.checkpoint(again.fence, now)
    assert store.get(run.job.hash).progress.waiting == ()


def test_a_retry_is_deferred_in_its_transaction(store: JobStore) -> None:
    hash_ = in_state(store, JobState.FAILED)
    before = store.get(hash_)

    def refuse(_connection: Connection, deferred: str) -> None:
        assert deferred == hash_
        raise RuntimeError("the queue is not there")

    with pytest.raises(RuntimeError):
        store.retry(hash_, defer=refuse)
    assert store.get(hash_) == before


# --- expire and delete --------------------------------------------------------------------------


def test_an_expired_job_has_forgotten_its_links(store: JobStore) -> None:
    hash_ = in_state(store, JobState.COMPLETED)
    store.expire(hash_)
    assert store.files(hash_).files == ()


@pytest.mark.parametrize("state", JobState)
def test_a_job_can_be_deleted_in_any_state(store: JobStore, state: JobState) -> None:
    hash_ = in_state(store, state)
    assert store.delete(hash_).state is JobState.EXPIRED
    assert store.get(hash_).state is JobState.EXPIRED
    assert store.begin(hash_) is None


def test_deleting_an_open_job_tells_that_it_was_cancelled(store: JobStore) -> None:
    notes = Notes()
    store.delete(in_state(store, JobState.RUNNING), in_same_transaction=notes)
    assert [job.state for job in notes.jobs] == [JobState.CANCELLED, JobState.EXPIRED]


def test_jobs_are_due_for_expiry_when_their_time_is_over_the_longest_overdue_first(
    store: JobStore, clock: FakeClock
) -> None:
    hashes = []
    for seconds in (300.0, 100.0, 200.0):
        run = begun(store, expires_in=seconds)
        store.complete(run.fence, PUBLISHED, checkpoint())
        hashes.append(run.job.hash)
    late, first, second = hashes
    assert store.due_for_expiry(clock.now + timedelta(seconds=99)) == ()
    assert store.due_for_expiry(clock.now + timedelta(seconds=100)) == (first,)
    assert store.due_for_expiry(clock.now + timedelta(days=1)) == (first, second, late)
    assert store.due_for_expiry(clock.now + timedelta(days=1), limit=2) == (first, second)
    store.expire(first)
    assert store.due_for_expiry(clock.now + timedelta(days=1)) == (second, late)


@pytest.mark.parametrize("state", JobState)
def test_only_jobs_that_have_ended_are_due_for_expiry(
    store: JobStore, clock: FakeClock, state: JobState
) -> None:
    hash_ = in_state(store, state)
    ended = state in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
    found = store.due_for_expiry(clock.now + timedelta(days=365))
    assert found == ((hash_,) if ended else ())


# --- questions ----------------------------------------------------------------------------------


def test_the_version_rises_at_each_change_and_only_then(store: JobStore) -> None:
    versions = []

    def note() -> None:
        versions.append(store.find_version(hash_))

    hash_ = store.create(request(), defer=no_defer)
    note()
    run = store.begin(hash_)
    assert run is not None
    note()
    store.checkpoint(run.fence, checkpoint(opened()))
    note()
    store.fail(run.fence, FAILURE)
    note()
    store.retry(hash_, defer=no_defer)
    note()
    store.cancel(hash_)
    note()
    store.cancel(hash_)
    store.get(hash_)
    assert store.find_version(hash_) == versions[-1]
    assert [state for state, _ in versions] == [
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.RUNNING,
        JobState.FAILED,
        JobState.QUEUED,
        JobState.CANCELLED,
    ]
    numbers = [version for _, version in versions]
    assert numbers == sorted(set(numbers))
    assert store.get(hash_).version == numbers[-1]


def test_files_are_listed_in_the_order_they_changed_last_within_versions(store: JobStore) -> None:
    run = begun(store, files=4)
    other = begun(store)
    store.checkpoint(other.fence, checkpoint(done()))

    def changed(after: tuple[int, int] = (0, -1), up_to: int = 99, limit: int = 9) -> list[Any]:
        found = store.changed_files(run.job.id, after, up_to, limit)
        return [*((each.position, each.state.value) for each in found.files), found.last]

    assert changed() == [(0, -1)]
    store.checkpoint(run.fence, checkpoint(opened(3), opened(1)))
    first = store.get(run.job.hash).version
    assert changed() == [(1, "open"), (3, "open"), (first, 3)]
    store.fail(run.fence, FAILURE, checkpoint(done(1), failed(0)))
    second = store.get(run.job.hash).version
    assert changed() == [(3, "open"), (0, "failed"), (1, "done"), (second, 1)]
    assert changed(up_to=first) == [(3, "open"), (first, 3)]
    assert changed(limit=2) == [(3, "open"), (0, "failed"), (second, 0)]
    assert changed((second, 0)) == [(1, "done"), (second, 1)]
    assert changed((second, 1)) == [(second, 1)]
    store.retry(run.job.hash, defer=no_defer)
    third = store.get(run.job.hash).version
    assert changed((second, 1)) == [(0, "pending"), (third, 0)]
    store.delete(run.job.hash)
    assert changed() == [(0, -1)]


def test_open_jobs_are_counted_by_client(store: JobStore) -> None:
    for state in JobState:
        in_state(store, state)
    begun(store, client="ann")
    assert store.open_jobs("") == 2
    assert store.open_jobs("ann") == 1
    assert store.open_jobs("bob") == 0


def test_a_file_is_shown_with_its_bytes_its_name_and_its_failure(store: JobStore) -> None:
    run = begun(store, files=4)
    store.checkpoint(run.fence, checkpoint(done(0), opened(1), failed(2)))
    first, second, third, fourth = store.files(run.job.hash).files
    assert (first.state, first.name, first.bytes_done, first.bytes_total) == (
        FileState.DONE,
        "a.jpg",
        1_500,
        1_500,
    )
    assert (second.state, second.name, second.bytes_done, second.bytes_total) == (
        FileState.OPEN,
        "photos/1.jpg",
        700,
        9_000,
    )
    assert (third.state, third.name, third.failure) == (FileState.FAILED, "2.jpg", failed().failure)
    assert (third.bytes_done, third.bytes_total) == (0, None)
    assert (fourth.state, fourth.name, fourth.failure) == (FileState.PENDING, "photos/3.jpg", None)
    assert [file.url for file in (first, second, third, fourth)] == [
        source.url for source in run.sources
    ]


def test_failures_are_listed_by_position_up_to_a_limit(store: JobStore) -> None:
    run = begun(store, files=6)
    store.checkpoint(run.fence, checkpoint(failed(5), failed(0), done(1), failed(3)))
    assert [file.position for file in store.failures(run.job.id, 10)] == [0, 3, 5]
    assert [file.position for file in store.failures(run.job.id, 2)] == [0, 3]


@pytest.mark.parametrize("state", [None, *FileState])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_pages_together_are_all_files_of_a_state_each_once(
    store: JobStore, state: FileState | None, limit: int
) -> None:
    run = begun(store, files=13)
    entries: list[Entry] = [
        *(done(n) for n in range(0, 12, 4)),
        *(opened(n) for n in range(1, 12, 4)),
        *(failed(n) for n in range(2, 12, 4)),
    ]
    store.checkpoint(run.fence, checkpoint(*entries))
    found: list[int] = []
    cursor = None
    while True:
        page = store.files(run.job.hash, state=state, cursor=cursor, limit=limit)
        assert 0 < len(page.files) <= limit
        found += [file.position for file in page.files]
        cursor = page.cursor
        if cursor is None:
            break
    wanted = {
        None: range(13),
        FileState.DONE: range(0, 12, 4),
        FileState.OPEN: range(1, 12, 4),
        FileState.FAILED: range(2, 12, 4),
        FileState.PENDING: [3, 7, 11, 12],
    }
    assert found == list(wanted[state])
