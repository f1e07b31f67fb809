"""A fleet under test: a database, a folder, and worker processes on both.

Owns the way into the fleet past its API: jobs are put into the store from here, and the program's
own workers, at its own settings, run them.
"""

from __future__ import annotations

import random
import secrets
import sys
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from sqlalchemy import text
from tests.fakes.origin import Origin
from tests.kills.workers import Worker, environment, until

from packmule import settings as settings_module
from packmule.engine.interface import Task
from packmule.errors import DatabaseAway
from packmule.jobs.model import JobRequest, JobState, Source
from packmule.wiring.migrating import migrate
from packmule.wiring.stores import BUILD, open_stores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.postgres_server import PostgresServer

SIZE = 3_000_000
RATE = 300_000.0
"""Bytes a second: slow enough that every job is still in work when something dies."""


class Fleet:
    """A database, workers, and the jobs that were put in; use it as a context."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.folder = folder
        self.server = server
        self.bodies: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._workers: list[Worker] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self.origin = self._stack.enter_context(Origin())
        url = self.server.create(f"fleet_{secrets.token_hex(6)}")
        self._environment = environment(self.folder / "data", DATABASE_URL=url)
        settings = settings_module.read(self._environment)
        migrate(settings)
        self.stores = self._stack.enter_context(open_stores(settings))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._stack.close()

    def worker(self) -> Worker:
        """Start a worker, and wait until its heart has beaten."""
        known = self._count("procrastinate_workers")
        log = self.folder / f"worker-{len(self._workers)}.log"
        worker = Worker([sys.executable, "-m", "packmule", "worker"], self._environment, log)
        self._workers.append(worker)
        until(lambda: self._count("procrastinate_workers") > known, "a heart has beaten")
        return worker

    def busiest(self) -> Worker:
        """Give the worker with the most jobs in its hands."""
        return max(self._workers, key=lambda worker: len(self.in_hand(worker)))

    def in_hand(self, worker: Worker) -> set[str]:
        """List the jobs that a worker has begun, by its log, and that have not ended."""
        log = self.folder / f"worker-{self._workers.index(worker)}.log"
        begun = [
            line for line in log.read_text(errors="replace").splitlines() if "job started" in line
        ]
        return {
            key
            for key in self.bodies
            if any(key in line for line in begun)
            and self.stores.jobs.get(key).state is JobState.RUNNING
        }

    def create(self) -> str:
        """Put a job of one slow file into the queue, and give its hash."""
        number = len(self.bodies)
        body = random.Random(number).randbytes(SIZE)
        link = self.origin.put(f"/{number}.bin", body, rate=RATE)
        key = self.stores.jobs.create(
            JobRequest((Source(0, link),)),
            defer=lambda connection, key: self.stores.engine.defer(connection, Task(BUILD, key)),
        )
        self.bodies[key], self._links[key] = body, f"/{number}.bin"
        return key

    def bytes_done(self, key: str) -> int:
        """Tell how far a job is, by its last checkpoint."""
        return self.stores.jobs.get(key).progress.bytes_done

    def attempt(self, key: str) -> int:
        """Tell how often a job was begun."""
        return self.stores.jobs.get(key).attempt

    def requests(self, key: str) -> int:
        """Tell how often a job's file was asked for."""
        return len(self.origin.requests_for(self._links[key]))

    def faults(self) -> list[str]:
        """Wait until every job has ended, and say what is wrong with any."""
        return [fault for key in self.bodies for fault in self._faults_of(key)]

    def _faults_of(self, key: str) -> list[str]:
        ends = {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
        until(patiently(lambda: self.stores.jobs.get(key).state in ends), "the end of a job")
        job = self.stores.jobs.get(key)
        archive = self.stores.storage.find(key, job.etag)
        if job.state is not JobState.COMPLETED or archive is None:
            return [f"{key} is {job.state}: {job.failure}"]
        assert archive.path is not None
        with zipfile.ZipFile(archive.path) as opened:
            (entry,) = opened.infolist()
            if opened.read(entry) != self.bodies[key]:
                return [f"the archive of {key} is not what was asked for"]
        return []

    def left_over(self) -> list[str]:
        """Say what is still in the queue when all jobs have ended."""
        until(lambda: self._count("procrastinate_jobs WHERE status = 'doing'") == 0, "rest")
        waiting = self._count(f"procrastinate_jobs WHERE queue_name = '{BUILD}'")
        return [f"{waiting} tasks were left"] if waiting else []

    def _count(self, what: str) -> int:
        with self.stores.transaction() as connection:
            count = connection.execute(text(f"SELECT count(*) FROM {what}"))  # noqa: S608
            return int(count.scalar_one())


def patiently(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Ask a database that may be away for now: that is a no."""

    def asked() -> bool:
        try:
            return ask()
        except DatabaseAway:
            return False

    return asked
