"""The segments of a file that several transfers bring, as every job database keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update
from tests.fakes.jobs import begun, checkpoint, done, opened, opened_in_segments

from packmule.jobs.schema import files

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from packmule.jobs.store import JobStore


def test_what_is_written_further_on_is_remembered_counted_and_forgotten_in_the_end(
    store: JobStore,
) -> None:
    run = begun(store)
    entry = opened_in_segments(1)
    store.checkpoint(run.fence, checkpoint(entry))
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.remembered.open == (entry,)
    assert store.files(run.job.hash).files[1].bytes_done == 700 + 1_200 + 1
    store.checkpoint(again.fence, checkpoint(done(1)))
    assert store.files(run.job.hash).files[1].bytes_done == done().size
    store.checkpoint(again.fence, checkpoint(opened(1, written=100)))
    assert store.files(run.job.hash).files[1].bytes_done == 100


def test_segments_that_a_program_without_them_has_overtaken_are_not_believed(
    store: JobStore, db: Database
) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(opened_in_segments(1)))
    with db.begin() as connection:
        # The earlier release began the file anew, and names all the columns that it knows.
        connection.execute(
            update(files)
            .where(files.c.job_id == run.job.id, files.c.position == 1)
            .values(written=100, crc=7, version=files.c.version + 1)
        )
    again = store.begin(run.job.hash)
    assert again is not None
    assert [(each.written, each.segments) for each in again.remembered.open] == [(100, ())]
    assert store.files(run.job.hash).files[1].bytes_done == 100
