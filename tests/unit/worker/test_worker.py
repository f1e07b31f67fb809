"""The worker: its sign of life, and its end."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes.waiting import eventually

from packmule.worker import run
from packmule.worker.heartbeat import Heartbeat
from packmule.worker.run import Duty, work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from packmule.engine.interface import Handler, Later, Task, ToDo


class FakeEngine:
    """An engine without tasks, which notes what it was given and runs until it is stopped."""

    def __init__(self, error: Exception | None = None) -> None:
        self.given: tuple[dict[str, Handler], dict[str, int]] | None = None
        self._error = error

    def defer(self, connection: Connection, task: Task) -> None:
        raise AssertionError(connection, task)

    def run(
        self,
        handlers: Mapping[str, Handler],
        *,
        concurrency: Mapping[str, int],
        stop: threading.Event,
    ) -> None:
        self.given = (dict(handlers), dict(concurrency))
        if self._error is not None:
            raise self._error
        assert stop.wait(30)

    def without_task(self, tasks: Sequence[Task]) -> list[Task]:
        return list(tasks)

    def queue_age(self) -> float:
        return 0.0

    def to_do(self, _key: str) -> tuple[ToDo, ...]:
        return ()


def build(_key: str, _stop: threading.Event) -> Later | None:
    return None


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BEAT_EVERY", 0.01)


def beating(engine: FakeEngine, heartbeat: Heartbeat) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    duties = {"build": Duty(build, 3)}
    thread = threading.Thread(target=work, args=(engine, duties, heartbeat, stop))
    thread.start()
    return thread, stop


def test_never_seen_is_no_age(tmp_path: Path) -> None:
    assert Heartbeat(tmp_path / "nothing").age() is None


def test_a_beat_is_seen_by_another_process(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    Heartbeat(folder).beat()
    age = Heartbeat(folder).age()
    assert age is not None
    assert age < 30


def test_the_age_is_that_of_the_last_beat(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat()
    [file] = tmp_path.iterdir()
    os.utime(file, (0, time.time() - 100))
    age = Heartbeat(tmp_path).age()
    assert age is not None
    assert 99 < age < 130
    Heartbeat(tmp_path).beat()
    again = Heartbeat(tmp_path).age()
    assert again is not None
    assert again < 30


def test_the_engine_is_given_each_handler_with_its_bound_and_stops_with_the_worker(
    tmp_path: Path,
) -> None:
    engine = FakeEngine()
    thread, stop = beating(engine, Heartbeat(tmp_path))
    deadline = time.monotonic() + 30
    while Heartbeat(tmp_path).age() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert engine.given == ({"build": build}, {"build": 3})


def test_the_heart_stops_with_an_engine_that_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no database"):
        work(FakeEngine(RuntimeError("no database")), {}, Heartbeat(tmp_path), threading.Event())
    assert "heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_no_fault_ends_the_heartbeat(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Heartbeat):
        beats = 0

        def beat(self) -> None:
            self.beats += 1
            raise RuntimeError("not an OSError")

    heartbeat = Broken(Path("unused"))
    with caplog.at_level(logging.WARNING):
        thread, stop = beating(FakeEngine(), heartbeat)
        eventually(lambda: heartbeat.beats > 2)
        stop.set()
        thread.join(30)
    assert len(caplog.records) == 1


def test_a_disk_that_refuses_is_said_once_and_the_work_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        thread, stop = beating(FakeEngine(), Heartbeat(tmp_path / "file"))
        time.sleep(0.2)
        assert thread.is_alive()
        stop.set()
        thread.join(30)
    assert len(caplog.records) == 1
