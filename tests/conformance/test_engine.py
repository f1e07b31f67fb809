"""The engine: a task exists if and only if its transaction was committed, and then it is run."""

from __future__ import annotations

import threading
from collections import Counter
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from tests.fakes.waiting import eventually

from packmule.engine.interface import Later, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Engine as Database
    from tests.conformance.conftest import EngineMaker
    from tests.fakes.clock import FakeClock

    from packmule.engine.interface import Engine, Handler


@pytest.fixture
def engine(make_engine: EngineMaker) -> Engine:
    return make_engine()


@pytest.fixture
def defer(engine: Engine, db: Database) -> Callable[..., None]:
    """Defer each task in a transaction of its own."""

    def deferred(*tasks: Task) -> None:
        for task in tasks:
            with db.begin() as connection:
                engine.defer(connection, task)

    return deferred


class Worker:
    """An engine at work in a thread; `stop` is set to drain it."""

    def __init__(
        self, engine: Engine, handlers: Mapping[str, Handler], concurrency: Mapping[str, int]
    ) -> None:
        self.stop = Event()
        self._thread = Thread(
            target=engine.run,
            args=(handlers,),
            kwargs={"concurrency": concurrency, "stop": self.stop},
        )
        self._thread.start()

    @property
    def at_work(self) -> bool:
        return self._thread.is_alive()

    def drain(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self.at_work


@pytest.fixture
def work(make_engine: EngineMaker) -> Iterator[Callable[..., Worker]]:
    """Start workers, each on an engine of its own, that are drained at the end."""
    workers: list[Worker] = []

    def started(concurrency: int = 1, **handlers: Handler) -> Worker:
        limits = dict.fromkeys(handlers, concurrency)
        workers.append(Worker(make_engine(), handlers, limits))
        return workers[-1]

    yield started
    for worker in workers:
        worker.drain()


class Log:
    """A handler that notes the keys it gets, in their order."""

    def __init__(self, *answers: Later | Exception) -> None:
        self.keys: list[str] = []
        self._answers = list(answers)

    def __call__(self, key: str, _stop: Event) -> Later | None:
        self.keys.append(key)
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Gate:
    """A handler that holds each task until it is opened, and counts those inside."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.most = 0
        self.passed: list[str] = []
        self._open = Event()
        self._lock = threading.Lock()

    def open(self) -> None:
        self._open.set()

    def __call__(self, key: str, _stop: Event) -> None:
        with self._lock:
            self.inside[key] += 1
            self.most = max(self.most, self.inside.total())
        assert self._open.wait(30)
        with self._lock:
            self.inside[key] -= 1
            self.passed.append(key)


# --- defer --------------------------------------------------------------------------------------


def test_a_deferred_task_is_run_with_its_key_once(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    log = Log()
    work(job=log)
    defer(Task("job", "a"))
    eventually(lambda: log.keys)
    defer(Task("job", "b"))
    eventually(lambda: len(log.keys) == 2)
    assert log.keys == ["a", "b"]


def test_a_task_whose_transaction_is_undone_never_runs(
    engine: Engine, db: Database, defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    with db.connect() as connection:
        engine.defer(connection, Task("job", "undone"))
        connection.rollback()
    defer(Task("job", "done"))
    log = Log()
    work(job=log)
    eventually(lambda: "done" in log.keys)
    assert log.keys == ["done"]


def test_a_task_does_not_run_before_its_transaction_is_committed(
    engine: Engine, db: Database, work: Callable[..., Worker]
) -> None:
    log = Log()
    with db.begin() as connection:
        engine.defer(connection, Task("job", "a"))
        worker = work(job=log)
        assert not worker.stop.wait(0.1)
        assert log.keys == []
    eventually(lambda: log.keys == ["a"])


def test_deferring_what_still_waits_is_one_task(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    log = Log()
    defer(Task("job", "a"), Task("job", "a"), Task("job", "b"), Task("job", "a"))
    work(job=log)
    eventually(lambda: "b" in log.keys)
    assert log.keys == ["a", "b"]


def test_deferring_what_waits_for_later_pulls_it_forward(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    log = Log()
    defer(Task("job", "a", delay=3600), Task("job", "a", delay=7200), Task("job", "a"))
    work(job=log)
    eventually(lambda: log.keys == ["a"])


def test_deferring_what_is_in_work_runs_it_again_afterwards(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    gate = Gate()
    work(concurrency=2, job=gate)
    defer(Task("job", "a"))
    eventually(lambda: gate.inside["a"])
    defer(Task("job", "a"), Task("job", "b"))
    eventually(lambda: gate.inside["b"])
    assert gate.inside["a"] == 1
    gate.open()
    eventually(lambda: len(gate.passed) == 3)
    assert sorted(gate.passed) == ["a", "a", "b"]


def test_what_is_deferred_again_by_its_own_handler_before_it_asks_for_later_is_one_task(
    defer: Callable[..., None], work: Callable[..., Worker], clock: FakeClock
) -> None:
    keys: list[str] = []

    def handler(key: str, _stop: Event) -> Later | None:
        keys.append(key)
        if len(keys) == 1:
            defer(Task("job", key))
            return Later(3600)
        return None

    work(job=handler)
    defer(Task("job", "a"))
    eventually(lambda: len(keys) == 2)
    clock.advance(7200)
    defer(Task("job", "end"))
    eventually(lambda: "end" in keys)
    assert keys == ["a", "a", "end"]


# --- order and limits ---------------------------------------------------------------------------


def test_tasks_of_one_priority_run_in_the_order_they_were_deferred(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    log = Log()
    keys = [f"{n:x}" for n in range(12)]
    defer(*(Task("job", key) for key in keys))
    work(job=log)
    eventually(lambda: len(log.keys) == 12)
    assert log.keys == keys


def test_the_greater_priority_goes_first(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    log = Log()
    for key, priority in (("low", -1), ("mid", 0), ("high", 5), ("mid2", 0)):
        defer(Task("job", key, priority=priority))
    work(job=log)
    eventually(lambda: len(log.keys) == 4)
    assert log.keys == ["high", "mid", "mid2", "low"]


def test_no_more_of_a_kind_are_in_work_at_once_than_allowed(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    gate = Gate()
    defer(*(Task("job", f"{n}") for n in range(9)))
    work(concurrency=3, job=gate)
    eventually(lambda: gate.inside.total() == 3)
    gate.open()
    eventually(lambda: len(gate.passed) == 9)
    assert gate.most == 3


def test_a_kind_does_not_wait_for_another(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    gate, log = Gate(), Log()
    defer(Task("job", "a"), Task("job", "b"))
    work(job=gate, webhook=log)
    eventually(gate.inside.total)
    defer(Task("webhook", "a"))
    eventually(lambda: log.keys == ["a"])
    gate.open()


def test_a_kind_that_nobody_handles_waits_for_one_who_does(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    other, log = Log(), Log()
    defer(Task("job", "a"), Task("webhook", "b"))
    work(webhook=other)
    eventually(lambda: other.keys == ["b"])
    work(job=log)
    eventually(lambda: log.keys == ["a"])


# --- time ---------------------------------------------------------------------------------------


def test_a_delayed_task_runs_when_its_time_has_come(
    defer: Callable[..., None], work: Callable[..., Worker], clock: FakeClock
) -> None:
    log = Log()
    work(job=log)
    defer(Task("job", "late", delay=10), Task("job", "later", delay=20), Task("job", "now"))
    eventually(lambda: log.keys == ["now"])
    clock.advance(10)
    eventually(lambda: log.keys == ["now", "late"])
    clock.advance(10)
    eventually(lambda: log.keys == ["now", "late", "later"])


def test_a_task_that_answers_later_runs_again_then(
    defer: Callable[..., None], work: Callable[..., Worker], clock: FakeClock
) -> None:
    log = Log(Later(30))
    work(job=log)
    defer(Task("job", "a"), Task("job", "b"))
    eventually(lambda: log.keys == ["a", "b"])
    clock.advance(30)
    eventually(lambda: log.keys == ["a", "b", "a"])


def test_a_task_whose_handler_raises_is_logged_and_tried_again(
    defer: Callable[..., None],
    work: Callable[..., Worker],
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log(ValueError("broken"), ValueError("still broken"))
    work(job=log)
    defer(Task("job", "a"))
    eventually(lambda: len(log.keys) == 3, meanwhile=lambda: clock.advance(1))
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "broken",
        "still broken",
    ]


def test_the_queues_age_is_how_long_the_oldest_due_task_has_waited(
    engine: Engine, defer: Callable[..., None], work: Callable[..., Worker], clock: FakeClock
) -> None:
    assert engine.queue_age() == 0.0
    defer(Task("job", "a", delay=100))
    assert engine.queue_age() == 0.0
    clock.advance(130)
    defer(Task("job", "b"))
    assert engine.queue_age() == pytest.approx(30)
    log = Log()
    work(job=log)
    eventually(lambda: len(log.keys) == 2)
    eventually(lambda: engine.queue_age() == 0.0)


def test_what_is_still_to_do_of_a_subject_is_listed(
    engine: Engine, defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    assert engine.to_do("a") == ()
    defer(Task("job", "a", client="ann"), Task("other", "a", delay=30), Task("job", "b"))
    assert [(one.kind, round(one.due_in), one.tries, one.in_work) for one in engine.to_do("a")] == [
        ("job", 0, 0, False),
        ("other", 30, 0, False),
    ]
    may_end = Event()
    work(job=lambda _key, _stop: may_end.wait(30) and None)
    eventually(lambda: [one.in_work for one in engine.to_do("a")] == [True, False])
    assert [one.tries for one in engine.to_do("a")] == [1, 0]
    may_end.set()
    eventually(lambda: [one.kind for one in engine.to_do("a")] == ["other"])


# --- stop ---------------------------------------------------------------------------------------


def test_asked_to_stop_it_begins_nothing_tells_the_handlers_and_waits_for_them(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    began, told, may_end = Event(), Event(), Event()

    def slow(_key: str, stop: Event) -> None:
        began.set()
        assert stop.wait(30)
        told.set()
        assert may_end.wait(30)

    log = Log()
    worker = work(job=slow)
    defer(Task("job", "a"), Task("job", "b"))
    assert began.wait(30)
    worker.stop.set()
    assert told.wait(30)
    assert worker.at_work
    may_end.set()
    eventually(lambda: not worker.at_work)
    work(job=log)
    eventually(lambda: log.keys)
    assert log.keys == ["b"]


def test_what_was_not_finished_at_a_stop_is_resumed_by_the_next_worker(
    defer: Callable[..., None], work: Callable[..., Worker]
) -> None:
    began = Event()

    def interrupted(_key: str, stop: Event) -> Later:
        began.set()
        assert stop.wait(30)
        return Later(0)

    worker = work(job=interrupted)
    defer(Task("job", "a"))
    assert began.wait(30)
    worker.drain()
    log = Log()
    work(job=log)
    eventually(lambda: log.keys == ["a"])
