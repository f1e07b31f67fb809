"""A data directory with jobs in it, and worker processes to be killed, frozen and restarted.

Owns the way into the service past its API: jobs are put into the store from here, and worker
processes run them. Leaves the whole service, with its API, to `service.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.kills.archives import faults

from packmule.engine.embedded import EmbeddedEngine
from packmule.engine.interface import Task
from packmule.jobs.database import connect
from packmule.jobs.model import JobRequest, JobState, OnError, Source
from packmule.jobs.store import JobStore
from packmule.jobs.upgrading import upgrade
from packmule.storage.local import LocalStorage
from packmule.wiring.stores import BUILD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection
    from tests.kills.bodies import Body

    from packmule.jobs.model import Job

PATIENCE = 60.0
"""Seconds in which whatever is waited for has come true, or never will."""

LOOPBACK = "127.0.0.0/8"
PROGRAM = Path(__file__).with_name("worker_process.py")


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until `true()`; fail with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Give the environment of a process of the program; `settings` without their prefix."""
    given = {
        "DATA_DIR": str(data_dir),
        "ALLOW_NETWORKS": LOOPBACK,
        "MIN_FREE_BYTES": "0",
        **settings,
    }
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | {f"PACKMULE_{name}": value for name, value in given.items()}


class Worker:
    """A worker process."""

    def __init__(self, command: Sequence[object], env: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(PATIENCE)

    def drain(self) -> None:
        """Ask it to stop, and see that it ends well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0


class Site:
    """A data directory, its stores, and its worker processes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.log_path = folder / "log"
        self._settings = settings
        self._workers: list[Worker] = []
        self.data_dir.mkdir(exist_ok=True)
        self._database = connect(f"sqlite:///{self.data_dir / 'packmule.db'}")
        upgrade(self._database)
        self.store = JobStore(self._database)
        self.storage = LocalStorage(self.data_dir)
        self._engine = EmbeddedEngine(self._database)

    def create(
        self,
        links: Sequence[str],
        *,
        on_error: OnError = OnError.FAIL,
        priority: int = 0,
        max_part_bytes: int | None = None,
    ) -> str:
        """Put a job into the store, and give its hash."""
        sources = tuple(Source(position, url) for position, url in enumerate(links))
        request = JobRequest(
            sources, on_error=on_error, priority=priority, max_part_bytes=max_part_bytes
        )
        return self.store.create(request, defer=self._defer)

    def retry(self, key: str) -> None:
        """Have a failed job tried again."""
        self.store.retry(key, defer=self._defer)

    def _defer(self, connection: Connection, key: str) -> None:
        self._engine.defer(connection, Task(BUILD, key))

    def worker(self, lease: float = 15.0) -> Worker:
        """Start a worker process."""
        env = environment(self.data_dir, **self._settings)
        worker = Worker([sys.executable, PROGRAM, lease], env, self.log_path)
        self._workers.append(worker)
        return worker

    def worker_of_the_program(self) -> Worker:
        """Start a worker as an operator would."""
        env = environment(self.data_dir, **self._settings)
        worker = Worker([sys.executable, "-m", "packmule", "worker"], env, self.log_path)
        self._workers.append(worker)
        return worker

    def job(self, key: str) -> Job:
        """Look a job up."""
        return self.store.get(key)

    def ended(self, key: str) -> Job:
        """Wait until a job has ended."""
        ends = {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
        until(lambda: self.job(key).state in ends, f"the end of a job; its log:\n{self.log}")
        return self.job(key)

    def faults(self, key: str, wanted: Mapping[str, Body]) -> list[str]:
        """Wait until a job has ended, and say what is wrong with it or its archive."""
        job = self.ended(key)
        archive = self.storage.find(key)
        if job.state is not JobState.COMPLETED or archive is None:
            return [f"{job.state}, {job.failure}"]
        if (job.size, job.etag) != (archive.size, archive.etag):
            return [f"the job tells {job.size} {job.etag}, the archive {archive}"]
        assert archive.path is not None
        return faults(archive.path, wanted)

    def scratch(self) -> list[str]:
        """List what lies in the scratch."""
        return [path.name for path in self.data_dir.glob("scratch/*/*")]

    @property
    def log(self) -> str:
        """All that the workers have logged."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def close(self) -> None:
        """Leave no process behind."""
        for worker in self._workers:
            worker.kill()
        self._database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
