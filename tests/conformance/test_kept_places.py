"""The job store: a failed file keeps its place and bytes for a retry, while they are its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.fakes.jobs import FAILURE, begun, checkpoint, done, failed, no_defer, opened_in_segments

from packmule.errors import NotFailedFiles, StaleAttempt
from packmule.jobs.database import writing
from packmule.jobs.model import Checkpoint, FileState, JobState, Remembered, Renewal, Run
from packmule.jobs.reads import FailedLink

if TYPE_CHECKING:
    from packmule.jobs.store import JobStore

PLACE = opened_in_segments(1)
NEW = {1: "https://new.example/1.jpg?key=n3w"}


def failed_with_a_place(store: JobStore, place: object = PLACE) -> Run:
    """Give a run whose job has failed: file 0 is done, 1 has failed with bytes, 2 without."""
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0)))
    rest = checkpoint(place, replace(failed(1), name=PLACE.name), failed(2))  # type: ignore[arg-type]
    store.fail(run.fence, FAILURE, rest)
    return run


def again(store: JobStore, run: Run, renewal: Renewal) -> Remembered:
    store.retry(run.job.hash, renewal=renewal, defer=no_defer)
    following = store.begin(run.job.hash)
    assert following is not None
    assert [source.position for source in following.sources] == [0, 1, 2]
    return following.remembered


def test_a_retry_goes_on_from_its_bytes_and_segments(store: JobStore) -> None:
    found = again(store, failed_with_a_place(store), Renewal())
    assert (found.open, found.failed) == ((PLACE,), ())


def test_under_a_new_link_only_a_strong_entity_tag_counts(store: JobStore) -> None:
    run = failed_with_a_place(store)
    found = again(store, run, Renewal(urls=NEW))
    assert found.open == (replace(PLACE, last_modified=None),)
    page = store.files(run.job.hash)
    assert page.files[1].url == NEW[1]
    assert page.files[1].state is FileState.OPEN


@pytest.mark.parametrize("etag", ['W/"v1"', None])
def test_without_one_it_starts_over_under_a_new_link(store: JobStore, etag: str | None) -> None:
    run = failed_with_a_place(store, replace(PLACE, etag=etag))
    assert again(store, run, Renewal(urls=NEW)).open == ()


def test_a_file_that_is_not_chosen_stays_failed_and_keeps_them(store: JobStore) -> None:
    run = failed_with_a_place(store)
    found = again(store, run, Renewal(frozenset({2})))
    assert found.open == (PLACE,)
    assert [entry.position for entry in found.failed] == [1]
    job = store.get(run.job.hash)
    assert job.progress.files_failed == 1
    assert store.files(run.job.hash).files[1].bytes_done == 0


def test_one_that_is_dropped_keeps_nothing(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(PLACE, failed(1), failed(2)))
    store.checkpoint(run.fence, Checkpoint(0, run.job.progress, dropped=(1,)))
    store.fail(run.fence, FAILURE)
    assert again(store, run, Renewal()).open == ()


def test_an_earlier_release_that_has_run_the_job_meanwhile_may_have_overwritten_them(
    store: JobStore,
) -> None:
    run = failed_with_a_place(store)
    with writing(store._engine) as connection:
        connection.execute(text("UPDATE jobs SET recorded_by = recorded_by + 1"))
    assert again(store, run, Renewal()).open == ()


@pytest.mark.parametrize(
    "renewal", [Renewal(urls={0: "https://a.example/"}), Renewal(frozenset({1, 9}))]
)
def test_what_has_not_failed_is_refused_and_nothing_changes(
    store: JobStore, renewal: Renewal
) -> None:
    run = failed_with_a_place(store)
    before = store.get(run.job.hash)
    with pytest.raises(NotFailedFiles):
        store.retry(run.job.hash, renewal=renewal, defer=no_defer)
    assert store.get(run.job.hash) == before


def test_a_runs_failed_files_get_new_links_while_it_lasts(store: JobStore) -> None:
    run = begun(store)
    rest = checkpoint(done(0), PLACE, replace(failed(1), name=PLACE.name), failed(2))
    store.checkpoint(run.fence, rest)
    store.renew(run.fence, NEW)
    job = store.get(run.job.hash)
    assert (job.state, job.progress.files_failed) == (JobState.RUNNING, 1)
    following = store.begin(run.job.hash)
    assert following is not None
    assert following.remembered.open == (replace(PLACE, last_modified=None),)
    assert [entry.position for entry in following.remembered.failed] == [2]
    assert following.sources[1].url == NEW[1]
    with pytest.raises(StaleAttempt):
        store.renew(run.fence, NEW)


def test_failed_files_are_found_by_how_their_failure_begins(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0), replace(failed(1), name=""), failed(2)))
    detail = failed(1).failure.detail
    assert store.failed_with(run.job.id, detail[:10], 10) == (
        FailedLink(1, "https://origin.example/1.jpg?key=s3cret", "photos/1.jpg"),
        FailedLink(2, "https://origin.example/2.jpg?key=s3cret", "2.jpg"),
    )
    assert len(store.failed_with(run.job.id, detail, 1)) == 1
    assert store.failed_with(run.job.id, "Another", 10) == ()
