"""A run that was overtaken ends no task of a job that is still open."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes.databases import migrated
from tests.fakes.jobs import no_defer, request

from packmule.assembly.build import Builder
from packmule.engine.interface import Later
from packmule.errors import FailureCode, StaleAttempt
from packmule.jobs.model import MOST_FRUITLESS_RUNS, JobState
from packmule.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class OvertakenStorage:
    """Lets something happen to the job while a run claims its scratch, and refuses the run then."""

    def __init__(self, during: Callable[[str], object]) -> None:
        self._during = during
        self.removed: list[str] = []

    def claim(self, key: str, *_: Any) -> None:
        self._during(key)
        raise StaleAttempt("A later run assembles this archive now.")

    def remove(self, key: str) -> None:
        self.removed.append(key)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    engine = migrated(tmp_path / "packmule.db")
    yield JobStore(engine)
    engine.dispose()


def build(store: JobStore, during: Callable[[str], object]) -> tuple[Later | None, list[str]]:
    storage = OvertakenStorage(during)
    builder = Builder(store, cast("Any", storage), cast("Any", None))
    return builder.build(store.create(request(), defer=no_defer), Event()), storage.removed


def test_an_overtaken_run_does_not_finish_the_task_of_a_job_that_is_open(store: JobStore) -> None:
    """The run that overtook it may be of a worker that has lost the task, and be stopped for that.

    If ours then finished the task, nobody would ever take the job up again.
    """
    answer, removed = build(store, during=store.begin)
    assert isinstance(answer, Later)
    assert removed == []


def test_a_job_whose_runs_have_killed_their_workers_fails_and_says_why(store: JobStore) -> None:
    key = store.create(request(), defer=no_defer)
    storage = OvertakenStorage(during=lambda _: pytest.fail("it was begun again"))
    builder = Builder(store, cast("Any", storage), cast("Any", None))
    for _ in range(MOST_FRUITLESS_RUNS):
        store.begin(key)
    assert builder.build(key, Event()) is None
    job = store.get(key)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code is FailureCode.QUARANTINED
    assert job.failure.attempts == MOST_FRUITLESS_RUNS
    store.retry(key, defer=no_defer)
    run = store.begin(key)
    assert run is not None
    assert len(run.sources) == job.progress.files_total


def test_a_cancelled_run_is_over_and_removes_what_is_left(store: JobStore) -> None:
    answer, removed = build(store, during=store.cancel)
    assert answer is None
    assert len(removed) == 1
