"""Parts of an archive that is uploaded while it is assembled are remembered while they count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.fakes.jobs import FAILURE, PUBLISHED, begun, checkpoint, done, no_defer, opened

from packmule.errors import StaleAttempt
from packmule.jobs.database import reading
from packmule.jobs.model import FileState, Part, Remembered, Uploads
from packmule.jobs.schema import parts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from packmule.jobs.model import Checkpoint, Run
    from packmule.jobs.store import JobStore

PLANNED = Part(1, ((0, 100), (5 * 2**32, 6 * 2**32)))
OTHER = Part(2, ((100, 250),))
STORED = PLANNED._replace(etag='"d41d8cd9"')


def saying(uploads: Uploads) -> Checkpoint:
    return replace(checkpoint(), uploads=uploads)


def remembered(store: JobStore, run: Run) -> Remembered:
    again = store.begin(run.job.hash)
    assert again is not None
    return again.remembered


def test_parts_are_remembered_as_they_were_told_last(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, saying(Uploads("1 abc", 2, (PLANNED, OTHER))))
    store.checkpoint(run.fence, saying(Uploads("1 abc", 3, (STORED,))))
    store.checkpoint(run.fence, checkpoint())
    found = remembered(store, run)
    assert (found.upload, found.begun, found.parts) == ("1 abc", 3, (STORED, OTHER))


def test_parts_that_were_given_up_are_forgotten_and_their_numbers_are_not(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, saying(Uploads("1 abc", 2, (STORED, OTHER))))
    store.checkpoint(run.fence, saying(Uploads("1 abc", 2, (), (1,))))
    found = remembered(store, run)
    assert (found.begun, found.parts) == (2, (OTHER,))


def test_an_upload_that_is_gone_is_forgotten(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, saying(Uploads("1 abc", 2, (STORED, OTHER))))
    store.checkpoint(run.fence, saying(Uploads(None, 0, (), (1, 2))))
    found = remembered(store, run)
    assert (found.upload, found.begun, found.parts) == (None, 0, ())


def test_an_overtaken_run_changes_no_part(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, saying(Uploads("1 abc", 1, (STORED,))))
    store.begin(run.job.hash)
    with pytest.raises(StaleAttempt):
        store.checkpoint(run.fence, saying(Uploads("1 abc", 9, (OTHER,), (1,))))
    found = remembered(store, run)
    assert (found.begun, found.parts) == (1, (STORED,))


def test_a_failed_job_keeps_its_parts_for_its_retry(store: JobStore) -> None:
    run = begun(store)
    store.fail(run.fence, FAILURE, saying(Uploads("1 abc", 1, (STORED,))))
    store.retry(run.job.hash, defer=no_defer)
    assert remembered(store, run).parts == (STORED,)


def test_parts_are_told_apart_by_job(store: JobStore) -> None:
    first, second = begun(store), begun(store)
    store.checkpoint(first.fence, saying(Uploads("1 abc", 1, (STORED,))))
    store.checkpoint(second.fence, saying(Uploads("1 xyz", 2, (OTHER,))))
    store.complete(first.fence, PUBLISHED, checkpoint())
    assert remembered(store, second).parts == (OTHER,)


def test_who_has_recorded_the_last_checkpoint_is_remembered(store: JobStore) -> None:
    run = begun(store)
    assert run.recorded_by == 0
    store.checkpoint(run.fence, checkpoint())
    for attempt in (2, 3):
        again = store.begin(run.job.hash)
        assert again is not None
        assert (again.attempt, again.recorded_by) == (attempt, 1)
    assert again is not None
    store.fail(again.fence, FAILURE, checkpoint())
    store.retry(run.job.hash, defer=no_defer)
    last = store.begin(run.job.hash)
    assert last is not None
    assert last.recorded_by == 3


def test_a_file_whose_bytes_are_gone_is_as_if_it_had_never_come(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0), opened(1)))
    store.checkpoint(run.fence, replace(checkpoint(), forgotten=(0, 1)))
    files = store.files(run.job.hash).files
    assert [(file.state, file.bytes_done) for file in files] == [(FileState.PENDING, 0)] * 3
    store.checkpoint(run.fence, checkpoint(done(0, name="again.jpg")))
    assert remembered(store, run).done == (done(0, name="again.jpg"),)


@pytest.mark.parametrize("let_go", ["expire", "delete"])
def test_a_job_that_is_let_go_leaves_no_row_of_a_part(
    store: JobStore, db: Engine, let_go: str
) -> None:
    kept = begun(store)
    store.checkpoint(kept.fence, saying(Uploads("1 abc", 2, (OTHER,))))
    run = begun(store)
    store.fail(run.fence, FAILURE, saying(Uploads("1 abc", 2, (STORED, OTHER))))
    getattr(store, let_go)(run.job.hash)
    with reading(db) as connection:
        left = connection.execute(select(parts.c.job_id, parts.c.number)).all()
    assert left == [(kept.job.id, OTHER.number)]
