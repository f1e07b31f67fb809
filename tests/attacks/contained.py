"""The program under attack as the image, in a container with little memory.

Owns running it there, its processes as this machine sees them, and that the kernel killed none of
them for want of memory. It shares this machine's network, so that scenarios reach it, and it their
origins, as they do without a container.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.docker.container import FENCES
from tests.spec.service import Service, until

if TYPE_CHECKING:
    from tests.docker.engine import Engine

MEMORY = "512m"
FENCES_BUT_USER = FENCES[: FENCES.index("--user")]


class ContainedService(Service):
    """A running container of an image. `settings` are variables without their prefix."""

    def __init__(self, engine: Engine, image: str, folder: Path, **settings: str) -> None:
        super().__init__(folder, HOST="127.0.0.1", **settings)
        self._engine = engine
        self._image = image
        self._name = f"packmule-attacked-{self.port}"
        self._since = int(time.time())
        self._disk: list[str] = []

    def use_small_disk(self, size: str) -> Self:
        """Keep the data on a disk of its own of that size, which goes with the container."""
        self._disk = ["--tmpfs", f"{self.folder}/data:size={size},mode=700"]
        return self

    def seen_data(self) -> Path:
        """Return the data directory as the service sees it, with what is mounted there."""
        return Path(f"/proc/{self.processes()[0]}/root{self.folder}/data")

    def start(self) -> Self:
        """Start the container and wait until it takes jobs."""
        (self.folder / "data").mkdir(exist_ok=True)
        above = self.folder.parent  # what a scenario has put there for the program is seen, too
        command = ["run", "--detach", "--name", self._name, "--network", "host"]
        command += ["--memory", MEMORY, "--memory-swap", MEMORY, "--no-healthcheck"]
        command += [*FENCES_BUT_USER, "--user", f"{os.geteuid()}:{os.getegid()}"]
        command += ["--volume", f"{above}:{above}", *self._disk]
        for name, value in self.environment.items():
            if name not in {"PATH", "HOME"}:
                command += ["--env", f"{name}={value}"]
        self._engine.run(*command, self._image)
        until(self._takes_jobs, f"ready; its log:\n{self.log}")
        return self

    def _takes_jobs(self) -> bool:
        assert self.processes(), self.log
        return "listening on http://" in self.log and self.client.get("/readyz").is_success

    @property
    def log(self) -> str:
        """All that was logged."""
        return self._engine.run("logs", self._name, check=False)

    def processes(self) -> list[int]:
        """List its processes by their ids on this machine, process 1 of the container first."""
        lines = self._engine.run("top", self._name, "-eo", "pid", check=False).split()
        return sorted(int(each) for each in lines if each.isdecimal())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit code."""
        self._engine.run("kill", "--signal", str(int(number)), self._name)
        return int(self._engine.run("wait", self._name).split()[-1])

    def close(self) -> None:
        """Remove the container. Fails if it ran out of memory."""
        self.client.close()
        out_of_memory = self._engine.run(
            "events", "--since", str(self._since), "--until", str(int(time.time()) + 1),
            "--filter", f"container={self._name}", "--filter", "event=oom",
        )  # fmt: skip
        self._engine.run("rm", "--force", "--volumes", self._name, check=False)
        assert not out_of_memory, f"killed for want of memory:\n{out_of_memory}"
