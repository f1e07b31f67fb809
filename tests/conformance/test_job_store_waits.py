"""A job that waits for the object store says since when, until something is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import FAILURE, begun, checkpoint

from packmule.errors import StaleAttempt
from packmule.jobs.model import Part, Published, Uploads

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock

    from packmule.jobs.store import JobStore

DENIED = "the object store says AccessDenied"


def test_a_job_waits_from_the_first_run_that_met_the_closed_store(
    store: JobStore, clock: FakeClock
) -> None:
    run = begun(store)
    assert store.wait_for_storage(run.fence, DENIED) == pytest.approx(0.0, abs=0.01)
    clock.advance(100)
    again = store.begin(run.job.hash)
    assert again is not None
    assert store.wait_for_storage(again.fence, "NoSuchBucket") == pytest.approx(100.0, abs=1.0)
    wait = store.get(run.job.hash).storage_wait
    assert wait is not None
    assert wait.reason == "NoSuchBucket"
    assert store.count_storage_waits() == 1


def test_it_waits_no_more_once_a_part_is_stored(store: JobStore) -> None:
    run = begun(store)
    store.wait_for_storage(run.fence, DENIED)
    store.checkpoint(run.fence, checkpoint())
    assert store.count_storage_waits() == 1
    uploads = Uploads("1 id 8", 1, (Part(1, ((0, 8),), '"etag"'),))
    store.checkpoint(run.fence, replace(checkpoint(), uploads=uploads))
    assert store.count_storage_waits() == 0
    assert store.get(run.job.hash).storage_wait is None


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_job_that_has_ended_does_not_wait(store: JobStore, end: str) -> None:
    run = begun(store)
    store.wait_for_storage(run.fence, DENIED)
    match end:
        case "complete":
            store.complete(run.fence, Published(1, '"etag"'), checkpoint())
        case "fail":
            store.fail(run.fence, FAILURE)
        case _:
            store.cancel(run.job.hash)
    assert store.count_storage_waits() == 0


def test_a_run_that_was_overtaken_says_nothing(store: JobStore) -> None:
    run = begun(store)
    assert store.begin(run.job.hash) is not None
    with pytest.raises(StaleAttempt):
        store.wait_for_storage(run.fence, DENIED)
    assert store.count_storage_waits() == 0
