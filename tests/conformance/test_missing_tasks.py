"""Jobs and messages that have lost their tasks get others, and nothing else does."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from tests.fakes.jobs import in_state

from packmule.cleanup.reconciling import EVERY, Reconciler, ToBeDone
from packmule.engine.interface import Later, Task
from packmule.jobs.database import writing
from packmule.jobs.model import JobState
from packmule.webhook.messages import MessageStore

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database
    from tests.conformance.conftest import EngineMaker
    from tests.fakes.clock import FakeClock

    from packmule.engine.interface import Engine
    from packmule.jobs.store import JobStore

OPEN = {JobState.QUEUED, JobState.RUNNING}


@pytest.fixture
def engine(make_engine: EngineMaker) -> Engine:
    return make_engine()


@pytest.fixture
def reconciler(store: JobStore, db: Database, engine: Engine, clock: FakeClock) -> Reconciler:
    messages = MessageStore(db, clock)

    def jobs_to_do(after: int, most: int) -> list[ToBeDone]:
        return [
            ToBeDone(job.id, Task("build", job.hash, job.priority, client=job.client))
            for job in store.still_open(after, most)
        ]

    def messages_to_do(after: int, most: int) -> list[ToBeDone]:
        return [
            ToBeDone(each.id, Task("webhook", each.name, delay=each.due_in))
            for each in messages.waiting(after, most)
        ]

    return Reconciler([jobs_to_do, messages_to_do], engine, lambda: writing(db))


def test_only_what_neither_waits_nor_is_in_work_is_without_a_task(
    engine: Engine, db: Database
) -> None:
    def task(kind: str, key: str) -> Task:
        return Task(kind, key, client="ann")

    there = [task("build", "a"), task("webhook", "b")]
    with writing(db) as connection:
        for each in there:
            engine.defer(connection, each)
    missing = [task("build", "b"), task("webhook", "a")]
    assert engine.without_task([*there, *missing]) == missing
    assert engine.without_task([]) == []


def test_every_open_job_has_a_task_after_a_look_and_no_other_one_has(
    store: JobStore, engine: Engine, reconciler: Reconciler
) -> None:
    jobs = {state: [in_state(store, state, client=c) for c in ("", "ann")] for state in JobState}
    assert reconciler.sweep("all", Event()) == Later(EVERY)
    for state, hashes in jobs.items():
        for hash_ in hashes:
            assert [task.kind for task in engine.to_do(hash_)] == ["build"] * (state in OPEN)


def test_more_jobs_than_one_look_lists_are_all_seen(
    store: JobStore, engine: Engine, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packmule.cleanup.reconciling._AT_ONCE", 2)
    hashes = [in_state(store, state) for state in (*OPEN, *OPEN, *OPEN)]
    reconciler.sweep("all", Event())
    assert [len(engine.to_do(hash_)) for hash_ in hashes] == [1] * len(hashes)


def test_a_message_without_a_task_is_delivered_when_it_is_due(
    db: Database, engine: Engine, reconciler: Reconciler, clock: FakeClock
) -> None:
    messages = MessageStore(db, clock)
    with writing(db) as connection:
        name = messages.add(connection, hash_="a" * 32, kind="archive.completed", url=None, body="")
    reconciler.sweep("all", Event())
    (task,) = engine.to_do(name)
    assert task.kind == "webhook"
    assert task.due_in == pytest.approx(0.0, abs=1e-6)


def test_a_task_that_is_there_stays_as_it_is(
    store: JobStore, engine: Engine, db: Database, reconciler: Reconciler
) -> None:
    hash_ = in_state(store, JobState.QUEUED)
    with writing(db) as connection:
        engine.defer(connection, Task("build", hash_, delay=50.0))
    reconciler.sweep("all", Event())
    (task,) = engine.to_do(hash_)
    assert task.due_in == pytest.approx(50.0)


def test_the_next_look_is_a_minute_later(reconciler: Reconciler) -> None:
    reconciler.sweep("all", Event())
    answer = reconciler.sweep("all", Event())
    assert isinstance(answer, Later)
    assert EVERY / 2 < answer.delay < EVERY
