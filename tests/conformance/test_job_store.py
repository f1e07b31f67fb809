"""The job store: what is accepted is kept, and only the run that holds a job may write to it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import (
    FAILURE,
    PROGRESS,
    PUBLISHED,
    RETENTION,
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

from packmule.errors import Conflict, Failure, FailureCode, NotFound, StaleAttempt
from packmule.jobs.model import (
    Compression,
    Fence,
    FileState,
    JobRequest,
    JobState,
    OnError,
    Progress,
    Remembered,
    Source,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore


# --- create -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["\x01\x1f\x7f", "\x85\u2028\u202e", "\ufffe\uffff\U0010ffff", "\ufeff", "é 日本 🚀"]
)
def test_every_text_that_a_request_may_have_is_kept_as_it_is(store: JobStore, text: str) -> None:
    sources = (Source(0, f"https://origin.example/{text}", text),)
    asked = JobRequest(sources, name=text, webhook_url=text, client=text, idempotency_key=text)
    hash_ = store.create(asked, defer=no_defer)
    assert store.create(asked, defer=no_defer) == hash_
    run = store.begin(hash_)
    assert run is not None
    assert run.sources == sources
    assert (run.job.name, run.job.webhook_url, run.job.client) == (text, text, text)


def test_what_an_origin_says_is_kept_whatever_it_is_made_of(store: JobStore) -> None:
    bad = "a \0 and half \ud83d of a rocket"
    run = begun(store)
    there = replace(opened(1), etag=bad, last_modified=bad, content_type=bad)
    failure = Failure(FailureCode.BAD_RESPONSE, bad)
    lost = replace(failed(2), failure=failure)
    store.checkpoint(run.fence, checkpoint(there, lost))
    job = store.fail(run.fence, failure)
    assert job.failure is not None
    assert job.failure.detail == "a \ufffd and half \ufffd of a rocket"
    (file,) = store.failures(run.job.id, 10)
    assert file.failure == job.failure


def test_a_file_that_one_checkpoint_calls_open_and_done_is_done(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(1), opened(1)))
    again = store.begin(run.job.hash)
    assert again is not None
    assert (again.remembered.done, again.remembered.open) == ((done(1),), ())


def test_a_new_job_is_queued_with_all_that_was_asked_for(store: JobStore, clock: FakeClock) -> None:
    asked = request(
        name="holiday.zip",
        on_error=OnError.SKIP,
        compression=Compression.DEFLATE,
        webhook_url="https://hooks.example/x",
        expires_in=60.5,
        priority=-3,
        client="ann",
    )
    job = store.get(store.create(asked, defer=no_defer))
    assert job.state is JobState.QUEUED
    assert job.attempt == 0
    assert job.created_at == clock.now
    assert (job.name, job.on_error, job.compression) == (
        "holiday.zip",
        OnError.SKIP,
        Compression.DEFLATE,
    )
    assert (job.webhook_url, job.expires_in, job.priority, job.client) == (
        "https://hooks.example/x",
        60.5,
        -3,
        "ann",
    )
    assert job.progress == Progress(files_total=3)
    assert (job.started_at, job.finished_at, job.expires_at, job.failure) == (None,) * 4


def test_a_hash_is_128_random_bits_and_never_of_the_urls(store: JobStore) -> None:
    hashes = {store.create(request(), defer=no_defer) for _ in range(20)}
    assert len(hashes) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}", hash_) for hash_ in hashes)


def test_a_job_is_deferred_in_the_transaction_that_creates_it(store: JobStore) -> None:
    deferred: list[str] = []

    def refuse(_connection: Connection, hash_: str) -> None:
        deferred.append(hash_)
        raise RuntimeError("the queue is not there")

    with pytest.raises(RuntimeError):
        store.create(request(), defer=refuse)
    with pytest.raises(NotFound):
        store.get(deferred[0])


def test_the_same_key_with_the_same_request_gives_the_same_job(store: JobStore) -> None:
    asked = request(client="ann", idempotency_key="k1")
    first = store.create(asked, defer=no_defer)
    deferred: list[str] = []
    again = store.create(asked, defer=lambda _, hash_: deferred.append(hash_))
    assert again == first
    assert deferred == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other.zip"},
        {"on_error": OnError.SKIP},
        {"compression": Compression.STORE},
        {"webhook_url": "https://hooks.example/x"},
        {"expires_in": 5.0},
        {"priority": 1},
        {"sources": request(2).sources},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_key_with_another_request_is_a_conflict(
    store: JobStore, change: dict[str, object]
) -> None:
    asked = request(client="ann", idempotency_key="k1")
    store.create(asked, defer=no_defer)
    with pytest.raises(Conflict):
        store.create(replace(asked, **change), defer=no_defer)  # type: ignore[arg-type]


def test_a_key_is_its_clients_own(store: JobStore) -> None:
    asked = request(client="ann", idempotency_key="k1")
    first = store.create(asked, defer=no_defer)
    assert store.create(replace(asked, client="bob"), defer=no_defer) != first


def test_requests_without_a_key_are_never_the_same(store: JobStore) -> None:
    assert store.create(request(), defer=no_defer) != store.create(request(), defer=no_defer)


def test_a_key_is_free_again_once_its_archive_is_gone(store: JobStore) -> None:
    asked = request(idempotency_key="k1")
    first = store.create(asked, defer=no_defer)
    store.delete(first)
    assert store.create(asked, defer=no_defer) != first


# --- begin and checkpoint -----------------------------------------------------------------------


def test_a_run_begins_with_the_sources_in_their_order(store: JobStore, clock: FakeClock) -> None:
    asked = request(25)
    hash_ = store.create(asked, defer=no_defer)
    clock.advance(3)
    run = store.begin(hash_)
    assert run is not None
    assert run.sources == asked.sources
    assert run.remembered == Remembered()
    assert run.attempt == run.job.attempt == 1
    assert run.job.state is JobState.RUNNING
    assert run.job.started_at == clock.now
    assert run.job == store.get(hash_)


def test_a_job_that_is_running_can_be_taken_over_under_the_next_attempt(
    store: JobStore, clock: FakeClock
) -> None:
    first = begun(store)
    clock.advance(60)
    second = store.begin(first.job.hash)
    assert second is not None
    assert second.attempt == 2
    assert second.job.started_at == first.job.started_at


@pytest.mark.parametrize(
    "state", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED]
)
def test_there_is_nothing_to_run_in_a_job_that_has_ended(store: JobStore, state: JobState) -> None:
    hash_ = in_state(store, state)
    before = store.get(hash_)
    assert store.begin(hash_) is None
    assert store.get(hash_) == before


def test_there_is_nothing_to_run_in_a_job_that_is_unknown(store: JobStore) -> None:
    assert store.begin("0" * 32) is None


def test_an_attempt_begins_with_all_checkpoints_added_up(store: JobStore) -> None:
    run = begun(store, files=4)
    store.checkpoint(run.fence, checkpoint(opened(1, written=100), opened(0), tail=10))
    store.checkpoint(run.fence, checkpoint(done(0), opened(1, written=700), failed(2), tail=20))
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.remembered == Remembered(
        tail=20, done=(done(0),), open=(opened(1, written=700),), failed=(failed(2),)
    )
    assert len(again.sources) == 4


def test_a_checkpoint_is_what_the_status_says(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done()))
    assert store.get(run.job.hash).progress == PROGRESS


def test_jobs_do_not_touch_each_others_files(store: JobStore) -> None:
    first, second = begun(store), begun(store)
    store.checkpoint(first.fence, checkpoint(done(0)))
    again = store.begin(second.job.hash)
    assert again is not None
    assert again.remembered == Remembered()


WRITES: dict[str, Callable[[JobStore, Fence], object]] = {
    "checkpoint": lambda store, fence: store.checkpoint(fence, checkpoint(done())),
    "complete": lambda store, fence: store.complete(fence, PUBLISHED, checkpoint(done())),
    "fail": lambda store, fence: store.fail(fence, FAILURE, checkpoint(done())),
    "fail without a checkpoint": lambda store, fence: store.fail(fence, FAILURE),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("event", ["taken over", "cancelled", "deleted", "completed", "failed"])
def test_a_run_that_lost_its_job_writes_nothing(
    store: JobStore, write: Callable[[JobStore, Fence], object], event: str
) -> None:
    run = begun(store)
    match event:
        case "taken over":
            store.begin(run.job.hash)
        case "cancelled":
            store.cancel(run.job.hash)
        case "deleted":
            store.delete(run.job.hash)
        case "completed":
            store.complete(run.fence, PUBLISHED, checkpoint())
        case _:
            store.fail(run.fence, FAILURE)
    before = store.get(run.job.hash), store.files(run.job.hash)
    with pytest.raises(StaleAttempt):
        write(store, run.fence)
    assert (store.get(run.job.hash), store.files(run.job.hash)) == before


# --- the end ------------------------------------------------------------------------------------


def test_a_completed_job_tells_its_archive_and_keeps_its_last_checkpoint(
    store: JobStore, clock: FakeClock
) -> None:
    run = begun(store)
    clock.advance(30)
    job = store.complete(run.fence, PUBLISHED, checkpoint(done(0), failed(2)))
    assert job == store.get(run.job.hash)
    assert job.state is JobState.COMPLETED
    assert (job.size, job.etag) == (12_345, '"3039-1"')
    assert job.finished_at == clock.now
    assert job.progress == PROGRESS
    assert [record.position for record in store.failures(job.id, 10)] == [2]


def test_a_failed_job_says_why_and_keeps_what_it_has(store: JobStore, clock: FakeClock) -> None:
    run = begun(store)
    failure = Failure(FailureCode.DISK_FULL, "The disk is full.", 507, attempts=2)
    job = store.fail(run.fence, failure, checkpoint(done(0), failed(2)))
    assert job == store.get(run.job.hash)
    assert job.state is JobState.FAILED
    assert job.failure == failure
    assert job.finished_at == clock.now
    assert job.progress == PROGRESS
    assert [file.state for file in store.files(job.hash).files] == [
        FileState.DONE,
        FileState.PENDING,
        FileState.FAILED,
    ]


def test_a_job_that_fails_without_a_checkpoint_keeps_the_last_one(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0)))
    assert store.fail(run.fence, FAILURE).progress == PROGRESS


def seconds_until(end: datetime | None, clock: FakeClock) -> float:
    assert end is not None
    return (end - clock.now).total_seconds()


@pytest.mark.parametrize(("asked", "kept"), [(None, RETENTION), (90.0, 90.0)])
@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_job_that_has_ended_expires_after_its_own_time_or_the_retention(
    store: JobStore, clock: FakeClock, asked: float | None, kept: float, end: str
) -> None:
    run = begun(store, expires_in=asked)
    clock.advance(1_000)
    match end:
        case "complete":
            job = store.complete(run.fence, PUBLISHED, checkpoint())
        case "fail":
            job = store.fail(run.fence, FAILURE)
        case _:
            job = store.cancel(run.job.hash)
    assert seconds_until(job.expires_at, clock) == pytest.approx(kept)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("end", ["complete", "fail", "cancel", "expire"])
def test_what_comes_with_a_change_of_state_is_committed_with_it_or_neither(
    store: JobStore, end: str, *, fails: bool
) -> None:
    run = begun(store)
    if end == "expire":
        store.cancel(run.job.hash)
    before = store.get(run.job.hash)
    notes = Notes(fails=fails)
    changes: dict[str, Callable[[], object]] = {
        "complete": lambda: store.complete(
            run.fence, PUBLISHED, checkpoint(), in_same_transaction=notes
        ),
        "fail": lambda: store.fail(run.fence, FAILURE, in_same_transaction=notes),
        "cancel": lambda: store.cancel(run.job.hash, in_same_transaction=notes),
        "expire": lambda: store.expire(run.job.hash, in_same_transaction=notes),
    }
    if fails:
        with pytest.raises(RuntimeError):
            changes[end]()
        assert store.get(run.job.hash) == before
    else:
        changes[end]()
        assert notes.jobs == [store.get(run.job.hash)]
