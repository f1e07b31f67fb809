"""Starting while the database or the bucket is away: each process waits, and says for what."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.fakes.postgres_server import PostgresServer
from tests.kills.workers import Worker, environment
from tests.spec.service import PATIENCE, a_free_port, until

from packmule.jobs.upgrading import UPGRADE_LOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(400)  # a database and programs, started several times

PROGRAM = (sys.executable, "-m", "packmule")
WAITS = "database not reachable"
HEARTS = "SELECT count(*) FROM procrastinate_workers"
TASKS = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Give a database server of this file's own, to be stopped."""
    with PostgresServer() as running:
        yield running


class Program:
    """One process of the program, on a database of its own."""

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        self.url = url
        self._log = folder / "log"
        self._environment = environment(
            folder / "data", DATABASE_URL=url, PORT=str(a_free_port()), **settings
        )
        self._running: list[Worker] = []

    def start(self, *command: str, **more: str) -> Worker:
        """Start it."""
        env = self._environment | more | {"PYTHONWARNINGS": "error"}
        self._running.append(Worker([*PROGRAM, *command], env, self._log))
        return self._running[-1]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [*PROGRAM, *command],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def says(self, text: str) -> Callable[[], bool]:
        """Return whether it has said so, and fail where it has ended."""

        def look() -> bool:
            ended = [each.process.poll() for each in self._running if each.process.poll()]
            assert not ended, f"ended with {ended}: {self.log}"
            return text in self.log

        return look

    def has(self, number: int, query: bytes) -> Callable[[], bool]:
        """Return whether the database counts so many."""

        def look() -> bool:
            self.says("")()
            try:
                with psycopg.connect(self.url) as connection:
                    return connection.execute(query).fetchone() == (number,)
            except psycopg.Error:
                return False  # the tables are not there yet

        return look

    def close(self) -> None:
        """Leave no process behind."""
        for each in self._running:
            each.kill()


@pytest.fixture
def program(tmp_path: Path, server: PostgresServer) -> Iterator[Program]:
    """Give the program on an empty database."""
    if not server.process_id:
        server.start()
    own = Program(tmp_path, server.create(f"start_{secrets.token_hex(6)}"))
    try:
        yield own
    finally:
        own.close()


def test_a_worker_that_is_started_before_its_database_waits_for_it(
    program: Program, server: PostgresServer
) -> None:
    server.stop()
    worker = program.start("worker")
    until(program.says(WAITS), "it says that it waits")
    server.start()
    until(program.has(1, HEARTS.encode()), "its heart beats")
    worker.drain()


def test_a_service_that_is_started_before_its_database_waits_for_it(
    program: Program, server: PostgresServer
) -> None:
    server.stop()
    service = program.start("serve")
    until(program.says(WAITS), "it says that it waits")
    server.start()
    until(program.says("listening on"), "it listens")
    service.drain()


def test_nothing_of_a_service_is_left_that_ends_while_it_waits_for_its_database(
    program: Program, server: PostgresServer
) -> None:
    server.stop()
    service = program.start("serve")
    until(program.says(WAITS), "it says that it waits")
    service.kill()
    found = ["pgrep", "-f", f"^{PROGRAM[0]} -m packmule migrate --parent {service.process.pid}"]
    until(lambda: subprocess.run(found, check=False, capture_output=True).returncode == 1, "gone")


def test_a_worker_whose_database_crashes_while_it_migrates_starts_when_it_is_back(
    program: Program, server: PostgresServer
) -> None:
    with suppress(psycopg.OperationalError), psycopg.connect(program.url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [UPGRADE_LOCK])
        worker = program.start("worker")
        until(program.has(1, _WAITING_FOR_A_LOCK), "it is about to migrate")
        server.kill()
    until(program.says(WAITS), "it says that it waits")
    server.start()
    until(program.has(1, HEARTS.encode()), "its heart beats")
    worker.drain()


def test_a_worker_whose_database_crashes_before_its_first_task_starts_when_it_is_back(
    program: Program, server: PostgresServer
) -> None:
    assert program.run("migrate").returncode == 0
    with suppress(psycopg.OperationalError), psycopg.connect(program.url) as other:
        other.execute("LOCK TABLE procrastinate_jobs IN SHARE MODE")
        worker = program.start("worker")
        until(program.has(1, _WAITING_FOR_A_LOCK), "it is about to add a task")
        server.kill()
    server.start()
    until(program.has(1, HEARTS.encode()), "its heart beats")
    until(program.has(2, TASKS.encode()), "it has what comes back by itself to do")
    worker.drain()


_WAITING_FOR_A_LOCK = b"""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("command", ["worker", "api", "migrate", "serve"])
def test_a_database_that_is_not_there_ends_the_start_with_what_the_server_says(
    program: Program, tmp_path: Path, command: str
) -> None:
    wrong = Program(tmp_path, program.url + "_typo")
    ended = wrong.run(command)
    assert ended.returncode == 1
    assert "does not exist" in ended.stderr
    assert "PACKMULE_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_user_that_may_not_make_tables_ends_the_start_with_what_to_grant(
    program: Program, tmp_path: Path
) -> None:
    with psycopg.connect(program.url, autocommit=True) as connection:
        role = f"reader_{secrets.token_hex(4)}"
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    ended = Program(tmp_path, program.url.replace("packmule@", f"{role}@")).run("worker")
    assert ended.returncode == 1
    assert "GRANT" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("bucket", ["away", "silent"])
def test_a_worker_starts_while_nothing_answers_where_its_bucket_should_be(
    program: Program, bucket: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and says nothing
        port = a_free_port() if bucket == "away" else silent.getsockname()[1]
        worker = program.start(
            "worker",
            PACKMULE_STORAGE_URL="s3://somewhere",
            AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{port}",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="no secret",  # noqa: S106
            AWS_DEFAULT_REGION="us-east-1",
        )
        until(program.says("storage not usable"), "it says that the bucket is away")
        until(program.has(1, HEARTS.encode()), "its heart beats")
        worker.kill()
