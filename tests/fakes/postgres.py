"""PostgreSQL for tests: one server for the whole run, and an empty database for whoever asks.

The server is that of PACKMULE_TEST_DATABASE_URL where this is given: a URL by whose user databases
may be made; they are left there. Else it is one of our own, which all processes of the run share.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from tests.fakes.clock import FakeClock
from tests.fakes.postgres_server import PATIENCE, create_database

from packmule.engine.procrastinate_schema import prepare
from packmule.jobs import database
from packmule.jobs.upgrading import upgrade

GIVEN = os.environ.get("PACKMULE_TEST_DATABASE_URL")
_ROOT = Path(__file__).parents[2]


def shared_server(folder: Path) -> str:
    """Give the URL of the run's server, started by whoever asks first; `folder` is the process's.

    A process of pytest-xdist has a folder of its own within the run's, and the run's process for
    its parent.
    """
    if GIVEN is not None:
        return GIVEN
    in_parallel = "PYTEST_XDIST_WORKER" in os.environ
    run = os.getppid() if in_parallel else os.getpid()
    file = (folder.parent if in_parallel else folder) / "postgres-url"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _start(run, file)
    return file.read_text()


def _start(run: int, file: Path) -> None:
    """Start the server as a program that outlives this process, but not the run."""
    program = [sys.executable, "-m", "tests.fakes.postgres_server", str(run), str(file)]
    with file.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            program,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert process.poll() is None, file.with_suffix(".log").read_text()
        assert time.monotonic() < deadline, "the database server does not start"
        time.sleep(0.02)
    process.returncode = 0  # it ends after us: nobody is to wait for it


def empty_database(server: str) -> str:
    """Make an empty database and give its URL."""
    return create_database(server, f"packmule_test_{secrets.token_hex(6)}")


# Found before the server's own: so what says now() lives by the test's clock, where one is set.
_CLOCK = """
    CREATE SCHEMA test_clock;
    CREATE TABLE test_clock.stands (at timestamptz);
    CREATE FUNCTION test_clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS
        'SELECT coalesce((SELECT at FROM test_clock.stands), pg_catalog.now())';
"""


def database_with_tables(server: str) -> str:
    """Make a database with all tables, whose clock a test can set, and give its URL."""
    url = empty_database(server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_CLOCK)
        name = connection.info.dbname
        connection.execute(
            f"ALTER DATABASE {name} SET search_path = public, test_clock, pg_catalog".encode()
        )
    engine = database.connect(url)
    upgrade(engine, in_same_transaction=prepare)
    engine.dispose()
    return url


# Many times as quick as TRUNCATE, which makes a new file for each index.
_EMPTIED = """
    SELECT format('DELETE FROM %I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('public', 'test_clock')
      AND tablename NOT IN ('alembic_version', 'packmule_queue_migrations')
    UNION ALL
    SELECT format('SELECT setval(%L, 1, false)', schemaname || '.' || sequencename)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


def empty_tables(url: str) -> None:
    """Forget everything but which migrations were made; the clock goes by itself again."""
    with psycopg.connect(url, autocommit=True) as connection:
        statements = [statement for (statement,) in connection.execute(_EMPTIED)]
        connection.execute("; ".join(statements).encode())


def cut_connections(url: str) -> None:
    """Cut every connection to a database, as a server that stops does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class DatabaseClock(FakeClock):
    """A clock that stands still in a database of `database_with_tables` too."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._set()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        super().advance(seconds)
        self._set()

    def _set(self) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute("DELETE FROM test_clock.stands")
            connection.execute("INSERT INTO test_clock.stands VALUES (%s)", [self.now])
