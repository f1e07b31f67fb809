"""The engine, continued: several workers, some of which are killed or frozen; real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conformance.worker_process import engine_of
from tests.fakes.waiting import eventually

from packmule.engine.interface import Task
from packmule.jobs import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine as Database

PROGRAM = Path(__file__).with_name("worker_process.py")

# Seconds. With NEVER nothing that happens here is due to a lease running out.
NEVER = 3600.0
SHORT = 1.0


class Process:
    """A worker process, and what it has noted of its tasks."""

    def __init__(self, url: str, notes: Path, lease: float) -> None:
        self._notes = notes
        self._process = subprocess.Popen([sys.executable, PROGRAM, url, notes, str(lease)])

    def noted(self, what: str) -> set[str]:
        """Give the keys of the tasks that it began, or ended."""
        return {p.name.split(".")[0] for p in self._notes.glob(f"*.{self._process.pid}.{what}")}

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)

    def drain(self) -> None:
        self.send(signal.SIGTERM)
        assert self._process.wait(30) == 0


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def start(db: Database, database_url: str, notes: Path) -> Iterator[Callable[..., Process]]:
    """Start worker processes on one database, which `db` has made; all are killed at the end."""
    assert db is not None
    processes: list[Process] = []

    def started(lease: float = NEVER) -> Process:
        processes.append(Process(database_url, notes, lease))
        return processes[-1]

    yield started
    for process in processes:
        with suppress(ProcessLookupError):
            process.send(signal.SIGCONT)
        process.kill()


@pytest.fixture
def defer(database_url: str, db: Database) -> Callable[..., None]:
    engine = engine_of(database_url, NEVER)

    def deferred(*keys: str) -> None:
        for key in keys:
            with db.begin() as connection:
                engine.defer(connection, Task("hold", key))

    return deferred


@pytest.fixture
def until_gone(db: Database) -> float:
    """Give a lease that lets a killed worker's tasks be free soon: at once, where that is seen."""
    return SHORT if db.dialect.name == "postgresql" else NEVER


def left(db: Database) -> int:
    table = "procrastinate_jobs" if db.dialect.name == "postgresql" else "tasks"
    with database.reading(db) as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def test_a_killed_workers_task_is_resumed_by_its_successor(
    start: Callable[..., Process],
    defer: Callable[..., None],
    notes: Path,
    db: Database,
    until_gone: float,
) -> None:
    first = start(until_gone)
    defer("a")
    eventually(lambda: first.noted("began") == {"a"})
    first.kill()
    (notes / "release").touch()
    second = start(until_gone)
    eventually(lambda: second.noted("ended") == {"a"})
    eventually(lambda: left(db) == 0)


def test_a_killed_workers_tasks_are_taken_over_by_one_who_is_at_work_already(
    start: Callable[..., Process], defer: Callable[..., None], until_gone: float
) -> None:
    first = start(until_gone)
    defer("a", "b")
    eventually(lambda: first.noted("began") == {"a", "b"})
    second = start(until_gone)
    defer("c")
    eventually(lambda: "c" in first.noted("began") | second.noted("began"))
    first.kill()
    eventually(lambda: second.noted("began") >= {"a", "b"})


def test_a_task_is_with_one_worker_only(
    start: Callable[..., Process], defer: Callable[..., None], notes: Path, db: Database
) -> None:
    keys = [f"{n}" for n in range(40)]
    (notes / "release").touch()
    defer(*keys[:20])
    start()
    start()
    defer(*keys[20:])
    eventually(lambda: left(db) == 0)
    assert Counter(path.name.split(".")[0] for path in notes.glob("*.began")) == Counter(keys)


def test_a_frozen_workers_task_is_taken_over_and_its_waking_up_harms_nothing(
    start: Callable[..., Process], defer: Callable[..., None], notes: Path, db: Database
) -> None:
    frozen = start(SHORT)
    defer("a")
    eventually(lambda: frozen.noted("began") == {"a"})
    frozen.send(signal.SIGSTOP)
    other = start(SHORT)
    eventually(lambda: other.noted("began") == {"a"})
    frozen.send(signal.SIGCONT)
    defer("b")
    eventually(lambda: "b" in frozen.noted("began") | other.noted("began"))
    (notes / "release").touch()
    eventually(lambda: left(db) == 0)
    assert other.noted("ended") >= {"a"}
    frozen.drain()
    other.drain()


def test_a_drained_workers_task_is_free_for_the_next(
    start: Callable[..., Process], defer: Callable[..., None]
) -> None:
    first = start()
    defer("a")
    eventually(lambda: first.noted("began") == {"a"})
    first.drain()
    second = start()
    eventually(lambda: second.noted("began") == {"a"})
