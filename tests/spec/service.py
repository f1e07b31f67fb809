"""The real program for the promises: `packmule serve` on a free port, with a folder of its own.

Owns starting it, asking it, and seeing it gone. Nothing of it is imported: it is reached as its
users reach it, over HTTP and by signals.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from tests.fakes.bucket import FakeS3

PATIENCE = 120.0
"""Seconds in which the program must have started, ended, or done a small job."""

LOOPBACK = "127.0.0.0/8,::1/128"


def a_free_port() -> int:
    """Find a TCP port of 127.0.0.1 on which nothing listens, among `PORTS` of tests/conftest.py."""
    while True:
        port = random.randrange(20_000, 27_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_alive(process_id: int) -> bool:
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        with open(f"/proc/{process_id}/stat", encoding="ascii") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _is_frozen(process_id: int) -> bool:
    """Tell whether no thread of a process runs code of its own: stopped, or in the kernel."""
    stats = Path(f"/proc/{process_id}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] in "TtDZX" for stat in stats)


def until(true: Any, what: str, seconds: float = PATIENCE) -> None:
    """Wait until `true()`; fail with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


_READY = "listening on http://"


@cache
def _empty_database() -> bytes:
    """Return the database file that the program makes when there is none.

    Making it takes a quarter of a start.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PACKMULE_DATA_DIR": folder}
        migrate = [sys.executable, "-m", "packmule", "migrate"]
        subprocess.run(migrate, env=environment, check=True)
        return (Path(folder) / "packmule.db").read_bytes()


class Service:
    """A running `packmule serve`. `settings` are variables without their prefix."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = a_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONWARNINGS": "error",
            "PACKMULE_PORT": str(self.port),
            "PACKMULE_DATA_DIR": str(folder / "data"),
            "PACKMULE_ALLOW_NETWORKS": LOOPBACK,
            # All tests are one client, and ask more often than any other.
            "PACKMULE_RATE_LIMIT": "off",
            "PACKMULE_QUOTA_JOBS": "off",
        }
        if "PYTHONPATH" in os.environ:  # the program under test is the one the tests import
            self.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self.environment |= {f"PACKMULE_{name}": value for name, value in settings.items()}
        # A command that runs the program, which stays the same process.
        self.around: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)

    def use_small_disk(self, size: str) -> Self:
        """Keep the data on a disk of its own of that size, which goes with the service."""
        data = self.folder / "data"
        data.mkdir()
        script = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
        self.around = ["unshare", "--user", "--map-root-user", "--mount"]
        self.around += ["sh", "-c", script, str(data)]
        return self

    def use_bucket(self, server: FakeS3) -> None:
        """Keep the archives in a new bucket of that server."""
        self.environment |= server.environment
        self.environment["PACKMULE_STORAGE_URL"] = f"s3://{server.make_bucket()}/archives"

    def seen_data(self) -> Path:
        """Return the data directory as the service sees it, with what is mounted there."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.folder}/data")

    def start(self) -> Self:
        """Start the program and wait until it has said that it is ready."""
        said = self.log.count(_READY) if self.log_path.exists() else 0
        self._lay_out_database()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.around, sys.executable, "-m", "packmule", "serve"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: self._is_ready(said), f"ready; its log:\n{self.log}")
        return self

    def _lay_out_database(self) -> None:
        """Give a program without data the database that it would make."""
        data = self.folder / "data"
        is_usual = self.environment["PACKMULE_DATA_DIR"] == str(data)
        if is_usual and "PACKMULE_DATABASE_URL" not in self.environment and not data.exists():
            data.mkdir(mode=0o700)
            (data / "packmule.db").write_bytes(_empty_database())

    def _is_ready(self, said: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        # What the supervisor has not yet seen ready, it does not start again when it ends.
        return self.log.count(_READY) > said and self.client.get("/readyz").is_success

    @property
    def log(self) -> str:
        """All that was logged."""
        return self.log_path.read_text(errors="replace")

    def processes(self) -> list[int]:
        """List the processes it consists of, the supervisor first."""
        assert self.process is not None
        parent = self.process.pid
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, check=False
        )
        return [parent, *map(int, children.stdout.split())]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and give its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def freeze(self) -> None:
        """Stop all of it where it is; what it is waiting for in the kernel may still end there."""
        processes = self.processes()
        for process_id in processes:
            os.kill(process_id, signal.SIGSTOP)
        until(lambda: all(map(_is_frozen, processes)), "frozen")

    def kill(self, *processes: int) -> None:
        """Kill processes of it, all if none is named, as a power cut would."""
        doomed = processes or tuple(self.processes())
        for process_id in doomed:
            with suppress(ProcessLookupError):  # it has ended, and been buried, meanwhile
                os.kill(process_id, signal.SIGKILL)
        if self.process is not None and self.process.pid in doomed:
            self.process.wait(PATIENCE)
        until(lambda: not any(map(is_alive, doomed)), "killed")

    def close(self) -> None:
        """Leave nothing behind."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self, *urls: Any, **more: Any) -> str:
        """Ask for an archive, and give its hash."""
        answer = self.client.post("/api/archive/create", json={"urls": list(urls), **more})
        assert answer.status_code == 202, answer.text
        archive_hash: str = answer.json()["archive_hash"]
        return archive_hash

    def status(self, archive_hash: str, **parameters: Any) -> dict[str, Any]:
        """Ask for a job's status."""
        answer = self.client.get(f"/api/archive/status/{archive_hash}", params=parameters)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def kept(self, archive_hash: str) -> list[int]:
        """List how many bytes of each file a checkpoint says are there, for 1,000 files at most."""
        path = f"/api/archive/files/{archive_hash}"
        answer = self.client.get(path, params={"limit": 1000})
        assert answer.status_code == 200, answer.text
        return [each["bytes"]["done"] for each in answer.json()["files"]]

    def outcome(self, archive_hash: str) -> dict[str, Any]:
        """Wait until a job has ended, and give its status."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.status(archive_hash, wait=5)
            if found["status"] != "in-progress":
                return found
            assert time.monotonic() < deadline, f"still {found}; its log:\n{self.log}"

    def completed(self, *urls: Any, **more: Any) -> str:
        """Ask for an archive that will be completed, and give its hash when it is."""
        archive_hash = self.create(*urls, **more)
        found = self.outcome(archive_hash)
        assert found["status"] == "completed", found
        return archive_hash

    def download(self, archive_hash: str, **headers: str) -> httpx.Response:
        """Download an archive; `headers` with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(f"/archive/get/{archive_hash}.zip", headers=named)

    def members(self, archive_hash: str) -> dict[str, bytes]:
        """Download an archive and give what is in it, in its order."""
        answer = self.download(archive_hash)
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
