"""Packmule itself: the command `pack`, and the service from POST to `completed`.

Both run as anyone would run them: with the settings' defaults, but for the leave to reach loopback
and the benchmark's certificate.
"""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.contestants.contract import LIMIT_SECONDS, CommandContestant, Contestant, Outcome, Task
from bench.measure import MemoryWatch, Reading, RunError, Step, tail
from bench.origin import HOST, free_port
from bench.processes import end_tree, tree_cpu

READY_SECONDS = 60.0
POLL_SECONDS = 30


def variables(task: Task, extra: Mapping[str, str]) -> dict[str, str]:
    """Return what Packmule is told: where it may fetch from and whom it trusts."""
    told = {"PACKMULE_ALLOW_NETWORKS": "127.0.0.0/8", **extra}
    if task.authority:
        told["PACKMULE_CA_FILE"] = str(task.authority)
    return told


class Pack(CommandContestant):
    """`packmule pack`, the whole process."""

    name = "pack"
    title = "**packmule pack**"
    how = "the whole process, from its start to the finished archive"

    def __init__(self, program: Path, extra: Mapping[str, str]) -> None:
        self._program = program
        self._extra = extra

    def steps(self, task: Task) -> list[Step]:
        """Pack the links."""
        command = [str(self._program), "pack", "-i", str(task.write_links())]
        command += ["-o", str(task.output), "--quiet"]
        return [Step(command, task.folder, variables(task, self._extra))]


class Service(Contestant):
    """`packmule serve`, started once a work; a run is from POST to `completed`."""

    name = "service"
    title = "**packmule serve**"
    how = (
        "from POST to `completed`, the service already running; CPU and memory of all its processes"
    )

    def __init__(self, program: Path, extra: Mapping[str, str]) -> None:
        self._program = program
        self._extra = extra
        self._base = ""
        self._data = Path()
        self._log = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def ready(self, task: Task) -> Iterator[None]:
        """Run the service on an empty data directory until the block ends."""
        self._data = task.folder.parent / "service"
        self._log = task.folder.parent / "service.log"
        shutil.rmtree(self._data, ignore_errors=True)
        port = free_port()
        self._base = f"http://{HOST}:{port}"
        told = variables(task, self._extra)
        told |= {"PACKMULE_HOST": HOST, "PACKMULE_PORT": str(port)}
        told |= {"PACKMULE_DATA_DIR": str(self._data)}
        told |= {"PACKMULE_RATE_LIMIT": "off", "PACKMULE_QUOTA_JOBS": "off"}
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(self._program), "serve"],
                cwd=task.folder.parent,
                env={**task.environment, **told},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
            yield
        finally:
            end_tree(self._process)
            self._process = None
            shutil.rmtree(self._data, ignore_errors=True)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Ask /readyz until it says 200."""
        deadline = time.monotonic() + READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self._base}/readyz", timeout=5):
                    return
            except OSError:  # refused, or an HTTPError such as 503
                time.sleep(0.1)
        state = "not ready in time" if process.returncode is None else "over before it was ready"
        raise RunError(f"packmule serve was {state}: {tail(self._log)}")

    def run(self, task: Task) -> Outcome:
        """Post the links; wait for `completed`."""
        if self._process is None:
            raise RunError("packmule serve does not run")
        root = self._process.pid
        before = tree_cpu(root)
        begun = time.perf_counter()
        with MemoryWatch(self._process) as watch:
            made = self._ask("/api/archive/create", {"urls": list(task.urls)})
            archive_hash = str(made["archive_hash"])
            self._wait_until_completed(archive_hash)
            seconds = time.perf_counter() - begun
        reading = Reading(seconds, tree_cpu(root) - before, watch.peak_bytes)
        return Outcome(reading, self._find(archive_hash))

    def download_url(self, archive_hash: str) -> str:
        """Return the URL of an archive."""
        return f"{self._base}/archive/get/{archive_hash}.zip"

    def _wait_until_completed(self, archive_hash: str) -> None:
        """Ask for the status, held by the service, until it is final."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            answer = self._ask(f"/api/archive/status/{archive_hash}?wait={POLL_SECONDS}")
            if answer["status"] == "completed":
                return
            if answer["status"] != "in-progress":
                raise RunError(f"the job ended {answer['status']}: {answer.get('error')}")
        raise RunError("the job was not done in time")

    def _ask(self, path: str, body: object = None) -> dict[str, Any]:
        """Make one request with a JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._base + path, data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=POLL_SECONDS + 30) as answer:
                parsed: dict[str, Any] = json.load(answer)
                return parsed
        except urllib.error.HTTPError as error:
            said = error.read(400).decode(errors="replace")
            raise RunError(f"{path.partition('?')[0]} answered {error.code}: {said}") from error
        except OSError as error:
            raise RunError(f"the service does not answer: {error}; {tail(self._log)}") from error

    def _find(self, archive_hash: str) -> Path:
        """Find the archive in the data directory, where its file is named after its hash."""
        found = [path for path in self._data.rglob(f"*{archive_hash}*.zip") if path.is_file()]
        if len(found) != 1:
            raise RunError(f"{len(found)} archives of the job in the data directory")
        return found[0]
