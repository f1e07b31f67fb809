"""Leases: a run that lost its task can do nothing to a later lease of it, whoever holds that."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from tests.fakes.waiting import eventually

from packmule.engine import dispatcher, queue
from packmule.engine.change_watch import Poll
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.engine.liveness import LockFiles
from packmule.engine.queue import Ended, Leased, WorkerQueue
from packmule.jobs.database import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

    from packmule.engine.interface import Handler

LEASE = 15.0


def take(worker: WorkerQueue, clock: FakeClock) -> list[Leased]:
    found = worker.find_due(clock(), {"job": 9}, ())["job"]
    return list(worker.exchange((), (), found).leased)


def open_queue(db: Engine, clock: FakeClock, name: str) -> WorkerQueue:
    return WorkerQueue(db, clock, worker=name, lease=LEASE)


@pytest.fixture
def a_job(db: Engine, clock: FakeClock) -> None:
    with db.begin() as connection:
        EmbeddedEngine(db, clock).defer(connection, Task("job", "a"))


def keys(db: Engine) -> list[str]:
    with db.begin() as connection:
        return [str(key) for (key,) in connection.exec_driver_sql("SELECT key FROM tasks")]


@pytest.fixture
def lost_and_held_again(
    db: Engine, clock: FakeClock, a_job: None
) -> tuple[WorkerQueue, Leased, Leased]:
    """Give a worker, the lease it lost, and the one it has got since for the same task."""
    assert a_job is None
    ann, bob = open_queue(db, clock, "ann"), open_queue(db, clock, "bob")
    (lost,) = take(ann, clock)
    clock.advance(LEASE)
    (taken,) = take(bob, clock)
    bob.exchange([Ended(taken, again=0.0)], (), ())
    (again,) = take(ann, clock)
    assert again.id == lost.id
    return ann, lost, again


@pytest.mark.parametrize("again", [None, 0.0])
def test_a_lost_run_cannot_end_a_later_lease_of_its_own_worker(
    db: Engine,
    clock: FakeClock,
    lost_and_held_again: tuple[WorkerQueue, Leased, Leased],
    again: float | None,
) -> None:
    ann, lost, held = lost_and_held_again
    ann.exchange([Ended(lost, again)], (), ())
    assert keys(db) == ["a"]
    assert take(open_queue(db, clock, "bob"), clock) == []
    ann.exchange([Ended(held)], (), ())
    assert keys(db) == []


def test_a_lost_run_cannot_renew_a_later_lease_of_its_own_worker(
    lost_and_held_again: tuple[WorkerQueue, Leased, Leased],
) -> None:
    ann, lost, held = lost_and_held_again
    assert ann.exchange((), [lost.lease, held.lease], ()).lost == {lost.lease}


def test_what_names_a_lease_in_the_log_does_not_open_an_archive() -> None:
    key = "0123456789abcdef" * 2
    assert (
        repr(Leased(1, "build", key, 2, "", "f00d")) == "<Leased build-01234567 try=2 lease=f00d>"
    )


# --- writers that wait --------------------------------------------------------------------------


@contextmanager
def writer_holding(db: Engine, may_end: Event) -> Iterator[None]:
    """Hold the right to write in another thread until `may_end` is set."""
    holds = Event()

    def hold() -> None:
        with db.begin():
            holds.set()
            assert may_end.wait(30)

    thread = Thread(target=hold)
    thread.start()
    assert holds.wait(30)
    try:
        yield
    finally:
        may_end.set()
        thread.join(30)


def exchange_after_waiting(
    db: Engine, clock: FakeClock, worker: WorkerQueue, found: list[int], seconds: float
) -> list[Leased]:
    """Let a worker wait for another writer, so long by its clock, and then take what it found."""
    may_end = Event()
    asked = Event()
    leased: list[Leased] = []

    def ticking() -> float:
        asked.set()
        return clock()

    worker._clock = ticking
    with writer_holding(db, may_end):
        thread = Thread(target=lambda: leased.extend(worker.exchange((), (), found).leased))
        thread.start()
        assert asked.wait(30)
        clock.advance(seconds)
    thread.join(30)
    return leased


def test_who_waited_to_write_takes_nothing_over_before_the_others_could_renew(
    db: Engine, clock: FakeClock, a_job: None
) -> None:
    assert a_job is None
    ann, bob = open_queue(db, clock, "ann"), open_queue(db, clock, "bob")
    (held,) = take(ann, clock)
    clock.advance(LEASE)
    found = bob.find_due(clock(), {"job": 1}, ())["job"]
    assert found == [held.id]
    assert exchange_after_waiting(db, clock, bob, found, seconds=5.0) == []
    assert bob.find_due(clock(), {"job": 1}, ()) == {"job": []}
    assert bob.next_time(clock()) == pytest.approx(clock() + 1.0)
    assert ann.exchange((), [held.lease], ()).lost == frozenset()


def test_a_task_is_taken_over_though_one_has_to_wait_each_time(
    db: Engine, clock: FakeClock, a_job: None
) -> None:
    assert a_job is None
    ann, bob = open_queue(db, clock, "ann"), open_queue(db, clock, "bob")
    (held,) = take(ann, clock)
    clock.advance(LEASE + queue.LONGEST_WAIT)
    assert [task.id for task in exchange_after_waiting(db, clock, bob, [held.id], 5.0)] == [held.id]


def test_no_writer_waits_for_longer_than_takeovers_allow_for() -> None:
    assert queue.LONGEST_WAIT >= BUSY_SECONDS


# --- the loop -----------------------------------------------------------------------------------


class Loop:
    """A worker's loop that is turned by hand, over a queue of its own."""

    def __init__(self, db: Engine, clock: FakeClock, name: str, handler: Handler) -> None:
        self.stop = Event()
        self.watch = Poll()
        self.dispatcher = Dispatcher(
            open_queue(db, clock, name),
            self.watch,
            handlers={"job": handler},
            concurrency={"job": 2},
            stop=self.stop,
            clock=clock,
            is_gone=lambda _: False,
            lease=LEASE,
        )

    def turn(self) -> None:
        self.dispatcher.turn()


class Gate:
    """A handler that holds each run until the test ends it with an answer."""

    def __init__(self) -> None:
        self.threads: list[Thread] = []
        self._ends: list[Event] = []
        self._answers: dict[int, Later | None] = {}
        self._lock = threading.Lock()

    def __call__(self, _key: str, _stop: Event) -> Later | None:
        end = Event()
        with self._lock:
            number = len(self._ends)
            self._ends.append(end)
            self.threads.append(threading.current_thread())
        assert end.wait(30)
        return self._answers[number]

    def end(self, number: int, answer: Later | None) -> None:
        self._answers[number] = answer
        self._ends[number].set()
        self.threads[number].join(30)


def test_a_worker_that_gets_a_lost_task_back_begins_it_when_its_old_run_has_ended(
    db: Engine, clock: FakeClock, a_job: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert a_job is None
    gate = Gate()
    ann, bob = Loop(db, clock, "ann", gate), open_queue(db, clock, "bob")
    ann.turn()
    eventually(lambda: len(gate.threads) == 1)
    clock.advance(LEASE)
    (taken,) = take(bob, clock)
    bob.exchange([Ended(taken, again=0.0)], (), ())
    for _ in range(5):
        ann.turn()  # learns that it lost the task, and gets it again
        clock.advance(1.0)
    assert "lost=1" in repr(ann.dispatcher)
    assert len(gate.threads) == 1
    gate.end(0, None)
    ann.turn()
    assert keys(db) == ["a"]
    clock.advance(2.0)
    ann.turn()
    eventually(lambda: len(gate.threads) == 2)
    gate.end(1, None)
    ann.turn()
    assert keys(db) == []
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("disk I/O error"),
        OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
        KeyError("a mistake"),
    ],
)
def test_no_fault_ends_a_worker(
    db: Engine,
    clock: FakeClock,
    a_job: None,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert a_job is None
    monkeypatch.setattr(dispatcher, "FAULT_PAUSE", 0.01)
    begun = Event()

    def handler(_key: str, _stop: Event) -> None:
        begun.set()

    loop = Loop(db, clock, "ann", handler)
    broken, asked = Event(), Event()
    broken.set()

    def changed() -> bool:
        asked.set()
        if broken.is_set():
            raise error
        return True

    monkeypatch.setattr(loop.watch, "changed", changed)
    thread = Thread(target=loop.dispatcher.run)
    thread.start()
    assert asked.wait(30)
    eventually(lambda: repr(loop.dispatcher) == "<Dispatcher running=0 lost=0 failing>")
    broken.clear()
    assert begun.wait(30)
    loop.stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_leases_are_renewed_though_the_clock_was_set_back(
    db: Engine, clock: FakeClock, a_job: None
) -> None:
    assert a_job is None
    gate = Gate()
    ann, bob = Loop(db, clock, "ann", gate), open_queue(db, clock, "bob")
    clock.advance(3600.0)
    ann.turn()
    eventually(lambda: len(gate.threads) == 1)
    clock.advance(-3600.0)
    ann.turn()
    assert bob.next_time(clock()) == pytest.approx(clock() + LEASE)
    gate.end(0, None)


def test_a_worker_is_not_known_to_be_gone_where_no_file_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    files = LockFiles(tmp_path)
    with files.present() as name:
        monkeypatch.setattr(os, "open", refuse)
        assert not files.is_gone(name)
        monkeypatch.undo()
