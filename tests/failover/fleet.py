"""A fleet under test: a database, a folder, and worker processes on both.

Owns the way into the fleet past its API: jobs are put into the store from here, and the program's
own workers, at its own settings, run them.
"""

from __future__ import annotations

import random
import secrets
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import text
from tests.fakes.origin import Origin
from tests.fakes.restoring import Backup
from tests.kills.workers import Worker, environment
from tests.kills.workers import until as until_within

from packmule import settings as settings_module
from packmule.engine.interface import Task
from packmule.errors import DatabaseAway
from packmule.jobs.database import connect
from packmule.jobs.model import JobRequest, JobState, Source
from packmule.wiring.migrating import migrate
from packmule.wiring.stores import BUILD, open_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sqlalchemy import Connection
    from tests.fakes.postgres_server import PostgresServer

    from packmule.errors import FailureCode

PATIENCE = 300.0
"""Seconds after which something does not happen any more, on however busy a machine."""

SIZE = 2_000_000
# How an earlier version puts a job into the queue; it prints the hash.
_CREATE = """
import os, sys
from packmule import settings
from packmule.engine.interface import Task
from packmule.jobs.database import connect
from packmule.jobs.model import JobRequest, Source
from packmule.wiring.stores import BUILD, open_stores
with open_stores(settings.read(os.environ)) as stores:
    print(stores.jobs.create(
        JobRequest((Source(0, sys.argv[1]),)),
        defer=lambda connection, key: stores.engine.defer(connection, Task(BUILD, key)),
    ))
"""
RATE = 200_000.0
"""Bytes a second: slow enough that every job is still in work when something dies."""


class Fleet:
    """A database, workers, and the jobs that were put in; use it as a context."""

    def __init__(
        self, folder: Path, server: PostgresServer, *, made_by: Path | None = None
    ) -> None:
        """`made_by`: the source of an earlier version, which makes the tables; else this one."""
        self.folder = folder
        self._made_by = made_by
        self._created = 0
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
        self._settings = settings_module.read(self._environment)
        if self._made_by is None:
            migrate(self._settings)
        else:
            self._run(self._made_by, "-m", "packmule", "migrate")
        self.stores = self._stack.enter_context(open_stores(self._settings))
        return self

    def upgrade(self) -> None:
        """Bring the tables to this version."""
        migrate(self._settings)

    def backup(self) -> Backup:
        """Copy the database as it is now; nobody else may be connected."""
        database = connect(self._settings.database_url)
        self._stack.callback(database.dispose)
        return Backup(database)

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._stack.close()

    def worker(self, source: Path | None = None) -> Worker:
        """Start a worker, of an earlier version's `source` too; wait until its heart has beaten."""
        known = self._count("procrastinate_workers")
        log = self.folder / f"worker-{len(self._workers)}.log"
        command = [sys.executable, "-m", "packmule", "worker"]
        worker = Worker(command, self._of(source), log)
        self._workers.append(worker)
        until(lambda: self._count("procrastinate_workers") > known, "a heart has beaten")
        return worker

    def log_of(self, worker: Worker) -> str:
        """Read what a worker has logged."""
        log = self.folder / f"worker-{self._workers.index(worker)}.log"
        return log.read_text(errors="replace")

    def ended(self, worker: Worker) -> int:
        """Count the runs of a worker that were overtaken, or met a lost connection."""
        log = self.log_of(worker)
        return log.count("job overtaken") + log.count("task failed")

    def _of(self, source: Path | None) -> dict[str, str]:
        """Give the environment in which the program of that source runs."""
        return self._environment | ({} if source is None else {"PYTHONPATH": str(source)})

    def _run(self, source: Path, *command: str) -> str:
        """Run a program of an earlier version, and give what it prints."""
        ended = subprocess.run(
            [sys.executable, *command],
            env=self._of(source),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def busiest(self) -> Worker:
        """Give the worker with the most jobs in its hands."""
        return max(self._workers, key=lambda worker: len(self.in_hand(worker)))

    def in_hand(self, worker: Worker) -> set[str]:
        """List the jobs that a worker has begun, by its log, and that have not ended."""
        begun = [line for line in self.log_of(worker).splitlines() if "job started" in line]
        return {
            key
            for key in self.bodies
            if any(key[:8] in line for line in begun)
            and self.stores.jobs.get(key).state is JobState.RUNNING
        }

    def create(self, *, by: Path | None = None, **more: Any) -> str:
        """Put a job of one slow file into the queue, and give its hash.

        `by`: the source of an earlier version that does so. `more` says how the origin sends it.
        """
        number = self._created
        self._created += 1
        body = random.Random(number).randbytes(SIZE)
        link = self.origin.put(f"/{number}.bin", body, rate=RATE, **more)
        if by is None:
            key = self.stores.jobs.create(JobRequest((Source(0, link),)), defer=self._defer)
        else:
            key = self._run(by, "-c", _CREATE, link)
        self.bodies[key], self._links[key] = body, f"/{number}.bin"
        return key

    def _defer(self, connection: Connection, key: str) -> None:
        self.stores.engine.defer(connection, Task(BUILD, key))

    def retry(self, key: str) -> None:
        """Have a failed job tried again, its file sent whole."""
        self.origin.release(self._links[key])
        self.stores.jobs.retry(key, defer=self._defer)

    def forget(self, keys: Iterable[str]) -> None:
        """Forget jobs that the database does not know any more."""
        for key in keys:
            del self.bodies[key]

    def bytes_done(self, key: str) -> int:
        """Tell how far a job is, by its last checkpoint."""
        return self.stores.jobs.get(key).progress.bytes_done

    def attempt(self, key: str) -> int:
        """Tell how often a job was begun."""
        return self.stores.jobs.get(key).attempt

    def is_at(self, key: str, attempt: int) -> bool:
        """Tell whether a job was begun so often."""
        return self.attempt(key) == attempt

    def knows(self, key: str) -> bool:
        """Tell whether the database knows a job."""
        return key in self.stores.jobs.find_versions([key])

    def failure_of(self, key: str) -> FailureCode | None:
        """Tell as what a job has failed; None while it has not."""
        failure = self.stores.jobs.get(key).failure
        return None if failure is None else failure.code

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


def until(true: Callable[[], object], what: str) -> None:
    """Wait until `true()`, for long: what is measured here are not the tests' own seconds."""
    until_within(true, what, PATIENCE)


def patiently(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Ask a database that may be away for now: that is a no."""

    def asked() -> bool:
        try:
            return ask()
        except DatabaseAway:
            return False

    return asked
