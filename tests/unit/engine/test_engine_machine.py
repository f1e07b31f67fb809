"""Any sequence of freezes, deaths, faults and takeovers: no job is lost, and none counts twice.

Real queue, real SQLite, a clock that the test moves. A worker that isn't turned is frozen, while
its handlers go on. Handlers behave as those of jobs do: a run counts only while no later one has
begun.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.fakes.clock import FakeClock
from tests.fakes.databases import migrated

from packmule.engine import dispatcher
from packmule.engine.dispatcher import Dispatcher
from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Later, Task
from packmule.engine.queue import WorkerQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE = 15.0
KIND = "machine"
KEYS = ("a", "b")
PATIENCE = 60.0
ROUNDS = 30

Answer = Later | Exception | None


class Fault(Exception):
    """Whatever may go wrong."""


@dataclass(eq=False)
class Run:
    """A handler at work: it begins, and ends with an answer, when the test lets it."""

    key: str
    thread: threading.Thread = field(default_factory=threading.current_thread)
    begun_as: int | None = None
    covers: int = 0
    answer: Answer = None
    may_end: threading.Event = field(default_factory=threading.Event)

    def end(self, answer: Answer) -> None:
        self.answer = answer
        self.may_end.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


class FaultyQueue(WorkerQueue):
    """Fails when told to: before it asks the database, or after its commit has come through."""

    fault = ""

    def exchange(self, *arguments: Any) -> Any:
        fault, self.fault = self.fault, ""
        if fault == "before":
            raise sqlite3.OperationalError("disk I/O error")
        found = super().exchange(*arguments)
        if fault == "after":
            raise Fault
        return found


class Worker:
    """A worker that is turned by hand; its watch always sees a change."""

    interval = 0.0

    def __init__(self, machine: EngineMachine, name: str) -> None:
        self.name = name
        self.runs: list[Run] = []
        self.queue = FaultyQueue(machine.db, machine.clock, worker=name, lease=LEASE)
        self.dispatcher = Dispatcher(
            self.queue,
            self,
            handlers={KIND: self._handle},
            concurrency={KIND: 2},
            stop=threading.Event(),
            clock=machine.clock,
            is_gone=machine.dead.__contains__,
            lease=LEASE,
        )

    def changed(self) -> bool:
        return True

    def _handle(self, key: str, _stop: threading.Event) -> Later | None:
        run = Run(key)
        self.runs.append(run)
        assert run.may_end.wait(PATIENCE)
        if isinstance(run.answer, Exception):
            raise run.answer
        return run.answer

    def in_work(self) -> list[Run]:
        return [run for run in self.runs if run.thread.is_alive()]


class EngineMachine(RuleBasedStateMachine):
    """Two workers over one database, and what a job store would know of their runs."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.folder = tempfile.TemporaryDirectory(prefix="packmule-engine-")
        self.db = migrated(Path(self.folder.name) / "packmule.db")
        self.engine = EmbeddedEngine(self.db, self.clock)
        self.dead: set[str] = set()
        self.lives = 0
        self.workers = [self._worker(), self._worker()]
        self.wanted, self.done, self.attempts = (dict.fromkeys(KEYS, 0) for _ in range(3))

    def _worker(self) -> Worker:
        self.lives += 1
        return Worker(self, f"worker {self.lives}")

    def _runs(self, *, begun: bool) -> list[Run]:
        return [
            run
            for worker in self.workers
            for run in worker.in_work()
            if (run.begun_as is not None) is begun
        ]

    # --- what may happen ------------------------------------------------------------------------

    @rule(key=st.sampled_from(KEYS), delay=st.sampled_from([0.0, 0.0, 30.0]))
    def defer(self, key: str, delay: float) -> None:
        with self.db.begin() as connection:
            self.engine.defer(connection, Task(KIND, key, delay=delay))
        self.wanted[key] += 1

    @rule(seconds=st.sampled_from([1.0, LEASE / 3, LEASE, 4 * LEASE]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(which=st.integers(0, 1), answer=st.sampled_from([None, Later(0.0), Fault()]))
    def take_over(self, which: int, answer: Answer) -> None:
        """Freeze a worker for longer than its lease; the other one takes over, and ends first."""
        self.clock.advance(LEASE)
        self.turn(1 - which, "", begins=True)
        for run in self.workers[1 - which].in_work():
            if run.begun_as is not None:
                self._end(run, answer)
        self.turn(1 - which, "")
        self.clock.advance(1.0)
        self.turn(which, "")

    @rule(
        which=st.integers(0, 1),
        fault=st.sampled_from(["", "", "", "before", "after"]),
        begins=st.booleans(),
    )
    def turn(self, which: int, fault: str, *, begins: bool = False) -> None:
        worker = self.workers[which]
        worker.queue.fault = fault
        worker.dispatcher.turn()
        worker.queue.fault = ""
        self._await_handlers()
        keys = [run.key for run in worker.in_work()]
        assert len(keys) == len(set(keys)), "a worker runs one task twice at once"
        for run in worker.in_work() if begins else ():
            if run.begun_as is None:
                self._begin(run)

    def _await_handlers(self) -> None:
        """Wait until all threads that were started are in their handlers."""
        deadline = time.monotonic() + PATIENCE
        while {thread for thread in threading.enumerate() if thread.name.startswith(f"{KIND}-")} - {
            run.thread for worker in self.workers for run in worker.runs
        }:
            assert time.monotonic() < deadline
            time.sleep(0.0005)

    @precondition(lambda self: self._runs(begun=False))
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Let a run begin: it may have been frozen before, and be the last to do so."""
        self._begin(data.draw(st.sampled_from(self._runs(begun=False))))

    def _begin(self, run: Run) -> None:
        if self.done[run.key] == self.wanted[run.key]:
            run.end(None)  # nothing is left to do
            return
        self.attempts[run.key] += 1
        run.begun_as, run.covers = self.attempts[run.key], self.wanted[run.key]

    @precondition(lambda self: self._runs(begun=True))
    @rule(data=st.data(), answer=st.sampled_from([None, None, Later(0.0), Later(9.0), Fault()]))
    def end(self, data: st.DataObject, answer: Answer) -> None:
        self._end(data.draw(st.sampled_from(self._runs(begun=True))), answer)

    def _end(self, run: Run, answer: Answer) -> None:
        if run.begun_as != self.attempts[run.key]:
            answer = Later(1.0)  # overtaken
        elif answer is None:
            assert run.covers > self.done[run.key], "a job counts twice"
            self.done[run.key] = run.covers
        run.end(answer)

    @rule(which=st.integers(0, 1))
    def die(self, which: int) -> None:
        """Kill a worker, and start another in its place."""
        worker = self.workers[which]
        for run in worker.in_work():
            run.end(None)  # nobody hears it
        self.dead.add(worker.name)
        self.workers[which] = self._worker()

    # --- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self._settle()
        finally:
            for worker in self.workers:
                for run in worker.in_work():
                    run.end(None)
            self.db.dispose()
            self.folder.cleanup()

    def _settle(self) -> None:
        """Let everything come to its end: what was wanted is done, and nothing is left."""
        for _ in range(ROUNDS):
            for which in (0, 1):
                self.turn(which, "")
            for run in self._runs(begun=False):
                self._begin(run)
            for run in self._runs(begun=True):
                self._end(run, None)
            self.clock.advance(4 * LEASE)
            if not any(self.engine.to_do(key) for key in KEYS):
                break
        assert self.done == self.wanted, "a job is lost"
        assert [self.engine.to_do(key) for key in KEYS] == [(), ()]


@pytest.fixture(autouse=True)
def _census_at_each_turn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dispatcher, "CENSUS_INTERVAL", 0.0)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


TestEngine = EngineMachine.TestCase
TestEngine.settings = settings(stateful_step_count=40)
