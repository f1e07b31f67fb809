"""The loop of a worker: heartbeats, back-off, and a database that fails for a while."""

from __future__ import annotations

import logging
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError
from tests.fakes.waiting import eventually

from packmule.engine import dispatcher, fairness
from packmule.engine.change_watch import Poll
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.engine.queue import Leased, TurnResult, WorkerQueue
from packmule.errors import DatabaseAway, NoThread

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Engine
    from tests.fakes.clock import FakeClock

    from packmule.engine.interface import Handler
    from packmule.engine.queue import Ended

LEASE = 15.0


def test_a_long_task_keeps_its_lease_as_long_as_it_runs(db: Engine, clock: FakeClock) -> None:
    engine = EmbeddedEngine(db, clock, lease=LEASE)
    other = WorkerQueue(db, clock, worker="other", lease=LEASE)
    stop, began, may_end = Event(), Event(), Event()

    def held(_key: str, _stop: Event) -> None:
        began.set()
        assert may_end.wait(30)

    def lease_ends_in() -> float:
        return other.next_time(clock()) - clock()

    with db.begin() as connection:
        engine.defer(connection, Task("job", "a"))
    thread = Thread(
        target=engine.run, args=({"job": held},), kwargs={"concurrency": {"job": 2}, "stop": stop}
    )
    thread.start()
    assert began.wait(30)
    for _ in range(10):
        clock.advance(LEASE * 0.6)
        eventually(lambda: lease_ends_in() > LEASE * 0.9)
    # Also while it drains.
    stop.set()
    clock.advance(LEASE * 0.6)
    eventually(lambda: lease_ends_in() > LEASE * 0.9)
    assert other.find_due(clock(), {"job": 1}, []) == {"job": []}
    may_end.set()
    thread.join(30)
    assert other.next_time(clock()) == float("inf")


class FakeQueue:
    """One task after another for each key given; refuses to be used where told to.

    What stands before a slash in a key is the client.
    """

    def __init__(self, *keys: str) -> None:
        self.waiting = dict(enumerate(keys))
        self.ended: list[Ended] = []
        self.lost: set[str] = set()
        self._leases = count()
        self.broken = self.away = False

    def find_due(
        self, _now: float, free: Mapping[str, int], mine: Collection[int]
    ) -> dict[str, list[int]]:
        self._check()
        ids = [id_ for id_ in self.waiting if id_ not in mine]
        return {kind: ids[:most] for kind, most in free.items()}

    def client_of(self, id_: int) -> str:
        return self.waiting[id_].partition("/")[0]

    def next_time(self, _now: float) -> float:
        return float("inf")

    def exchange(
        self, ended: Collection[Ended], renew: Collection[str], wanted: Collection[int]
    ) -> TurnResult:
        self._check()
        self.ended += ended
        leased = tuple(
            Leased(id_, "job", key, 1, key.partition("/")[0], f"lease {next(self._leases)}")
            for id_ in wanted
            if (key := self.waiting.pop(id_))
        )
        return TurnResult(leased, frozenset(self.lost & set(renew)))

    def free_the_gone(self, _is_gone: object) -> None:
        self._check()

    def clock_was_set(self, _step: float) -> None:
        self._check()

    def _check(self) -> None:
        if self.away:
            raise DatabaseAway("It does not answer.", "connection refused")
        if self.broken:
            raise OperationalError("SELECT", {}, Exception("disk I/O error"))


def loop_of(queue: FakeQueue, clock: FakeClock, handler: Handler, stop: Event) -> Dispatcher:
    return Dispatcher(
        queue,
        Poll(),
        handlers={"job": handler},
        concurrency={"job": 4},
        stop=stop,
        clock=clock,
        is_gone=lambda _: False,
        lease=LEASE,
    )


class Running:
    """A dispatcher at work in a thread."""

    def __init__(self, queue: FakeQueue, clock: FakeClock, handler: Handler) -> None:
        self.stop = Event()
        self._thread = Thread(target=loop_of(queue, clock, handler, self.stop).run)
        self._thread.start()

    def drain(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "FAULT_PAUSE", 0.01)
    monkeypatch.setattr(Poll, "interval", 0.01)


def test_what_ended_while_the_database_failed_is_given_back_when_it_works_again(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue("a", "b")
    may_end = Event()

    def handler(_key: str, _stop: Event) -> None:
        assert may_end.wait(30)

    running = Running(queue, clock, handler)
    eventually(lambda: not queue.waiting)
    queue.broken = True
    may_end.set()
    eventually(lambda: "trying again" in caplog.text)
    assert queue.ended == []
    queue.broken = False
    eventually(lambda: len(queue.ended) == 2)
    running.drain()


def test_a_drain_ends_though_the_database_does_not_work(clock: FakeClock) -> None:
    queue = FakeQueue("a")
    began = Event()

    def handler(_key: str, stop: Event) -> None:
        began.set()
        assert stop.wait(30)

    running = Running(queue, clock, handler)
    assert began.wait(30)
    queue.broken = True
    running.drain()


def test_a_handler_whose_task_was_taken_over_is_told_to_stop(clock: FakeClock) -> None:
    queue = FakeQueue("a")
    told = Event()

    def handler(_key: str, stop: Event) -> None:
        assert stop.wait(30)
        told.set()

    running = Running(queue, clock, handler)
    eventually(lambda: not queue.waiting)
    queue.lost = {"lease 0"}
    eventually(told.is_set, meanwhile=lambda: clock.advance(LEASE))
    assert not running.stop.is_set()
    running.drain()


class RefusedThread(Thread):
    """A thread that the system does not start."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_a_worker_that_can_start_no_thread_ends_and_says_why(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "Thread", RefusedThread)
    queue = FakeQueue(*"abcde")
    with pytest.raises(NoThread, match="more memory"):
        loop_of(queue, clock, lambda *_: None, Event()).run()
    assert [one.again is not None for one in queue.ended] == [True] * 5, "others may run them"


def test_a_worker_that_starts_some_threads_goes_on(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, done = Event(), []

    def thread(*given: Any, **named: Any) -> Thread:
        return (RefusedThread if next(number) % 5 else Thread)(*given, **named)

    def handler(key: str, _stop: Event) -> None:
        done.append(key)
        if len(done) == 3:
            stop.set()

    number = count(1)
    monkeypatch.setattr(dispatcher, "Thread", thread)
    queue = FakeQueue(*"abcdefghijklmno")
    loop_of(queue, clock, handler, stop).run()
    assert len(done) == 3


def test_a_task_is_never_given_up_and_its_pauses_grow_to_a_minute() -> None:
    pauses = [
        dispatcher._failed(Leased(1, "job", "a", tries, "", "")).again
        for tries in (1, 2, 3, 6, 7, 10_000)
    ]
    assert pauses == [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]


def test_a_log_line_does_not_tell_a_whole_key(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    key = "0123456789abcdef" * 2

    def handler(_key: str, _stop: Event) -> None:
        raise ValueError("broken")

    running = Running(FakeQueue(key), clock, handler)
    eventually(lambda: "broken" in caplog.text)
    running.drain()
    assert key[:8] in caplog.text
    assert key not in caplog.text


class Held:
    """A handler that holds each task until it is told to stop, or let go."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.stopped: list[str] = []
        self.let_go = Event()

    def __call__(self, key: str, stop: Event) -> Later | None:
        self.inside.append(key)
        while not self.let_go.wait(0.005):
            if stop.is_set():
                self.stopped.append(key)
                return Later(0.0)
        return None


def test_what_lasts_makes_room_for_others_up_to_a_bound(clock: FakeClock) -> None:
    queue = FakeQueue(*(f"{n}" for n in range(40)))
    held = Held()
    running = Running(queue, clock, held)
    for begun in (4, 8, 12, 16):
        eventually(lambda begun=begun: len(held.inside) == begun)  # type: ignore[misc]
        clock.advance(fairness.LASTS_AFTER)
    clock.advance(fairness.LASTS_AFTER)
    assert not running.stop.wait(0.1)
    assert len(held.inside) == 4 * (1 + fairness.LASTING_TIMES)
    held.let_go.set()
    eventually(lambda: not queue.waiting)
    running.drain()


def test_at_the_bound_those_longest_in_work_take_turns_with_those_that_wait(
    clock: FakeClock,
) -> None:
    queue = FakeQueue(*(f"{n}" for n in range(18)))
    held = Held()
    running = Running(queue, clock, held)
    eventually(
        lambda: len(held.inside) == 16, meanwhile=lambda: clock.advance(fairness.LASTS_AFTER / 2)
    )
    assert held.stopped == []
    clock.advance(fairness.SLICE)
    eventually(lambda: len(held.inside) == 18)
    assert sorted(held.stopped) == ["0", "1"]
    assert not queue.waiting
    clock.advance(fairness.SLICE)
    assert not running.stop.wait(0.1)
    assert len(held.stopped) == 2  # nobody waits, nobody makes room
    held.let_go.set()
    running.drain()


def test_a_client_that_holds_all_makes_room_for_another_soon(clock: FakeClock) -> None:
    queue = FakeQueue(*(f"ann/{n}" for n in range(16)))
    held = Held()
    running = Running(queue, clock, held)
    eventually(
        lambda: len(held.inside) == 16, meanwhile=lambda: clock.advance(fairness.LASTS_AFTER / 2)
    )
    queue.waiting = {100: "ann/16"}
    clock.advance(fairness.SHORT_SLICE)
    assert not running.stop.wait(0.4)
    assert held.stopped == []  # its own wait as long as ever
    queue.waiting |= {200: "bob/0", 201: "bob/1"}
    eventually(lambda: {"bob/0", "bob/1"} <= set(held.inside))
    assert all(key.startswith("ann/") for key in held.stopped)
    held.let_go.set()
    running.drain()


def test_a_database_that_is_away_is_logged_once_without_a_traceback(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue()
    loop = loop_of(queue, clock, lambda _key, _stop: None, Event())
    queue.away = True
    with caplog.at_level(logging.INFO):
        loop.turn()
        loop.turn()
        queue.away = False
        loop.turn()
        loop.turn()
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", "task queue not reachable, trying again reason=connection refused"),
        ("INFO", "task queue reachable"),
    ]
    assert not any(each.exc_info for each in caplog.records)


def test_a_task_whose_database_is_away_is_tried_again_without_a_traceback(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    def cut(_key: str, _stop: Event) -> None:
        raise DatabaseAway("It does not answer.", "connection refused")

    queue = FakeQueue("a")
    running = Running(queue, clock, cut)
    eventually(lambda: queue.ended)
    running.drain()
    assert queue.ended[0].again is not None
    [record] = [each for each in caplog.records if each.levelname == "WARNING"]
    assert record.getMessage().startswith("task interrupted task=job-")
    assert record.exc_info is None
