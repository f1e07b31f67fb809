"""The complete parts of a split archive are remembered, numbered, and gone with the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import PUBLISHED, begun, checkpoint, done, no_defer, request

from packmule.errors import Conflict, StaleAttempt
from packmule.jobs.model import ArchivePart, NewPart
from packmule.jobs.split_places import area_begin

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from packmule.jobs.model import Job
    from packmule.jobs.store import JobStore

LATER = NewPart(3, 5 * 2**32, '"c-1"', 2, has_report=False)
EARLIER = NewPart(0, 900, '"a-1"', 1, has_report=True)


def test_parts_are_numbered_in_the_order_in_which_they_are_completed(store: JobStore) -> None:
    run = begun(store, max_part_bytes=6 * 2**32)
    told: list[tuple[int, ArchivePart]] = []

    def tell(_connection: Connection, job: Job, part: ArchivePart) -> None:
        told.append((job.version, part))

    first = store.add_part(run.fence, LATER, in_same_transaction=tell)
    second = store.add_part(run.fence, EARLIER, in_same_transaction=tell)
    assert (first.number, second.number) == (1, 2)
    assert first[2:] == LATER
    assert told == [(first.version, first), (second.version, second)]
    assert store.get(run.job.hash).version == second.version > first.version
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.job.max_part_bytes == 6 * 2**32
    assert again.archive_parts == store.archive_parts(run.job.id) == (first, second)


def test_a_part_that_is_told_twice_is_one_part(store: JobStore) -> None:
    run = begun(store, max_part_bytes=1_000)
    first = store.add_part(run.fence, LATER)
    again = store.add_part(
        run.fence, LATER, in_same_transaction=lambda *_: pytest.fail("told again")
    )
    assert again == first
    assert store.archive_parts(run.job.id) == (first,)


def test_an_overtaken_run_adds_no_part(store: JobStore) -> None:
    run = begun(store, max_part_bytes=1_000)
    store.begin(run.job.hash)
    with pytest.raises(StaleAttempt):
        store.add_part(run.fence, LATER)
    assert store.archive_parts(run.job.id) == ()


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_parts_are_forgotten_with_the_archive(store: JobStore, end: str) -> None:
    run = begun(store, max_part_bytes=1_000)
    store.add_part(run.fence, LATER)
    if end == "cancel":
        store.cancel(run.job.hash)
    else:
        store.complete(run.fence, PUBLISHED, checkpoint())
        assert len(store.archive_parts(run.job.id)) == 1
        store.expire(run.job.hash)
    assert store.archive_parts(run.job.id) == ()


def test_a_file_is_found_by_its_area_and_its_number_there(store: JobStore) -> None:
    run = begun(store, files=4, max_part_bytes=1_000)
    entries = [
        done(0)._replace(offset=area_begin(1)),
        done(1)._replace(offset=0),
        done(3)._replace(offset=area_begin(1) + 500),
    ]
    store.checkpoint(run.fence, checkpoint(*entries))
    found = [store.find_entry(run.job.id, position) for position in range(4)]
    assert found == [(1, 0), (0, 0), None, (1, 1)]


def test_the_same_key_asks_for_the_same_part_size(store: JobStore) -> None:
    asked = request(idempotency_key="k", max_part_bytes=1_000)
    assert store.create(asked, defer=no_defer) == store.create(asked, defer=no_defer)
    with pytest.raises(Conflict):
        store.create(request(idempotency_key="k", max_part_bytes=2_000), defer=no_defer)
