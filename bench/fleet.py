"""A fleet to be measured: PostgreSQL with its journal synced, and processes of ours, on loopback.

Owns starting and ending them, at the settings' defaults; what they are asked and what is read off
is a benchmark's own. The database server is that of the tests.
"""

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from bench.measure import RunError, tail
from bench.processes import end_tree, tree_cpu
from bench.rounds import environment
from tests.fakes.postgres_server import PostgresServer

PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.2
_HEARTS = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '9 s'"
_LEFT = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
_WRONG = "SELECT hash, state FROM jobs WHERE state NOT IN ('queued', 'running', 'completed')"


def until(true: Callable[[], bool], what: str, patience: float = PATIENCE_SECONDS) -> None:
    """Wait until something is true, for at most so many seconds. Raises RunError."""
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise RunError(f"not within {patience:.0f} s: {what}")
        time.sleep(_LOOK_SECONDS)


class Fleet:
    """Processes of ours on a database of their own; `variables` are added to what they are told."""

    def __init__(
        self, folder: Path, server: PostgresServer, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.url = server.create(f"bench_{secrets.token_hex(6)}")
        self.environment = {
            **environment(None),
            "PACKMULE_DATABASE_URL": self.url,
            "PACKMULE_DATA_DIR": str(folder / "data"),
            "PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8",
            "PACKMULE_RATE_LIMIT": "off",
            "PACKMULE_QUOTA_JOBS": "off",
            **(variables or {}),
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.asked = 0
        self._connection: psycopg.Connection[Any] | None = None
        self.run("migrate")

    def run(self, *command: str) -> None:
        """Run a command of ours to its end. Raises RunError."""
        done = subprocess.run(
            [sys.executable, "-m", "packmule", *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunError(f"packmule {command[0]}: {done.stderr}")

    @contextmanager
    def process(self, *command: str, **more: str) -> Iterator["Process"]:
        """Run a process of ours until the context ends; it is asked to end, and waited for."""
        log = self.folder / f"{command[0]}-{secrets.token_hex(3)}.log"
        with log.open("wb") as output:
            started = subprocess.Popen(
                [sys.executable, "-m", "packmule", *command],
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield Process(started, log)
        finally:
            end_tree(started)

    def rows(self, query: LiteralString) -> list[Any]:
        """Ask the database, over one connection; `asked` counts how often."""
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True)
        self.asked += 1
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()

    def await_hearts(self, count: int) -> None:
        """Wait until so many workers live."""
        until(lambda: self.rows(_HEARTS)[0][0] >= count, f"{count} workers live")

    def await_completion(self) -> None:
        """Wait until every job has ended, and see that each is completed. Raises RunError."""
        until(lambda: self.rows(_LEFT)[0][0] == 0, "every job has ended")
        wrong = self.rows(_WRONG)
        if wrong:
            raise RunError(f"{len(wrong)} jobs are not completed: {wrong[:3]}")


class Process:
    """A running process of ours."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def cpu_seconds(self) -> float:
        """The CPU seconds it has used. Raises RunError where it has ended."""
        if self._process.poll() is not None:
            raise RunError(f"it ended with {self._process.returncode}: {tail(self._log)}")
        return tree_cpu(self._process.pid)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_SECONDS)


def put_jobs(fleet: Fleet, jobs: Sequence[Sequence[str]]) -> None:
    """Put jobs into the queue, each a list of links, past the API."""
    from packmule import settings as settings_module  # noqa: PLC0415 - quick where nothing is run
    from packmule.engine.interface import Task  # noqa: PLC0415
    from packmule.jobs.model import JobRequest, Source  # noqa: PLC0415
    from packmule.wiring.stores import BUILD, open_stores  # noqa: PLC0415

    with open_stores(settings_module.read(fleet.environment)) as stores:
        for links in jobs:
            sources = tuple(Source(number, link) for number, link in enumerate(links))
            stores.jobs.create(
                JobRequest(sources),
                defer=lambda connection, key: stores.engine.defer(connection, Task(BUILD, key)),
            )
