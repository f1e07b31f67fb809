"""The job store: a job that is to be completed now, with what is packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import FAILURE, begun, checkpoint, done, failed, in_state, no_defer, opened

from packmule.errors import NotAllowedInState, NotFound, StaleAttempt
from packmule.jobs.model import JobState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from packmule.jobs.store import JobStore


def test_a_running_job_stays_running_and_its_run_is_told(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0), opened(1)))
    assert store.still_held([run.fence]) == {run.fence: False}
    before = store.get(run.job.hash)
    after = store.finish(run.job.hash, defer=no_defer)
    assert (after.state, after.finishing) == (JobState.RUNNING, True)
    assert after.version > before.version
    assert store.still_held([run.fence]) == {run.fence: True}
    assert store.finish(run.job.hash, defer=no_defer) == after == store.get(run.job.hash)
    following = store.begin(run.job.hash)
    assert following is not None
    assert following.job.finishing


def test_a_failed_job_is_queued_and_keeps_what_it_has_and_what_has_failed(store: JobStore) -> None:
    hash_ = in_state(store, JobState.FAILED)
    deferred: list[str] = []

    def defer(_connection: Connection, queued: str) -> None:
        deferred.append(queued)

    job = store.finish(hash_, defer=defer)
    assert (job.state, job.finishing, deferred) == (JobState.QUEUED, True, [hash_])
    assert (job.failure, job.expires_at, job.progress.files_failed) == (None, None, 1)
    run = store.begin(hash_)
    assert run is not None
    assert [entry.position for entry in run.remembered.done] == [0]
    assert [entry.position for entry in run.remembered.failed] == [2]


def test_a_job_that_is_to_be_completed_does_not_fail_for_its_files(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0)))
    store.finish(run.job.hash, defer=no_defer)
    rest = checkpoint(failed(2))
    with pytest.raises(StaleAttempt):
        store.fail(run.fence, FAILURE, rest, unless_finishing=True)
    assert store.get(run.job.hash).state is JobState.RUNNING
    assert store.fail(run.fence, FAILURE, rest).state is JobState.FAILED


def test_a_retry_takes_it_back(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0)))
    store.finish(run.job.hash, defer=no_defer)
    store.fail(run.fence, FAILURE)
    assert not store.retry(run.job.hash, defer=no_defer).finishing


def test_a_completed_job_stays_as_it_is(store: JobStore) -> None:
    hash_ = in_state(store, JobState.COMPLETED)
    before = store.get(hash_)
    assert store.finish(hash_, defer=no_defer) == before == store.get(hash_)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.CANCELLED, JobState.EXPIRED])
def test_a_job_that_has_nothing_or_is_no_more_cannot_be_finished(
    store: JobStore, state: JobState
) -> None:
    hash_ = in_state(store, state)
    before = store.get(hash_)
    said = "Nothing is packed" if state is JobState.QUEUED else f"The job is {state}"
    with pytest.raises(NotAllowedInState, match=said):
        store.finish(hash_, defer=no_defer)
    assert store.get(hash_) == before
    with pytest.raises(NotFound):
        store.finish("0" * 32, defer=no_defer)
