"""Runs of a job that end without progress are counted; what is no fault of the job's is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.fakes.jobs import FAILURE, PROGRESS, begun, checkpoint, no_defer

from packmule.jobs.model import MOST_FRUITLESS_RUNS, Checkpoint, Run

if TYPE_CHECKING:
    from packmule.jobs.store import JobStore


def again(store: JobStore, run: Run) -> Run:
    """Take a job over, as when the worker of the run before has died."""
    taken_over = store.begin(run.job.hash)
    assert taken_over is not None
    return taken_over


def saying(bytes_done: int) -> Checkpoint:
    progress = replace(PROGRESS, bytes_done=bytes_done, files_done=0, files_failed=0)
    return replace(checkpoint(), progress=progress)


def test_runs_that_die_without_progress_are_counted(store: JobStore) -> None:
    run = begun(store)
    counted = [run.fruitless]
    for _ in range(MOST_FRUITLESS_RUNS):
        run = again(store, run)
        counted.append(run.fruitless)
    assert counted == list(range(MOST_FRUITLESS_RUNS + 1))


def test_of_a_job_that_kills_its_workers_nothing_is_read_any_more(store: JobStore) -> None:
    run = begun(store)
    for _ in range(MOST_FRUITLESS_RUNS - 1):
        run = again(store, run)
    assert len(run.sources) == 3
    assert again(store, run).sources == ()


def test_only_a_run_that_comes_further_than_all_before_it_makes_progress(store: JobStore) -> None:
    run = begun(store)
    counted = []
    for bytes_done in (1000, 999, 1000, 1001):
        store.checkpoint(run.fence, saying(bytes_done))
        run = again(store, run)
        counted.append(run.fruitless)
    assert counted == [0, 1, 2, 0]


def test_a_file_that_is_done_is_progress_without_a_byte(store: JobStore) -> None:
    run = begun(store)
    run = again(store, run)
    one_done = replace(saying(0).progress, files_done=1)
    store.checkpoint(run.fence, replace(saying(0), progress=one_done))
    assert again(store, run).fruitless == 0


def test_a_run_that_is_released_does_not_count(store: JobStore) -> None:
    run = begun(store)
    for _ in range(2 * MOST_FRUITLESS_RUNS):
        store.release(run.fence)
        run = again(store, run)
        assert run.fruitless == 0


def test_a_run_that_lost_its_job_releases_nothing(store: JobStore) -> None:
    lost = begun(store)
    run = again(store, lost)
    store.release(lost.fence)
    assert again(store, run).fruitless == 2


def test_a_retry_counts_anew(store: JobStore) -> None:
    run = begun(store)
    for _ in range(3):
        run = again(store, run)
    store.checkpoint(run.fence, saying(1000))
    store.fail(run.fence, FAILURE)
    store.retry(run.job.hash, defer=no_defer)
    run = again(store, run)
    assert run.fruitless == 0
    store.checkpoint(run.fence, saying(1))
    assert again(store, run).fruitless == 0
