"""A run hears soon that its job was cancelled or taken over, and one question serves all runs."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import begun, checkpoint, done, no_defer, request
from tests.fakes.resources import FakeResources
from tests.fakes.waiting import PATIENCE, eventually

from packmule.assembly.assembly import Assembly
from packmule.assembly.fencing import CancellationWatcher
from packmule.assembly.run import assemble
from packmule.errors import StaleAttempt, StorageFailed
from packmule.jobs.database import connect
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from packmule.jobs.model import Fence, Run

SOON = 0.01


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    database = connect(f"sqlite:///{tmp_path / 'packmule.db'}")
    upgrade(database)
    yield JobStore(database)
    database.dispose()


def hears(holdings: CancellationWatcher, run: Run, change: Callable[[], object]) -> None:
    """Fail unless a run that is watched is woken by a change, and told to end."""
    woken = Event()
    with holdings.watched(run, woken.set) as watched:
        watched.check()
        change()
        assert woken.wait(PATIENCE)
        with pytest.raises(StaleAttempt):
            watched.check()


def test_a_run_whose_job_is_cancelled_is_woken_and_told_to_end(store: JobStore) -> None:
    run = begun(store)
    hears(
        CancellationWatcher(store.still_held, look_every=SOON),
        run,
        lambda: store.cancel(run.job.hash),
    )


def test_a_run_whose_job_is_deleted_is_woken_and_told_to_end(store: JobStore) -> None:
    run = begun(store)
    hears(
        CancellationWatcher(store.still_held, look_every=SOON),
        run,
        lambda: store.delete(run.job.hash),
    )


def test_a_run_that_was_taken_over_is_woken_and_told_to_end(store: JobStore) -> None:
    run = begun(store)
    hears(
        CancellationWatcher(store.still_held, look_every=SOON),
        run,
        lambda: store.begin(run.job.hash),
    )


def test_a_run_whose_archive_is_wanted_now_is_woken_and_goes_on(store: JobStore) -> None:
    run = begun(store)
    store.checkpoint(run.fence, checkpoint(done(0)))
    woken = Event()
    watcher = CancellationWatcher(store.still_held, look_every=SOON)
    with watcher.watched(run, woken.set) as watched:
        assert not watched.finish.is_set()
        store.finish(run.job.hash, defer=no_defer)
        assert woken.wait(PATIENCE)
        assert watched.finish.is_set()
        watched.check()


class Asked:
    """Answers that all runs hold their jobs, and notes what was asked; or fails."""

    def __init__(self) -> None:
        self.questions: list[list[int]] = []
        self.fails: Exception | None = None

    def __call__(self, fences: Sequence[Fence]) -> dict[Fence, bool]:
        self.questions.append(sorted(fence.job_id for fence in fences))
        if self.fails is not None:
            raise self.fails
        return dict.fromkeys(fences, False)


def test_one_question_is_asked_for_all_runs_and_none_once_they_have_ended(store: JobStore) -> None:
    asked = Asked()
    holdings = CancellationWatcher(asked, look_every=SOON)
    first, second = begun(store), begun(store)
    both = [first.job.id, second.job.id]
    with holdings.watched(first, pytest.fail), holdings.watched(second, pytest.fail):
        eventually(lambda: both in asked.questions)
    eventually(lambda: not holdings._is_looking)
    with holdings.watched(second, pytest.fail):
        eventually(lambda: asked.questions[-1] == [second.job.id])


@pytest.mark.parametrize("error", [StorageFailed("Not now."), OSError("of another kind")])
def test_a_store_that_cannot_be_asked_ends_no_run(store: JobStore, error: Exception) -> None:
    asked = Asked()
    asked.fails = error
    with CancellationWatcher(asked, look_every=SOON).watched(begun(store), pytest.fail) as watched:
        eventually(lambda: len(asked.questions) > 2)
        watched.check()
        asked.fails = None
        eventually(lambda: len(asked.questions) > 5)
        watched.check()


def no_checkpoint(_checkpoint: object) -> None:
    pytest.fail("a checkpoint was recorded for a job that is cancelled")


def test_an_assembly_ends_when_its_job_is_cancelled_not_at_its_next_checkpoint(
    store: JobStore, tmp_path: Path
) -> None:
    run = store.begin(store.create(request(1), defer=no_defer))
    assert run is not None
    resources = FakeResources()
    assembly = Assembly(run.sources, run.remembered, tmp_path / "scratch", resources.real)
    holdings = CancellationWatcher(store.still_held, look_every=SOON)
    with holdings.watched(run, assembly.ask_checkpoint) as watched:
        store.cancel(run.job.hash)
        with pytest.raises(StaleAttempt):
            assemble(assembly, no_checkpoint, Event(), check=watched.check, interval=2 * PATIENCE)
    assembly.close()
    assert resources.loop.removed
    resources.close()


def test_a_thread_that_cannot_start_ends_no_run_and_is_tried_again_for_the_next(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    asked = Asked()
    holdings = CancellationWatcher(asked, look_every=SOON)
    first, second = begun(store), begun(store)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refused)
        with holdings.watched(first, pytest.fail) as watched:
            watched.check()
    with holdings.watched(second, pytest.fail):
        eventually(lambda: asked.questions != [])
    assert asked.questions[0] == [second.job.id]
