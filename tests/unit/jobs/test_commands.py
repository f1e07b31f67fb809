"""What clients and operators do with a job: each change with all that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated
from tests.fakes.jobs import FAILURE, RETENTION, no_defer, request

from packmule.errors import StorageAway
from packmule.jobs.commands import JobCommands
from packmule.jobs.model import JobState
from packmule.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from packmule.jobs.model import Job


class Recorder:
    """Notes what is asked of the queue, the webhooks and the storage."""

    def __init__(self) -> None:
        self.queued: list[tuple[str, int, str]] = []
        self.announced: list[str] = []
        self.discarded: list[str] = []

    def enqueue(self, _connection: Connection, hash_: str, priority: int, client: str) -> None:
        self.queued.append((hash_, priority, client))

    def announce(self, _connection: Connection, job: Job) -> None:
        self.announced.append(job.hash)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    database = migrated(tmp_path / "packmule.db")
    yield JobStore(database, FakeClock(), retention=RETENTION)
    database.dispose()


def commands(store: JobStore, recorder: Recorder) -> JobCommands:
    return JobCommands(store, recorder.enqueue, recorder.announce, recorder.discarded.append)


def test_cancelling_announces_it_and_discards_what_is_there(store: JobStore) -> None:
    recorder = Recorder()
    hash_ = store.create(request(), defer=no_defer)
    assert commands(store, recorder).cancel(hash_).state is JobState.CANCELLED
    assert recorder.announced == recorder.discarded == [hash_]


def test_a_job_is_cancelled_although_its_bytes_cannot_be_removed(
    store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    def discard(_hash: str) -> None:
        raise StorageAway("The object store cannot be reached.")

    recorder = Recorder()
    hash_ = store.create(request(), defer=no_defer)
    asked = JobCommands(store, recorder.enqueue, recorder.announce, discard)
    assert asked.cancel(hash_).state is JobState.CANCELLED
    assert "bytes not removed reason=The object store cannot be reached." in caplog.text


def test_a_retry_is_as_urgent_as_before_and_for_the_same_client(store: JobStore) -> None:
    recorder = Recorder()
    hash_ = store.create(request(priority=7, client="ann"), defer=no_defer)
    run = store.begin(hash_)
    assert run is not None
    store.fail(run.fence, FAILURE)
    assert commands(store, recorder).retry(hash_, None).state is JobState.QUEUED
    assert recorder.queued == [(hash_, 7, "ann")]
    assert recorder.discarded == []
